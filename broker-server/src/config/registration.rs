//! What `broker.yaml` lets people buy.

use serde::Deserialize;
use sutler_catalog::domain::amount::Amount;

use super::RegistrationPolicy;
use crate::expense::Limits;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRegistration {
    extensions: Vec<String>,
    at_most: Option<FileLimit>,
    monthly: Option<FileMonthly>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMonthly {
    currency: String,
    all: Option<Amount>,
    organization: Option<Amount>,
    space: Option<Amount>,
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
        let monthly = self.monthly.map(|FileMonthly { currency, all, organization, space }| {
            (Limits { all, organization, space }, currency)
        });
        let currencies = at_most.iter().map(|(_, currency)| currency);
        let currencies = currencies.chain(monthly.iter().map(|(_, currency)| currency));
        if let Some(odd) = currencies.into_iter().find(|currency| !is_currency(currency)) {
            return Err(format!("'{odd}' is no currency: it has three capital letters, such as USD"));
        }
        if monthly.as_ref().is_some_and(|(limits, _)| *limits == Limits::default()) {
            return Err("`monthly` needs an amount for `all`, `organization` or `space`".to_owned());
        }
        Ok(RegistrationPolicy { extensions: self.extensions, at_most, monthly })
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
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
        assert_eq!(policy.monthly, None);
        let monthly =
            r#"{ "extensions": ["com"], "monthly": { "currency": "USD", "all": "50", "space": "9.5" } }"#;
        let (limits, currency) = checked(monthly).unwrap().monthly.unwrap();
        let amount = |text: &str| text.parse().ok();
        let expected = Limits { all: amount("50"), organization: None, space: amount("9.50") };
        assert_eq!((limits, currency.as_str()), (expected, "USD"));
        for bad in [
            "{}",
            r#"{ "extensions": [] }"#,
            r#"{ "extensions": [".com"] }"#,
            r#"{ "extensions": ["COM"] }"#,
            r#"{ "extensions": ["com"], "at_most": { "amount": "20", "currency": "dollars" } }"#,
            r#"{ "extensions": ["com"], "at_most": { "amount": 20.5, "currency": "USD" } }"#,
            r#"{ "extensions": ["com"], "monthly": { "currency": "USD" } }"#,
            r#"{ "extensions": ["com"], "monthly": { "currency": "dollars", "all": "50" } }"#,
            r#"{ "extensions": ["com"], "monthly": { "currency": "USD", "team": "50" } }"#,
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
