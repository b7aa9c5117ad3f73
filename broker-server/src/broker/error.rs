//! What the broker answers when it does not do what was asked. Knows no HTTP.

use std::time::Duration;

pub(crate) use crate::logging::chain;
use crate::{operation::Work, providers::Refusal, store::StoreError};

/// Why work ended without success. The description is for the end user.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Set when the vendor or provider refused.
    pub refusal: Option<Refusal>,
    /// Whether something may have been done at the vendor.
    pub touched: bool,
    /// What, and what to do about it.
    pub description: String,
    /// Whether the instance works, after a failed update or deprovision.
    pub instance_usable: Option<bool>,
    /// Whether the same update may succeed later, after a failed one.
    pub update_repeatable: Option<bool>,
}

/// Every answer that is not one of success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The request makes no sense; nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// The platform must accept incomplete answers.
    #[error("asynchronous operation required")]
    AsyncRequired,
    /// Only applications can be bound.
    #[error("an application is required")]
    RequiresApp,
    /// Another operation is in progress.
    #[error("another operation is in progress")]
    Concurrency,
    /// The version of the plan's makings is not the catalog's.
    #[error("{0}")]
    MaintenanceInfoConflict(String),
    /// The change is not supported, or not in this state.
    #[error("{0}")]
    Unsupported(String),
    /// It is not known.
    #[error("{0}")]
    NotFound(String),
    /// It exists with other attributes.
    #[error("{0}")]
    Conflict(String),
    /// The work ended without success while the request waited.
    #[error("{} failed: {}", work.as_str(), failure.description)]
    Work {
        /// Which work.
        work: Work,
        /// How.
        failure: Failure,
    },
    /// The work goes on, but this request may not be told so.
    #[error("the operation is still running")]
    StillRunning,
    /// The vendor could not be asked.
    #[error("{description}")]
    VendorUnavailable {
        /// What happened.
        description: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// The vendor refuses our question.
    #[error("{0}")]
    VendorRefused(String),
    /// No provider is registered for the offering of a stored instance.
    #[error("no provider is registered for the offering {0}")]
    NoProvider(String),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl BrokerError {
    /// Whether only the operator can do something about it.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Store(_) | Self::NoProvider(_))
    }

    /// Several problems as one answer.
    #[must_use]
    pub fn problems(problems: &[String]) -> Self {
        Self::Invalid(format!("The parameters are not valid: {}.", problems.join("; ")))
    }
}
