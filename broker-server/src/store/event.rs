//! What is told about a change, in the same transaction as the change.

use serde_json::Value;
use sutler_spec::{BindingId, InstanceId};

use crate::operation::OperationId;

/// On whose behalf a change is made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Actor {
    /// The credential that was used.
    pub credential: Option<String>,
    /// The request, as in the logs.
    pub request: Option<String>,
    /// What the platform claims about its user.
    pub originating_identity: Option<Value>,
    /// The W3C `traceparent` of the span that serves the request. Kept with operations, so that work which goes on
    /// later, or on another replica, stays in the trace.
    pub trace: Option<String>,
}

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
