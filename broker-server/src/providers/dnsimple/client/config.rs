//! Where DNSimple is, which account is ours, and with what right: checked before anything is sent.

use std::{num::NonZeroU32, time::Duration};

use http::HeaderValue;
use sutler_secrets::SecretString;

use crate::providers::{
    egress::EgressError,
    vendor::{self, BaseProblem},
};

/// What the operator says about DNSimple.
#[derive(Debug)]
pub struct DnsimpleConfig {
    /// The root of the interface: [`DEFAULT_BASE_URL`](Self::DEFAULT_BASE_URL), or
    /// [`SANDBOX_BASE_URL`](Self::SANDBOX_BASE_URL), where nothing costs anything and nothing is in the public DNS.
    pub base_url: String,
    /// The number of the account that everything is made in.
    pub account_id: String,
    /// A token of that account, not of a user.
    pub token: SecretString,
    /// How long one call may take, all in all; registrations need [`DEFAULT_CALL_TIMEOUT`](Self::DEFAULT_CALL_TIMEOUT).
    pub call_timeout: Duration,
    /// How many calls the account takes from this store, [`DEFAULT_CALLS`](Self::DEFAULT_CALLS) as a rule.
    pub calls_per_hour: NonZeroU32,
}

impl DnsimpleConfig {
    /// Where DNSimple's interface is.
    pub const DEFAULT_BASE_URL: &'static str = "https://api.dnsimple.com/v2";
    /// Where its sandbox is, with accounts of its own.
    pub const SANDBOX_BASE_URL: &'static str = "https://api.sandbox.dnsimple.com/v2";
    /// DNSimple's limit is 2,400 calls an hour for an account. A sixth is left to people and other programs.
    pub const DEFAULT_CALLS: NonZeroU32 = NonZeroU32::new(2_000).expect("not zero");
    /// DNSimple answers a registration when the registry has answered, which takes a while.
    pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(60);
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The root is not a URL, or has parts it must not have.
    #[error("the base URL of DNSimple must be an absolute http(s) URL without user, query and fragment")]
    BaseUrl,
    /// The token would travel in clear.
    #[error("the base URL of DNSimple must begin with https, unless it is on this machine")]
    Unencrypted,
    /// The account id has another form.
    #[error("the account id of DNSimple is a number")]
    AccountId,
    /// The token cannot be put in a header.
    #[error("the token of DNSimple is empty or holds characters no token has")]
    Token,
    /// A call could never end in time.
    #[error("the time limit of a call to DNSimple must be longer than nothing")]
    CallTimeout,
    /// The root leads where no vendor is.
    #[error("DNSimple cannot be at this base URL")]
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
    /// Marked sensitive: printing it shows nothing.
    pub(super) authorization: HeaderValue,
    pub(super) call_timeout: Duration,
}

impl Target {
    pub(super) fn check(config: &DnsimpleConfig) -> Result<Self, ConfigError> {
        let base = vendor::base(&config.base_url)?;
        let account = &config.account_id;
        let is_number = account.bytes().all(|byte| byte.is_ascii_digit()) && !account.starts_with('0');
        if account.is_empty() || account.len() > 18 || !is_number {
            return Err(ConfigError::AccountId);
        }
        if config.call_timeout.is_zero() {
            return Err(ConfigError::CallTimeout);
        }
        Ok(Self {
            base,
            account: account.clone(),
            authorization: vendor::bearer(config.token.expose()).ok_or(ConfigError::Token)?,
            call_timeout: config.call_timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(account_id: &str, token: &str) -> DnsimpleConfig {
        DnsimpleConfig {
            base_url: DnsimpleConfig::DEFAULT_BASE_URL.to_owned(),
            account_id: account_id.to_owned(),
            token: token.into(),
            call_timeout: DnsimpleConfig::DEFAULT_CALL_TIMEOUT,
            calls_per_hour: DnsimpleConfig::DEFAULT_CALLS,
        }
    }

    #[test]
    fn the_account_is_a_number_and_the_token_is_never_shown() {
        for bad in ["", "x", "01", "1/../2", "12345678901234567890"] {
            assert!(matches!(Target::check(&config(bad, "t")), Err(ConfigError::AccountId)), "{bad}");
        }
        for bad in ["", "a b", "ü"] {
            assert!(matches!(Target::check(&config("1", bad)), Err(ConfigError::Token)), "{bad}");
        }
        let target = Target::check(&config("1010", "hunter2")).unwrap();
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn the_token_does_not_travel_in_clear() {
        let config = DnsimpleConfig { base_url: "http://api.dnsimple.com/v2".to_owned(), ..config("1", "t") };
        assert!(matches!(Target::check(&config), Err(ConfigError::Unencrypted)));
    }
}
