//! Why a command ended without doing what it was asked, and which exit code that is.

use std::path::PathBuf;

use sutler_secrets::OpenError;

use crate::brokers::BrokerErrors;
use crate::config::Problems;
use crate::exit::Exit;
use crate::migrations::Damage;
use crate::sink::SinkError;
use crate::state::{Kind, StateError};

/// Why a command ended. Texts say what, where, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration, or what a plan made of it.
    #[error("the configuration cannot be used")]
    Configuration(#[source] Problems),
    /// Brokers that cannot be used.
    #[error("{0}")]
    Brokers(BrokerErrors),
    /// State that cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A sink that cannot be used.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// State is older than what this machine saw of it.
    #[error("{0}")]
    RolledBack(String),
    /// A file that is no plan of ours.
    #[error("{} is not a plan that was saved for this stack with this key ring; make it again: sutler plan --out FILE", path.display())]
    SavedPlan {
        /// The file.
        path: PathBuf,
        /// How it showed.
        #[source]
        source: OpenError,
    },
    /// What a saved plan was made from moved.
    #[error("the saved plan is stale, and nothing was done; make it again: sutler plan --out FILE\n  {}", .0.join("\n  "))]
    Stale(Vec<String>),
    /// Files of migrations that cannot be used.
    #[error("the migrations cannot be used, and nothing was done\n  {}", lines(.0))]
    Migrations(Vec<Damage>),
    /// The environment is not what migrations begin with.
    #[error("{what}\n  {}", .differences.join("\n  "))]
    Diverged {
        /// What does not fit, and what to do.
        what: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// What was asked makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// What was asked makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Something failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_) | Self::Usage(_) | Self::Migrations(_) => Exit::Usage,
            Self::Brokers(errors) => {
                if errors.is_configuration() {
                    Exit::Usage
                } else {
                    Exit::Failed
                }
            }
            Self::State(error) => match error.kind() {
                Kind::Locked => Exit::Locked,
                Kind::LockLost => Exit::LockLost,
                Kind::Refused => Exit::State,
                Kind::Failed => Exit::Failed,
            },
            Self::SavedPlan { source: OpenError::Malformed | OpenError::NotJson, .. } => Exit::Usage,
            Self::RolledBack(_) | Self::SavedPlan { .. } => Exit::State,
            Self::Stale(_) | Self::Diverged { .. } => Exit::Stale,
            Self::Sink(_) | Self::Failed(_) => Exit::Failed,
        }
    }
}

fn lines(damages: &[Damage]) -> String {
    damages.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems)
    }
}
