//! The broker's configuration: what `broker.yaml` means. Past this module nothing is checked again.

mod domains;
mod error;
mod file;
mod quantity;
mod registration;
mod secret;
mod store;
mod telemetry;
mod tuning;
mod vendors;
mod watched;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use sutler_catalog::{Extension, domain::amount::Amount};
use sutler_secrets::SecretString;

pub use error::{ConfigError, Position};
pub use quantity::{Duration, Size};
pub use store::{PostgresAddress, StoreLocation, Transport};
pub use telemetry::Otlp;
pub use tuning::{Limits, Tuning};
pub use watched::Watched;

/// Everything a broker needs to know before it starts.
#[derive(Debug)]
pub struct Config {
    /// Where the API is served; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where health and metrics are served, if anywhere.
    pub management: Option<SocketAddr>,
    /// The broker's memory.
    pub store: StoreLocation,
    /// The key ring.
    pub keys: PathBuf,
    /// Who may call.
    pub credentials: Vec<Credential>,
    /// Certificates of the listener.
    pub tls: Option<Tls>,
    /// Somebody else ends TLS in front of us: plain HTTP beyond loopback is accepted.
    pub behind_tls_proxy: bool,
    /// What a request without a version header gets.
    pub missing_version_header: MissingVersionHeader,
    /// What polling a finished deletion gets.
    pub deleted_last_operation: DeletedLastOperation,
    /// The vendors whose accounts we have.
    pub vendors: Vendors,
    /// The names of the offerings to serve; `None` serves all whose vendor is configured.
    pub offerings: Option<Vec<String>>,
    /// Our extensions of the protocol that platforms may use; none unless the operator says so. Whoever may discover is
    /// told the names of all objects of a vendor account, and whoever may adopt can change and delete them afterwards.
    pub extensions: Vec<Extension>,
    /// Times.
    pub tuning: Tuning,
    /// Sizes.
    pub limits: Limits,
    /// Where traces go, if anywhere.
    pub telemetry: Option<Otlp>,
    /// What should be better.
    pub warnings: Vec<String>,
    /// The files all this was read from, as they were then.
    pub files: Watched,
}

/// Somebody who may call.
#[derive(Debug)]
pub struct Credential {
    /// Named in logs and events.
    pub id: String,
    /// How the caller proves it.
    pub proof: Proof,
    /// When it counts.
    pub validity: Validity,
}

/// The time in which a credential counts; without bounds it always does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub not_before: Option<jiff::Timestamp>,
    /// Until then.
    pub not_after: Option<jiff::Timestamp>,
}

impl Validity {
    /// Whether it counts at this time.
    #[must_use]
    pub fn covers(&self, time: jiff::Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= time) && self.not_after.is_none_or(|until| time < until)
    }
}

/// How a caller proves who it is. Secrets are clear text or a PHC string (`$argon2id$…`).
#[derive(Debug)]
pub enum Proof {
    /// HTTP Basic.
    Basic {
        /// The user name.
        username: String,
        /// The password, or its hash.
        password: SecretString,
    },
    /// A bearer token.
    Bearer {
        /// The token, or its hash.
        token: SecretString,
    },
}

/// The listener's certificates, as PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whoever issues clients' certificates; turns on mutual TLS, on top of the credentials.
    pub client_ca: Option<PathBuf>,
    /// Certificates that do not count any more: revocation lists of that authority.
    pub crl: Option<PathBuf>,
    /// The DNS names or IP addresses of which a client's certificate must bear one; empty takes every client.
    pub client_names: Vec<String>,
}

/// What a request without `X-Broker-API-Version` gets (B-VER-03, App. F).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingVersionHeader {
    /// 412, as the public checkers want.
    #[default]
    PreconditionFailed,
    /// 400, as the specification suggests.
    BadRequest,
    /// It is served.
    Accept,
}

/// What polling a finished asynchronous deletion gets (App. F).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeletedLastOperation {
    /// 410.
    #[default]
    Gone,
    /// 200 with the state `succeeded`.
    Succeeded,
}

/// The vendors whose accounts we have.
#[derive(Debug, Default)]
pub struct Vendors {
    /// Cloudflare.
    pub cloudflare: Option<CloudflareAccount>,
    /// DNSimple.
    pub dnsimple: Option<DnsimpleAccount>,
    /// Stripe.
    pub stripe: Option<StripeAccount>,
    /// The certificate authority.
    pub acme: Option<AcmeAccount>,
    /// Verifications of domains, which need none.
    pub verification: Option<VerificationSettings>,
    /// A name server of the operator's own.
    pub rfc2136: Option<NameServer>,
    /// The probe, which needs none.
    pub probe: Option<Probe>,
}

/// The probe offering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// How long slow work takes.
    pub slow: std::time::Duration,
    /// The version of the plan `maintenance`.
    pub maintenance_version: String,
    /// How long a binding of the plan `expiring` lives that did not say.
    pub lifetime: std::time::Duration,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            slow: std::time::Duration::from_secs(2),
            maintenance_version: sutler_catalog::probe::MAINTENANCE_VERSION.to_owned(),
            lifetime: std::time::Duration::from_secs(60 * 60),
        }
    }
}

