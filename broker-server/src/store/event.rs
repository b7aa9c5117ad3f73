//! What is told about a change, in the same transaction as the change.

use sutler_spec::{BindingId, InstanceId};

use crate::operation::OperationId;

pub use crate::operation::Actor;

/// One row of the append-only event table. Never holds a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened, such as `provision.accepted`.
    pub kind: &'static str,
    /// The instance it happened to.
    pub instance: InstanceId,
    /// The binding it happened to.
    pub binding: Option<BindingId>,
    /// The operation it belongs to.
    pub operation: Option<OperationId>,
    /// On whose behalf.
    pub actor: Actor,
    /// For people.
    pub detail: Option<String>,
}
