//! When each credential was used last, among the metrics (S-03).

use super::auth::CredentialUse;

const NAME: &str = "sutler_broker_credential_last_used_timestamp_seconds";
const END: &str = "# EOF";

/// Adds the credentials to a text of OpenMetrics. Their ids are the operator's own words, so they are few.
pub(super) fn with_credentials(text: String, uses: &[CredentialUse]) -> String {
    let Some(body) = text.trim_end().strip_suffix(END) else { return text };
    let mut new = body.to_owned();
    new.push_str(&format!("# HELP {NAME} When the credential was used last since the start, 0 for never.\n"));
    new.push_str(&format!("# TYPE {NAME} gauge\n# UNIT {NAME} seconds\n"));
    for CredentialUse { id, last_used, .. } in uses {
        let id = id.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let seconds = last_used.map_or(0, jiff::Timestamp::as_second);
        new.push_str(&format!("{NAME}{{credential=\"{id}\"}} {seconds}\n"));
    }
    new + END + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_03_the_last_use_is_among_the_metrics() {
        let used = |id: &str, seconds| CredentialUse {
            id: id.to_owned(),
            last_used: jiff::Timestamp::from_second(seconds).ok(),
            not_before: None,
            not_after: None,
        };
        let text = with_credentials("a 1\n# EOF\n".to_owned(), &[used("me", 17), used("a\"b", 18)]);
        assert!(text.starts_with("a 1\n# HELP "), "{text}");
        assert!(text.contains("{credential=\"me\"} 17\n"), "{text}");
        assert!(text.contains("{credential=\"a\\\"b\"} 18\n"), "{text}");
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }
}
