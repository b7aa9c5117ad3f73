//! I-28: no secret in clear in anything that was written.

use std::path::PathBuf;

use sutler_secrets::find_leaks;

use super::super::evidence::Violation;

/// Bytes that somebody wrote, and where.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Where they were found.
    pub place: PathBuf,
    /// What they are.
    pub bytes: Vec<u8>,
}

/// Every secret (name and value) that is in the captured bytes, in whatever form.
#[must_use]
pub fn leaks(captured: &[Captured], secrets: &[(String, String)]) -> Vec<Violation> {
    let secrets: Vec<(&str, &str)> =
        secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut found = Vec::new();
    for Captured { place, bytes } in captured {
        for leak in find_leaks(bytes, &secrets) {
            let what = format!("{} as {} in {} at {}", leak.name, leak.form, place.display(), leak.offset);
            found.push(Violation::new("I-28", what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i_28_a_secret_in_any_form_is_found_and_its_absence_is_fine() {
        let secrets = [("token".to_owned(), "canary-8f14e45fceea167a5a36".to_owned())];
        let captured = |text: &str| Captured { place: "log".into(), bytes: text.as_bytes().to_vec() };
        assert!(leaks(&[captured("nothing here")], &secrets).is_empty());
        let hexadecimal: String = secrets[0].1.bytes().map(|byte| format!("{byte:02x}")).collect();
        for leaking in [&secrets[0].1, &hexadecimal] {
            assert_eq!(leaks(&[captured(&format!("x {leaking} y"))], &secrets).len(), 1, "{leaking}");
        }
    }
}
