//! The record of one piece of accepted work, and the right to go on with it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sutler_secrets::Digest;
use sutler_spec::{BindingId, InstanceId, OperationState};
use uuid::Uuid;

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

/// Names an operation: a UUIDv7 as text, so only unreserved characters (B-URL-02).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(Box<str>);

impl OperationId {
    /// A new id, later than all made before it by this process.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7().to_string().into_boxed_str())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for OperationId {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&str> for OperationId {
    /// Whatever a platform hands back; what was never handed out is found nowhere.
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The kinds of work an operation can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Create an instance.
    Provision,
    /// Change an instance.
    Update,
    /// Delete an instance.
    Deprovision,
    /// Create a binding.
    Bind,
    /// Delete a binding.
    Unbind,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Provision, Self::Update, Self::Deprovision, Self::Bind, Self::Unbind];

    /// The word for logs and storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
            Self::Bind => "bind",
            Self::Unbind => "unbind",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.as_str() == word)
    }
}

/// A vendor call that is about to be made, recorded before it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The step of the provider.
    pub step: String,
    /// How its outcome is found out, should the answer never arrive.
    pub class: String,
    /// Counts the attempts of this step, from 1.
    pub attempt: u32,
}

/// How an operation stands. All of it is written in one go, by the holder of its [`Lease`] only.
#[derive(Clone, PartialEq)]
pub struct Operation {
    /// Its name on the wire.
    pub id: OperationId,
    /// The instance it works on.
    pub instance: InstanceId,
    /// The binding it works on, for bind and unbind.
    pub binding: Option<BindingId>,
    /// What it does.
    pub work: Work,
    /// Whether it has ended, and how. Terminal states never change (I-10).
    pub state: OperationState,
    /// For the end user.
    pub description: Option<String>,
    /// Whether the instance works, after a failed update or deprovision.
    pub instance_usable: Option<bool>,
    /// Whether the same update may succeed later, after a failed one.
    pub update_repeatable: Option<bool>,
    /// What was asked for, so that a repeat is recognised.
    pub digest: Digest,
    /// What an update asks for; sealed at rest, erased when it ends.
    pub change: Option<Value>,
    /// The binding that a deprovision is revoking at the moment.
    pub revoking: Option<BindingId>,
    /// Where the provider goes on; sealed at rest, erased when it ends.
    pub checkpoint: Value,
    /// The call that is under way or in doubt.
    pub intent: Option<Intent>,
    /// An attempt of the present step may have reached the vendor without our knowing its outcome.
    pub in_doubt: bool,
    /// Something may have been done at the vendor by this operation.
    pub touched: bool,
    /// Attempts of the present step that gave no clear answer, in a row.
    pub failures: u32,
    /// Steps that were answered. A step that is asked for again because of a doubt has the same turn, any other step
    /// has another one.
    pub turn: u32,
    /// How long ago the first attempt in doubt may have been sent, by the store's clock; zero without a doubt. Kept by
    /// the store.
    pub doubted_for: Duration,
    /// How long ago it was accepted, by the store's clock, when it was read. Kept by the store.
    pub age: Duration,
    /// On whose behalf it works.
    pub actor: Actor,
}

impl Operation {
    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state != OperationState::InProgress
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("id", &self.id)
            .field("instance", &self.instance)
            .field("binding", &self.binding)
            .field("work", &self.work)
            .field("state", &self.state)
            .field("intent", &self.intent)
            .finish_non_exhaustive()
    }
}

/// What polling needs to know; nothing of it is sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationStatus {
    /// The operation.
    pub id: OperationId,
    /// The binding it works on.
    pub binding: Option<BindingId>,
    /// What it does.
    pub work: Work,
    /// Whether it has ended, and how.
    pub state: OperationState,
    /// For the end user.
    pub description: Option<String>,
    /// After a failed update or deprovision.
    pub instance_usable: Option<bool>,
    /// After a failed update.
    pub update_repeatable: Option<bool>,
    /// What was asked for.
    pub digest: Digest,
    /// Whether nobody works on it at the moment and no call is in doubt: a deletion may take over.
    pub is_parked: bool,
    /// Milliseconds until the engine goes on with it; 0 when it is due or running.
    pub due_in: u64,
}

/// The right to go on with one operation: random owner token and fence, compared in every write (I-17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The operation.
    pub operation: OperationId,
    /// Random, made for this claim.
    pub owner: String,
    /// One more than that of the claim before.
    pub fence: u64,
}

impl Lease {
    /// The first claim on a new operation.
    #[must_use]
    pub fn first(operation: OperationId) -> Self {
        Self { operation, owner: owner_token(), fence: 1 }
    }
}

/// A fresh owner token.
#[must_use]
pub fn owner_token() -> String {
    Uuid::new_v4().simple().to_string()
}
