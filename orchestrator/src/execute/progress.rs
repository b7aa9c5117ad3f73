//! What is told while a plan is carried out.

use std::time::Duration;

use serde::Serialize;

use crate::name::InstanceRef;
use crate::plan::Action;

/// Something that happened. Texts of brokers are cleaned; none holds a secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress {
    /// A step began. A kept instance is only heard of when something it uses has changed.
    Started {
        /// Whose.
        reference: InstanceRef,
        /// What is done.
        action: Action,
    },
    /// A step waits for its broker.
    Waiting {
        /// Whose.
        reference: InstanceRef,
        /// What the broker says, or what we wait for.
        description: String,
        /// Since when it has been waiting for this.
        #[serde(serialize_with = "seconds")]
        since: Duration,
    },
    /// A broker works on it, and it is not waited for.
    Detached {
        /// Whose.
        reference: InstanceRef,
        /// What is done.
        action: Action,
    },
    /// A step ended with success.
    Done {
        /// Whose.
        reference: InstanceRef,
        /// What was done.
        action: Action,
        /// How long it took.
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
    /// A step ended without.
    Failed {
        /// Whose.
        reference: InstanceRef,
        /// What was to be done.
        action: Action,
        /// Why not.
        error: String,
    },
    /// A step will not begin.
    Skipped {
        /// Whose.
        reference: InstanceRef,
        /// What was to be done.
        action: Action,
        /// Because this one failed.
        because: InstanceRef,
    },
}

pub(super) fn seconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((span.as_secs_f64() * 1000.0).round() / 1000.0)
}
