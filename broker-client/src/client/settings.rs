//! How to reach one broker: address, credentials, trust, limits; and what makes them unusable.

use std::time::Duration;

use sutler_secrets::SecretString;
use sutler_spec::OriginatingIdentity;
use url::Url;

use crate::error::BoxError;

/// How a broker knows us (P-AUTH).
#[derive(Debug, Default)]
pub enum Authentication {
    /// Not at all, or by our client certificate.
    #[default]
    None,
    /// HTTP Basic, the specification's default.
    Basic {
        /// May not hold a colon.
        username: String,
        /// Anything.
        password: SecretString,
    },
    /// A bearer token, by agreement (P-AUTH-03).
    Bearer {
        /// Visible ASCII.
        token: SecretString,
    },
}

/// Whom we trust, and how we prove who we are.
#[derive(Debug, Default)]
pub struct Tls {
    /// The only authorities to trust, as PEM; `None` trusts those of the system.
    pub authorities_pem: Option<Vec<u8>>,
    /// Our certificate, if the broker wants one.
    pub client: Option<ClientCertificate>,
}

/// A certificate with which we prove who we are.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The certificate and its intermediates, as PEM.
    pub certificates_pem: Vec<u8>,
    /// Its private key, as PEM.
    pub key_pem: SecretString,
}

/// Everything a client needs to know about one broker.
#[derive(Debug)]
pub struct Settings {
    /// Where the broker is; `/v2/…` is appended. `https`, or `http` to this machine. No credentials inside.
    pub base_url: Url,
    /// How the broker knows us.
    pub authentication: Authentication,
    /// Whom we trust.
    pub tls: Tls,
    /// For one call, from the first byte to the last (S-29).
    pub call_timeout: Duration,
    /// For the connection and its TLS handshake.
    pub connect_timeout: Duration,
    /// Between two pieces of a body.
    pub idle_timeout: Duration,
    /// The longest catalog, in bytes.
    pub maximum_catalog_size: usize,
    /// The longest other answer, in bytes.
    pub maximum_answer_size: usize,
    /// For whom the calls are made (P-OID).
    pub originating_identity: Option<OriginatingIdentity>,
    /// Who we say we are.
    pub user_agent: String,
}

impl Settings {
    /// Settings for a broker that wants no credentials, with the usual limits.
    #[must_use]
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            authentication: Authentication::None,
            tls: Tls::default(),
            call_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(15),
            maximum_catalog_size: 4 << 20,
            maximum_answer_size: 1 << 20,
            originating_identity: None,
            user_agent: concat!("sutler/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Why there is no client with these settings. Nothing repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Neither `http` nor `https`.
    #[error("the broker's URL begins with '{0}:'; only https: is possible, and http: to this machine")]
    Scheme(String),
    /// Credentials, parameters and bindings would cross a network in clear (S-10).
    #[error(
        "the broker's URL is http://{0}, which would send credentials in clear; use https (http is only \
         for localhost, 127.0.0.0/8 and [::1])"
    )]
    PlainHttp(String),
    /// No broker is there, and machines keep their credentials there (S-28).
    #[error(
        "the broker's URL names {0}, which is link-local or where machines keep their own credentials; a broker has \
         another address"
    )]
    Unreachable(std::net::IpAddr),
    /// User name or password inside the URL, where logs would show them.
    #[error("the broker's URL holds a user name or password; give them as authentication instead")]
    CredentialsInUrl,
    /// A base URL ends with its path.
    #[error("the broker's URL holds a query or a fragment; it may only have a path")]
    QueryInUrl,
    /// TLS settings for a URL without TLS.
    #[error("TLS is set up for the broker, but its URL begins with http:")]
    TlsWithoutHttps,
    /// Basic authentication cannot carry it (RFC 7617).
    #[error("the user name for the broker is empty, or holds a colon or a control character")]
    Username,
    /// A header cannot carry it.
    #[error("the token for the broker is empty, or holds something but visible ASCII characters")]
    Token,
    /// A header cannot carry it, or it has no platform.
    #[error("the originating identity has no platform, or one that a header cannot carry")]
    OriginatingIdentity,
    /// A header cannot carry it.
    #[error("the user agent holds characters that a header cannot carry")]
    UserAgent,
    /// No bundle where systems keep it.
    #[error("no certificate authorities of the system were found; name a CA file, or set SSL_CERT_FILE")]
    NoAuthorities,
    /// The given authorities cannot be used.
    #[error("the broker's CA certificates cannot be read")]
    Authorities(#[source] BoxError),
    /// Our certificate cannot be used.
    #[error("the client certificate for the broker cannot be read")]
    ClientCertificate(#[source] BoxError),
    /// Our key cannot be used, or does not belong to the certificate.
    #[error("the private key of the client certificate cannot be read, or is another certificate's")]
    ClientKey(#[source] BoxError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] BoxError),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] BoxError),
}
