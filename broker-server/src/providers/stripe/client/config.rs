//! Where Stripe is, which account is ours, and with what keys: checked before anything is sent.

use std::{num::NonZeroU32, time::Duration};

use http::HeaderValue;
use sutler_catalog::stripe::Mode;
use sutler_secrets::SecretString;

use crate::providers::{
    egress::EgressError,
    vendor::{self, BaseProblem},
};

/// What the operator says about Stripe.
#[derive(Debug)]
pub struct StripeConfig {
    /// The root of the interface, [`DEFAULT_BASE_URL`](Self::DEFAULT_BASE_URL) unless a fake stands in.
    pub base_url: String,
    /// The account that everything is made in, such as `acct_1032D82eZvKYlo2C`.
    pub account_id: String,
    /// A secret or restricted key of test mode; without it, there are no plans of test mode.
    pub test_key: Option<SecretString>,
    /// A secret or restricted key of live mode; without it, there are no plans of live mode.
    pub live_key: Option<SecretString>,
    /// How long one call may take, all in all.
    pub call_timeout: Duration,
    /// How many calls the account takes from this store, [`DEFAULT_CALLS`](Self::DEFAULT_CALLS) as a rule.
    pub calls_per_second: NonZeroU32,
}

impl StripeConfig {
    /// Where Stripe's interface is.
    pub const DEFAULT_BASE_URL: &'static str = "https://api.stripe.com";
    /// Stripe's limit is 25 calls a second in test mode, and 25 for one endpoint in live mode. A fifth is left to people
    /// and other programs.
    pub const DEFAULT_CALLS: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The root is not a URL, or has parts it must not have.
    #[error("the base URL of Stripe must be an absolute http(s) URL without user, query and fragment")]
    BaseUrl,
    /// The key would travel in clear.
    #[error("the base URL of Stripe must begin with https, unless it is on this machine")]
    Unencrypted,
    /// The account id has another form.
    #[error("the account id of Stripe begins with acct_, letters and digits follow")]
    AccountId,
    /// There is no key at all.
    #[error("Stripe needs a `test_key`, a `live_key`, or both")]
    NoKey,
    /// A key is of the other mode, publishable, or no key.
    #[error("the {0} key of Stripe must begin with sk_{0}_ or rk_{0}_, letters and digits follow")]
    Key(Mode),
    /// A call could never end in time.
    #[error("the time limit of a call to Stripe must be longer than nothing")]
    CallTimeout,
    /// The root leads where no vendor is.
    #[error("Stripe cannot be at this base URL")]
    Egress(#[from] EgressError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client could not be made")]
    Http(#[source] reqwest::Error),
}

impl From<BaseProblem> for ConfigError {
    fn from(problem: BaseProblem) -> Self {
        match problem {
            BaseProblem::Form => Self::BaseUrl,
            BaseProblem::Unencrypted => Self::Unencrypted,
        }
    }
}

/// The configuration after the checks.
#[derive(Debug)]
pub(super) struct Target {
    /// Without a slash at the end.
    pub(super) base: String,
    pub(super) account: String,
    /// Marked sensitive: printing them shows nothing.
    pub(super) authorizations: Vec<(Mode, HeaderValue)>,
    pub(super) call_timeout: Duration,
}

impl Target {
    pub(super) fn check(config: &StripeConfig) -> Result<Self, ConfigError> {
        let base = vendor::base(&config.base_url)?;
        let account = &config.account_id;
        let rest = account.strip_prefix("acct_").ok_or(ConfigError::AccountId)?;
        if rest.is_empty() || account.len() > 64 || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ConfigError::AccountId);
        }
        if config.call_timeout.is_zero() {
            return Err(ConfigError::CallTimeout);
        }
        let keys = [(Mode::Test, &config.test_key), (Mode::Live, &config.live_key)];
        let given = keys.into_iter().filter_map(|(mode, key)| Some((mode, key.as_ref()?)));
        let authorizations: Vec<_> = given
            .map(|(mode, key)| Ok((mode, authorization(mode, key).ok_or(ConfigError::Key(mode))?)))
            .collect::<Result<_, ConfigError>>()?;
        if authorizations.is_empty() {
            return Err(ConfigError::NoKey);
        }
        Ok(Self { base, account: account.clone(), authorizations, call_timeout: config.call_timeout })
    }
}

/// The header that goes with a key, if it is a key of that mode that may be kept on a server.
fn authorization(mode: Mode, key: &SecretString) -> Option<HeaderValue> {
    let key = key.expose();
    let prefixes = [format!("sk_{mode}_"), format!("rk_{mode}_")];
    let rest = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix.as_str()))?;
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    vendor::bearer(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(account_id: &str, test: Option<&str>, live: Option<&str>) -> StripeConfig {
        StripeConfig {
            base_url: StripeConfig::DEFAULT_BASE_URL.to_owned(),
            account_id: account_id.to_owned(),
            test_key: test.map(SecretString::from),
            live_key: live.map(SecretString::from),
            call_timeout: Duration::from_secs(1),
            calls_per_second: StripeConfig::DEFAULT_CALLS,
        }
    }

    #[test]
    fn a_key_is_of_its_mode_and_never_shown() {
        let good =
            Target::check(&config("acct_1", Some("sk_test_hunter2"), Some("rk_live_hunter2"))).unwrap();
        assert!(!format!("{good:?}").contains("hunter2"));
        for bad in ["", "sk_live_a", "pk_test_a", "sk_test_", "sk_test_a b", "sk_test_ü"] {
            let error = Target::check(&config("acct_1", Some(bad), None)).unwrap_err();
            assert!(matches!(error, ConfigError::Key(Mode::Test)), "{bad}: {error}");
        }
        let error = Target::check(&config("acct_1", None, Some("sk_test_a"))).unwrap_err();
        assert!(matches!(error, ConfigError::Key(Mode::Live)));
        assert!(matches!(Target::check(&config("acct_1", None, None)), Err(ConfigError::NoKey)));
    }

    #[test]
    fn the_account_has_its_form_and_a_key_travels_encrypted() {
        for bad in ["", "acct_", "1", "acct_../x"] {
            let error = Target::check(&config(bad, Some("sk_test_a"), None)).unwrap_err();
            assert!(matches!(error, ConfigError::AccountId), "{bad}");
        }
        let at = |url: &str| StripeConfig {
            base_url: url.to_owned(),
            ..config("acct_1", Some("sk_test_a"), None)
        };
        for good in ["http://127.0.0.1:80", "http://[::1]", "http://localhost:1/x/"] {
            Target::check(&at(good)).expect(good);
        }
        for bad in ["http://api.stripe.com", "http://10.0.0.1"] {
            assert!(matches!(Target::check(&at(bad)), Err(ConfigError::Unencrypted)), "{bad}");
        }
        for bad in ["", "api.stripe.com", "ftp://127.0.0.1", "https://a:b@c", "https://c/?d"] {
            assert!(matches!(Target::check(&at(bad)), Err(ConfigError::BaseUrl)), "{bad}");
        }
    }
}
