//! Why a broker cannot be used: which, where, why, and what to do next.

use std::fmt;

use sutler_broker_client::{BuildError, ClientError, Untrusted};
use sutler_catalog::{CatalogProblem, Severity};
use url::Url;

use crate::name::BrokerName;

/// Why a broker cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("broker '{broker}' ({url}): {why}")]
pub struct BrokerError {
    /// Its handle.
    pub broker: BrokerName,
    /// Where it is, without user name and password.
    pub url: String,
    /// Why, and what to do next.
    pub why: Box<Why>,
}

impl BrokerError {
    pub(super) fn new(broker: &BrokerName, url: &Url, why: Why) -> Self {
        Self { broker: broker.clone(), url: printable(url), why: Box::new(why) }
    }

    /// Whether it is up to our configuration, and the broker was not at fault.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(*self.why, Why::Secret { .. } | Why::Literal | Why::Authority { .. } | Why::Configured(_))
    }
}

/// Why brokers cannot be used: every broker's trouble, in the order of the configuration.
#[derive(Debug, Default)]
pub struct BrokerErrors(pub Vec<BrokerError>);

impl BrokerErrors {
    /// Whether it is all up to our configuration, and no broker was at fault.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.0.iter().all(BrokerError::is_configuration)
    }
}

impl fmt::Display for BrokerErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for BrokerErrors {}

/// Why a broker cannot be used, and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// The secret is not where the configuration says.
    #[error("its secret cannot be read from {place}: {what}; set it, then run the command again")]
    Secret {
        /// Where it was looked for.
        place: String,
        /// What was found.
        what: String,
    },
    /// A secret in the file would cross a network.
    #[error(
        "its secret is written in the configuration, which is for loopback only; use {{ env: NAME }} or {{ file: PATH }}"
    )]
    Literal,
    /// The file with the authorities to trust.
    #[error("its certificate_authority {path} cannot be read: {what}")]
    Authority {
        /// The file.
        path: String,
        /// Why not.
        what: String,
    },
    /// No client can be made of the configuration.
    #[error("it cannot be used as configured: {0}")]
    Configured(BuildError),
    /// Nobody there.
    #[error("it cannot be reached: {0}; see that it runs and that the URL is right")]
    Unreachable(String),
    /// 401 or 403.
    #[error("it does not accept our credentials (status {0}); check user name and password under `auth`")]
    Unauthorized(u16),
    /// Something answers that is no broker.
    #[error("what answers there does not speak the Open Service Broker protocol: {0}; check the URL")]
    Garbage(String),
    /// A broker answers, but not with a catalog.
    #[error("it gave no catalog: {0}; see its log")]
    Rejected(String),
    /// The catalog breaks the rules.
    #[error("its catalog cannot be used:{}; tell its operator", listed(.0))]
    Catalog(Vec<CatalogProblem>),
}

fn listed(problems: &[CatalogProblem]) -> String {
    let errors = || problems.iter().filter(|problem| problem.severity == Severity::Error);
    let mut text: String = errors().take(5).map(|problem| format!("\n  {problem}")).collect();
    if errors().count() > 5 {
        text.push_str(&format!("\n  and {} more", errors().count() - 5));
    }
    text
}

impl Why {
    /// What it means that there was no catalog.
    pub(super) fn of(error: &ClientError) -> Self {
        match error {
            ClientError::NotSent { .. } | ClientError::TimedOut { .. } | ClientError::Interrupted { .. } => {
                Self::Unreachable(chain(error))
            }
            ClientError::Unauthorized => Self::Unauthorized(401),
            ClientError::Rejected { status: 403, .. } => Self::Unauthorized(403),
            ClientError::Rejected { status: 412 | 429 | 500.., .. } => Self::Rejected(chain(error)),
            _ => Self::Garbage(chain(error)),
        }
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    Untrusted::new(&text).into_string()
}

/// An address without user name and password.
fn printable(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}
