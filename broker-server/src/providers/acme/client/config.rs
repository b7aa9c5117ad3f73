//! Where the certificate authority is, and who asks: checked before anything is sent.

use std::{num::NonZeroU32, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use sutler_secrets::{SecretBytes, SecretString};
use url::{Host, Url};

use super::jws::Signer;
use crate::providers::egress::EgressError;

/// What the operator says about the certificate authority.
#[derive(Debug)]
pub struct AcmeConfig {
    /// The URL of its directory (RFC 8555 section 7.1.1). Everything else it names has to be at the same origin.
    pub directory: String,
    /// The private key of the account, PKCS#8 as PEM, on the curve P-256. The account is made with it when there is none.
    pub account_key: SecretString,
    /// Mail addresses at which the authority reaches the operator.
    pub contact: Vec<String>,
    /// Whether the operator agrees to the authority's terms of service; without it, no account is made.
    pub terms_of_service_agreed: bool,
    /// What an authority gives to those who have an account with it elsewhere.
    pub external_account: Option<ExternalAccount>,
    /// Certificates (PEM) that the authority's own TLS may stand on, besides those of the system.
    pub roots: Option<Vec<u8>>,
    /// How long one call may take, all in all.
    pub call_timeout: Duration,
    /// How many calls a minute the authority takes from this store, [`DEFAULT_CALLS`](Self::DEFAULT_CALLS) as a rule.
    pub calls_per_minute: NonZeroU32,
}

/// The binding to an account elsewhere (RFC 8555 section 7.3.4).
#[derive(Debug)]
pub struct ExternalAccount {
    /// Names the key.
    pub key_id: String,
    /// The key, in base64url as authorities show it.
    pub hmac_key: SecretString,
}

impl AcmeConfig {
    /// Authorities count orders rather than calls; ten calls a second are a fraction of what they take.
    pub const DEFAULT_CALLS: NonZeroU32 = NonZeroU32::new(600).expect("not zero");
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The directory is not a URL, or has parts it must not have.
    #[error(
        "the directory of the certificate authority must be an absolute https URL without user and fragment"
    )]
    Directory,
    /// The key cannot sign.
    #[error(
        "the account key of the certificate authority must be a private key on the curve P-256, PKCS#8 as PEM; make one \
         with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    )]
    AccountKey,
    /// A contact has another form.
    #[error("a contact at the certificate authority is a mail address")]
    Contact,
    /// The key of the external account cannot be read.
    #[error("the key of the external account must be base64url, as the certificate authority shows it")]
    ExternalAccount,
    /// The roots cannot be read.
    #[error("the roots of the certificate authority must be certificates as PEM")]
    Roots,
    /// The file of the roots cannot be read.
    #[error("the roots of the certificate authority cannot be read")]
    RootsFile(#[source] std::io::Error),
    /// A call could never end in time.
    #[error("the time limit of a call to the certificate authority must be longer than nothing")]
    CallTimeout,
    /// The directory leads where no vendor is.
    #[error("the certificate authority cannot be at this URL")]
    Egress(#[from] EgressError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client could not be made")]
    Http(#[source] reqwest::Error),
}

/// The configuration after the checks.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) directory: Url,
    pub(super) signer: Signer,
    /// As URIs.
    pub(super) contact: Vec<String>,
    pub(super) terms_of_service_agreed: bool,
    pub(super) external: Option<(String, SecretBytes)>,
    pub(super) roots: Vec<reqwest::Certificate>,
}

impl Target {
    pub(super) fn check(config: &AcmeConfig) -> Result<Self, ConfigError> {
        if config.call_timeout.is_zero() {
            return Err(ConfigError::CallTimeout);
        }
        Ok(Self {
            directory: directory(&config.directory)?,
            signer: Signer::from_pem(&config.account_key).ok_or(ConfigError::AccountKey)?,
            contact: config.contact.iter().map(|address| contact(address)).collect::<Result<_, _>>()?,
            terms_of_service_agreed: config.terms_of_service_agreed,
            external: config.external_account.as_ref().map(external).transpose()?,
            roots: config.roots.as_deref().map(roots).transpose()?.unwrap_or_default(),
        })
    }
}

/// An authority is reached over TLS; one on this machine is a test's, which may do without.
fn directory(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| ConfigError::Directory)?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    if is_bare && is_safe { Ok(url) } else { Err(ConfigError::Directory) }
}

fn contact(address: &str) -> Result<String, ConfigError> {
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let is_address = address.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !address.contains([',', '?', ' '])
    });
    if is_address { Ok(format!("mailto:{address}")) } else { Err(ConfigError::Contact) }
}

fn external(account: &ExternalAccount) -> Result<(String, SecretBytes), ConfigError> {
    let text = account.hmac_key.expose().trim_end_matches('=');
    let key = URL_SAFE_NO_PAD.decode(text).map_err(|_| ConfigError::ExternalAccount)?;
    if key.is_empty() || account.key_id.is_empty() {
        return Err(ConfigError::ExternalAccount);
    }
    Ok((account.key_id.clone(), SecretBytes::new(key)))
}

fn roots(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, ConfigError> {
    let roots = CertificateDer::pem_slice_iter(pem).map(|root| {
        let root = root.map_err(|_| ConfigError::Roots)?;
        reqwest::Certificate::from_der(&root).map_err(|_| ConfigError::Roots)
    });
    let roots: Vec<_> = roots.collect::<Result<_, _>>()?;
    if roots.is_empty() { Err(ConfigError::Roots) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_reached_over_tls_or_on_this_machine() {
        for good in
            ["https://acme.example/directory", "https://127.0.0.1:14000/dir", "http://localhost:1/dir"]
        {
            assert!(directory(good).is_ok(), "{good}");
        }
        for bad in
            ["http://acme.example/directory", "acme.example", "https://a:b@acme.example/", "ftp://127.0.0.1/"]
        {
            assert!(matches!(directory(bad), Err(ConfigError::Directory)), "{bad}");
        }
    }

    #[test]
    fn a_contact_becomes_a_uri() {
        assert_eq!(contact("ops@example.com").unwrap(), "mailto:ops@example.com");
        assert_eq!(contact("mailto:ops@example.com").unwrap(), "mailto:ops@example.com");
        for bad in ["", "ops", "@example.com", "a@b,c@d", "a@b?subject=x", "a@b@c"] {
            assert!(contact(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn roots_and_the_external_key_have_their_form() {
        assert!(matches!(roots(b"no certificate"), Err(ConfigError::Roots)));
        let account = |key: &str| ExternalAccount { key_id: "kid".to_owned(), hmac_key: key.into() };
        assert!(external(&account("aGVsbG8")).is_ok() && external(&account("aGVsbG8=")).is_ok());
        for bad in ["", "not base64!"] {
            assert!(matches!(external(&account(bad)), Err(ConfigError::ExternalAccount)), "{bad}");
        }
    }
}
