//! Whether a broker keeps to the Open Service Broker API 2.17: checks over HTTP alone, of any broker.
//!
//! ```text
//! run ──▶ checks ──▶ trial ──▶ wire ──▶ the broker
//!   └──▶ report      (what to use, what was made)
//! ```
//!
//! Nothing of our own broker or of our own types for messages is used: what is sent may be malformed, and what comes
//! back is looked at as it is.

mod answer;
mod bench;
mod check;
mod checks;
mod choice;
mod cleanup;
mod finding;
mod lost;
mod offer;
mod report;
mod restart;
mod rows;
mod run;
mod sample;
mod tls;
mod trial;
mod wire;

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

pub use check::{Check, Needs};
pub use checks::all as checks;
pub use report::{CheckResult, Report, Verdict};
pub use rows::{Level, ROWS, Row};
pub use run::run;
pub use wire::Authentication;

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Reads, and requests that must be refused.
    ReadOnly,
    /// Instances and bindings are made, and deleted again.
    Lifecycle,
    /// Repeats, races and lost answers too.
    Chaos,
}

/// What to check, and how.
#[derive(Debug)]
pub struct Options {
    /// Where the broker is: everything in front of `/v2`.
    pub url: String,
    /// How to authenticate. The first is used everywhere; a second one is tried as well.
    pub authentication: Vec<Authentication>,
    /// The authorities to trust; those of the system if left out.
    pub authorities_pem: Option<Vec<u8>>,
    /// How far to go.
    pub extent: Extent,
    /// Run by `sh -c` in the middle of an operation; has to return when the broker was told to come back.
    pub restart_command: Option<String>,
    /// How long an asynchronous operation may take.
    pub timeout: Duration,
    /// How long a single answer may take.
    pub request_timeout: Duration,
    /// How long to wait between two polls.
    pub poll_interval: Duration,
    /// How many checks run at once.
    pub parallel: usize,
    /// Ids of checks or rows, or beginnings such as `B-PROV`; everything if empty.
    pub only: Vec<String>,
    /// The only offering to make instances of.
    pub service: Option<String>,
    /// The only plan to make instances of.
    pub plan: Option<String>,
    /// For each plan name the parameters to `provision`, `update` and `bind` with.
    pub parameters: BTreeMap<String, Value>,
}

impl Options {
    /// Everything but chaos, with the time limits of platforms.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authentication: Vec::new(),
            authorities_pem: None,
            extent: Extent::Lifecycle,
            restart_command: None,
            timeout: Duration::from_secs(600),
            request_timeout: Duration::from_secs(60),
            poll_interval: Duration::from_secs(1),
            parallel: 4,
            only: Vec::new(),
            service: None,
            plan: None,
            parameters: BTreeMap::new(),
        }
    }
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConformanceError {
    /// The address makes no sense.
    #[error("'{0}' is no address of a broker; write http://HOST:PORT or https://HOST")]
    Url(String),
    /// Nothing is called so.
    #[error("there is no check '{0}'; write an id such as B-PROV-07, or the beginning of one such as B-PROV")]
    UnknownCheck(String),
    /// No plan is called so.
    #[error("the catalog has no plan '{0}'; the catalog's names are meant, not ids")]
    UnknownPlan(String),
    /// The authorities cannot be used.
    #[error("there is no certificate in the file of authorities")]
    Authorities,
    /// TLS could not be set up.
    #[error("could not set up TLS")]
    Tls(#[source] rustls::Error),
    /// The client could not be made.
    #[error("could not make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The broker does not answer.
    #[error("the broker cannot be reached: {0}")]
    Unreachable(String),
    /// The broker does not know the credentials.
    #[error("the broker refuses the credentials: GET /v2/catalog answered {0}")]
    Unauthorized(u16),
}

impl ConformanceError {
    /// Whether what was asked for is wrong, and not the broker.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Url(_) | Self::UnknownCheck(_) | Self::UnknownPlan(_) | Self::Authorities)
    }
}