/// An account at a certificate authority that speaks ACME.
#[derive(Debug)]
pub struct AcmeAccount {
    /// The URL of its directory.
    pub directory: String,
    /// The private key of the account, PKCS#8 as PEM, on the curve P-256.
    pub account_key: SecretString,
    /// Mail addresses of the operator.
    pub contact: Vec<String>,
    /// Whether the operator agrees to the terms of service.
    pub terms_of_service_agreed: bool,
    /// The id and the key, in base64url, of an account elsewhere.
    pub external_account: Option<(String, SecretString)>,
    /// Certificates that the authority's own TLS may stand on.
    pub roots: Option<PathBuf>,
    /// How many calls this store may make of it in a minute, where the operator says so.
    pub calls_per_minute: Option<std::num::NonZeroU32>,
}

/// Which name servers verifications of domains ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationSettings {
    /// Resolvers that say which name servers a domain has; those of the machine if there are none.
    pub resolvers: Vec<std::net::SocketAddr>,
    /// Whether name servers in private networks may be asked.
    pub private: bool,
    /// The port that name servers are asked at.
    pub port: u16,
    /// Keys that signatures are judged by; those of the root if left out.
    pub trust_anchors: Option<PathBuf>,
}

/// An account at Cloudflare.
#[derive(Debug)]
pub struct CloudflareAccount {
    /// The API, without a slash at the end.
    pub base_url: String,
    /// R2's S3 interface, where a fake stands in for it.
    pub s3_base_url: Option<String>,
    /// The account.
    pub account_id: String,
    /// A token that may do what the offerings need.
    pub api_token: SecretString,
    /// How many calls this store may make of it in five minutes, where the operator says so: the account has a higher
    /// limit, or shares it with other stores.
    pub calls_per_five_minutes: Option<std::num::NonZeroU32>,
    /// What may be bought with it; nothing if left out.
    pub registration: Option<RegistrationPolicy>,
}

/// Which domains may be bought with a vendor's account. The operator says so, since it costs the operator's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// The extensions, in lower case and without a dot before them.
    pub extensions: Vec<String>,
    /// The most that one registration may cost, whatever its buyer confirms: amount and currency.
    pub at_most: Option<(Amount, String)>,
    /// The most that all registrations of a calendar month (UTC) may cost, and in which currency.
    pub monthly: Option<(crate::expense::Limits, String)>,
}

/// An account at DNSimple.
#[derive(Debug)]
pub struct DnsimpleAccount {
    /// The API, without a slash at the end.
    pub base_url: String,
    /// The number of the account.
    pub account_id: std::num::NonZeroU64,
    /// A token of the account.
    pub token: SecretString,
    /// How many calls this store may make of it in an hour, where the operator says so.
    pub calls_per_hour: Option<std::num::NonZeroU32>,
    /// What may be bought with it; nothing if left out.
    pub registration: Option<RegistrationPolicy>,
}

/// A name server that takes signed changes of a zone (RFC 2136).
#[derive(Debug)]
pub struct NameServer {
    /// The server that takes them, as `HOST:PORT`.
    pub server: String,
    /// The zone.
    pub zone: String,
    /// The name of the TSIG key.
    pub key_name: String,
    /// The key's algorithm, in the word of RFC 8945.
    pub algorithm: String,
    /// The key's secret, in base64.
    pub secret: SecretString,
    /// All servers that answer for the zone; none: those that the zone names.
    pub name_servers: Vec<SocketAddr>,
}

/// An account at Stripe.
#[derive(Debug)]
pub struct StripeAccount {
    /// The API, without a slash at the end.
    pub base_url: String,
    /// The account.
    pub account_id: String,
    /// A key of test mode; without it nothing is offered there.
    pub test_key: Option<SecretString>,
    /// A key of live mode; without it nothing is offered there.
    pub live_key: Option<SecretString>,
    /// How many calls this store may make of it in a second, where the operator says so.
    pub calls_per_second: Option<std::num::NonZeroU32>,
}

impl Config {
    /// Reads a configuration file. Relative paths in it are relative to it.
    ///
    /// # Errors
    /// Each says where in the file, what is wrong, and what to do.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let mut files = Watched::default();
        files.add(path);
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        file::read(&text, path, files)
    }

    /// Reads a configuration from its text; `path` is where it stands.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        file::read(text, path, Watched::default())
    }

    /// A configuration for a broker on loopback with one basic credential, for first steps and tests.
    #[must_use]
    pub fn on_loopback(folder: &Path, username: &str, password: SecretString) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            management: None,
            store: StoreLocation::Sqlite(folder.join("broker.db")),
            keys: folder.join("broker.keys"),
            credentials: vec![Credential {
                id: username.to_owned(),
                proof: Proof::Basic { username: username.to_owned(), password },
                validity: Validity::default(),
            }],
            tls: None,
            behind_tls_proxy: false,
            missing_version_header: MissingVersionHeader::default(),
            deleted_last_operation: DeletedLastOperation::default(),
            vendors: Vendors::default(),
            offerings: None,
            extensions: Vec::new(),
            tuning: Tuning::default(),
            limits: Limits::default(),
            telemetry: None,
            warnings: Vec::new(),
            files: Watched::default(),
        }
    }

    /// Whether only this machine can reach the API.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}
