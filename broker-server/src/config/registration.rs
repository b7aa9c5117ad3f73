//! What `broker.yaml` lets people buy.

use serde::Deserialize;
use sutler_catalog::domain::amount::Amount;

use super::RegistrationPolicy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRegistration {
    extensions: Vec<String>,
    at_most: Option<FileLimit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLimit {
    amount: Amount,
    currency: String,
}

impl FileRegistration {
    pub(super) fn checked(self) -> Result<RegistrationPolicy, String> {
        if self.extensions.is_empty() {
            return Err(
                "`registration` needs `extensions`, such as [com, net]: nothing else is bought".to_owned()
            );
        }
        if let Some(odd) = self.extensions.iter().find(|extension| !is_extension(extension)) {
            return Err(format!("'{odd}' is no extension: write it in lower case, without a dot before it"));
        }
        let at_most = self.at_most.map(|FileLimit { amount, currency }| (amount, currency));
        let is_currency = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if let Some((_, odd)) = at_most.as_ref().filter(|(_, currency)| !is_currency(currency)) {
            return Err(format!("'{odd}' is no currency: it has three capital letters, such as USD"));
        }
        Ok(RegistrationPolicy { extensions: self.extensions, at_most })
    }
}

fn is_extension(text: &str) -> bool {
    let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(yaml: &str) -> Result<RegistrationPolicy, String> {
        let file: FileRegistration = serde_json::from_str(yaml).map_err(|error| error.to_string())?;
        file.checked()
    }

    #[test]
    fn what_may_be_bought_is_said_in_full_or_refused() {
        let good = r#"{ "extensions": ["com", "co.uk"], "at_most": { "amount": "20", "currency": "USD" } }"#;
        let policy = checked(good).unwrap();
        assert_eq!(policy.at_most, Some(("20.00".parse().unwrap(), "USD".to_owned())));
        for bad in [
            "{}",
            r#"{ "extensions": [] }"#,
            r#"{ "extensions": [".com"] }"#,
            r#"{ "extensions": ["COM"] }"#,
            r#"{ "extensions": ["com"], "at_most": { "amount": "20", "currency": "dollars" } }"#,
            r#"{ "extensions": ["com"], "at_most": { "amount": 20.5, "currency": "USD" } }"#,
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
