//! Asynchronous work: the opaque operation string, and what polling answers (B-LOI, B-LOB).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{InstanceMetadata, PlanId, ServiceId};

/// Why a text cannot be an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// Empty (B-UPD-18).
    #[error("the operation is empty")]
    Empty,
    /// Longer than 10,000 characters (B-PROV-17).
    #[error("the operation is {0} characters long; 10,000 are allowed")]
    TooLong(usize),
}

/// The string a broker hands out with a 202 and a platform hands back when it polls. Opaque, 1..=10,000 characters.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operation(String);

impl Operation {
    /// Checks and wraps a text.
    ///
    /// # Errors
    /// When it is empty or longer than 10,000 characters.
    pub fn new(text: impl Into<String>) -> Result<Self, OperationError> {
        let text = text.into();
        if text.is_empty() {
            return Err(OperationError::Empty);
        }
        match text.chars().count() {
            length if length > 10_000 => Err(OperationError::TooLong(length)),
            _ => Ok(Self(text)),
        }
    }

    /// The text as the broker wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Operation {
    type Error = OperationError;
    fn try_from(text: String) -> Result<Self, OperationError> {
        Self::new(text)
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        operation.0
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The body of every 202. `operation` is left out when the broker has none; null is read as absent (quirk 2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// To be handed back, unchanged, when polling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Where a person manages the instance; must already be in the 202 when there is one (B-PROV-16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard_url: Option<String>,
    /// Labels and attributes (B-MET); only for instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<InstanceMetadata>,
    /// Seconds until asking makes sense: the header `Retry-After`, never part of the body.
    #[serde(skip)]
    pub retry_after: Option<u16>,
}

/// The state of asynchronous work (B-LOI-06).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationState {
    /// Still running. Written with a blank.
    #[serde(rename = "in progress")]
    InProgress,
    /// Done.
    #[serde(rename = "succeeded")]
    Succeeded,
    /// Ended without success.
    #[serde(rename = "failed")]
    Failed,
}

/// The body of a last-operation answer (App. A.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastOperation {
    /// How far the work is.
    pub state: OperationState,
    /// For the end user; never empty (B-LOI-07).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Only after a failed update or deprovision; absent means usable (B-LOI-08).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_usable: Option<bool>,
    /// Only after a failed update; absent means repeatable (B-LOI-09).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_repeatable: Option<bool>,
}

/// The optional hints of a poll (B-LOI-01).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LastOperationQuery {
    /// The offering of the polled resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    /// The plan; during a plan change the old one (P-POL-04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    /// As handed out with the 202.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}
