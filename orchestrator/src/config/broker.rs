//! What the configuration means: how brokers are reached, and where secrets come from.

use std::path::PathBuf;
use std::time::Duration;

use sutler_secrets::SecretString;
use url::Url;

/// How to reach a broker. The secret is read when the broker is connected, not when the file is.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Base address; `/v2/…` is appended.
    pub url: Url,
    /// How to authenticate.
    pub authentication: Authentication,
    /// A file with certificates to trust instead of the system's.
    pub certificate_authority: Option<PathBuf>,
    /// At most so many requests at once to this broker.
    pub parallelism: Option<usize>,
    /// Time for one request; default 60 s.
    pub call_timeout: Option<Duration>,
    /// What is done about requests of which nobody knows what became.
    pub on_ambiguous: Option<OnAmbiguous>,
}

/// What is done about a request of an earlier run of which nobody knows what became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAmbiguous {
    /// Ask the broker how far it is, and send the same request again, under the same id.
    #[default]
    Resume,
    /// Delete what may have come of it, and make another under a new id. A change is never undone: it is sent again.
    Mitigate,
    /// Leave it as it is: somebody wants to look.
    Pause,
}

impl OnAmbiguous {
    /// The words for it, in the configuration and on the command line.
    pub const WORDS: [(&str, Self); 3] =
        [("resume", Self::Resume), ("mitigate", Self::Mitigate), ("pause", Self::Pause)];

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }
}

/// How to authenticate to a broker.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Not at all.
    None,
    /// HTTP Basic.
    Basic {
        /// The user.
        username: String,
        /// Its password.
        password: SecretSource,
    },
    /// A bearer token.
    Bearer(SecretSource),
}

/// Where a secret comes from.
#[derive(Debug)]
pub enum SecretSource {
    /// An environment variable.
    Environment(String),
    /// A file; one trailing line break is dropped.
    File(PathBuf),
    /// Written in the file: for loopback brokers only, with a warning.
    Literal(SecretString),
}

impl Clone for SecretSource {
    fn clone(&self) -> Self {
        match self {
            Self::Environment(name) => Self::Environment(name.clone()),
            Self::File(path) => Self::File(path.clone()),
            Self::Literal(secret) => Self::Literal(secret.duplicate()),
        }
    }
}
