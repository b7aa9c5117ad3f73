//! Where Cloudflare is, which account is ours, and with what right: checked before anything is sent.

use std::{num::NonZeroU32, time::Duration};

use http::HeaderValue;
use sutler_secrets::SecretString;

use crate::providers::vendor::{self, BaseProblem};

/// What the operator says about Cloudflare.
#[derive(Debug)]
pub struct CloudflareConfig {
    /// The root of the interface, [`DEFAULT_BASE_URL`](Self::DEFAULT_BASE_URL) unless a fake stands in.
    pub base_url: String,
    /// The root of R2's S3 interface where a fake stands in; account, jurisdiction and bucket follow. Cloudflare's own
    /// hosts if there is none.
    pub s3_base_url: Option<String>,
    /// The account everything is made in: 32 hexadecimal digits.
    pub account_id: String,
    /// An account token with the rights the offerings need.
    pub api_token: SecretString,
    /// How long one call may take, all in all.
    pub call_timeout: Duration,
    /// How many calls the account takes from this store, [`DEFAULT_CALLS`](Self::DEFAULT_CALLS) as a rule.
    pub calls_per_five_minutes: NonZeroU32,
}

impl CloudflareConfig {
    /// Cloudflare's limit is 1,200 in five minutes for everything a user does; what is over it closes the account for
    /// five minutes. A sixth is left to people and other programs.
    pub const DEFAULT_CALLS: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");
    /// Where Cloudflare's interface is.
    pub const DEFAULT_BASE_URL: &'static str = "https://api.cloudflare.com/client/v4";
    /// Long enough for the slowest call.
    pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(30);
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The root is not a URL, or has parts it must not have.
    #[error("the base URL of Cloudflare must be an absolute http(s) URL without user, query and fragment")]
    BaseUrl,
    /// The token would travel in clear.
    #[error("the base URL of Cloudflare must begin with https, unless it is on this machine")]
    Unencrypted,
    /// The root of the S3 interface cannot be used.
    #[error(
        "the base URL of R2's S3 interface must be an absolute https URL without user, query and fragment; http is for \
         this machine alone"
    )]
    S3BaseUrl,
    /// The account id has another form.
    #[error("the account id of Cloudflare is 32 digits of 0-9 and a-f")]
    AccountId,
    /// The token cannot be put in a header.
    #[error("the API token of Cloudflare is empty or holds characters no token has")]
    ApiToken,
    /// A call could never end in time.
    #[error("the time limit of a call to Cloudflare must be longer than nothing")]
    CallTimeout,
    /// The root leads where no vendor is.
    #[error("Cloudflare cannot be at this base URL")]
    Egress(#[from] crate::providers::egress::EgressError),
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
    /// The same of R2's S3 interface, where a fake stands in.
    pub(super) s3_base: Option<String>,
    pub(super) account: String,
    /// Marked sensitive: printing it shows nothing.
    pub(super) authorization: HeaderValue,
    pub(super) call_timeout: Duration,
}

impl Target {
    pub(super) fn check(config: &CloudflareConfig) -> Result<Self, ConfigError> {
        let base = vendor::base(&config.base_url)?;
        let s3_base = config.s3_base_url.as_deref().map(vendor::base).transpose();
        let s3_base = s3_base.map_err(|_| ConfigError::S3BaseUrl)?;
        let digits = config.account_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if config.account_id.len() != 32 || !digits {
            return Err(ConfigError::AccountId);
        }
        if config.call_timeout.is_zero() {
            return Err(ConfigError::CallTimeout);
        }
        Ok(Self {
            base,
            s3_base,
            account: config.account_id.clone(),
            authorization: authorization(&config.api_token).ok_or(ConfigError::ApiToken)?,
            call_timeout: config.call_timeout,
        })
    }
}

/// The header that goes with a token, unless no token looks like that.
pub(super) fn authorization(token: &SecretString) -> Option<HeaderValue> {
    vendor::bearer(token.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

    fn config(base_url: &str, account_id: &str, token: &str) -> CloudflareConfig {
        CloudflareConfig {
            base_url: base_url.to_owned(),
            s3_base_url: None,
            account_id: account_id.to_owned(),
            api_token: token.into(),
            call_timeout: Duration::from_secs(1),
            calls_per_five_minutes: CloudflareConfig::DEFAULT_CALLS,
        }
    }

    #[test]
    fn a_token_travels_encrypted_or_not_at_all() {
        for good in [
            CloudflareConfig::DEFAULT_BASE_URL,
            "http://127.0.0.1:8080/x/",
            "http://[::1]",
            "http://localhost:1",
        ] {
            Target::check(&config(good, ACCOUNT, "t")).expect(good);
        }
        for bad in ["http://api.cloudflare.com", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            let error = Target::check(&config(bad, ACCOUNT, "t")).expect_err(bad);
            assert!(matches!(error, ConfigError::Unencrypted), "{bad}: {error}");
        }
        for bad in
            ["", "api.cloudflare.com", "ftp://127.0.0.1", "https://a:b@c", "https://c/?d", "https://c/#d"]
        {
            let error = Target::check(&config(bad, ACCOUNT, "t")).expect_err(bad);
            assert!(matches!(error, ConfigError::BaseUrl), "{bad}: {error}");
        }
    }

    #[test]
    fn the_key_of_a_bucket_signs_for_an_encrypted_way_too() {
        let with = |s3_base_url: &str| CloudflareConfig {
            s3_base_url: Some(s3_base_url.to_owned()),
            ..config(CloudflareConfig::DEFAULT_BASE_URL, ACCOUNT, "t")
        };
        let target = Target::check(&with("http://127.0.0.1:8787/s3/")).unwrap();
        assert_eq!(target.s3_base.as_deref(), Some("http://127.0.0.1:8787/s3"));
        for bad in ["http://s3.example.com", "s3.example.com", "https://s3.example.com/?a"] {
            assert!(matches!(Target::check(&with(bad)), Err(ConfigError::S3BaseUrl)), "{bad}");
        }
    }

    #[test]
    fn the_account_and_the_token_have_their_form_and_the_token_is_never_shown() {
        let base = CloudflareConfig::DEFAULT_BASE_URL;
        for bad in ["", "0123456789ABCDEF0123456789ABCDEF", "../../user"] {
            assert!(matches!(Target::check(&config(base, bad, "t")), Err(ConfigError::AccountId)), "{bad}");
        }
        for bad in ["", "a b", "a\nb", "ü"] {
            assert!(
                matches!(Target::check(&config(base, ACCOUNT, bad)), Err(ConfigError::ApiToken)),
                "{bad}"
            );
        }
        let target = Target::check(&config(base, ACCOUNT, "hunter2")).unwrap();
        assert!(!format!("{target:?}").contains("hunter2"));
    }
}
