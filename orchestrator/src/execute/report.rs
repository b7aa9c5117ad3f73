//! What became of a plan.

use std::time::Duration;

use serde::Serialize;

use super::progress::seconds;
use crate::name::{BrokerName, InstanceRef};
use crate::plan::Action;
use crate::state::StateError;

/// What became of a plan.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Steps that changed something, in the order they ended.
    pub done: Vec<Done>,
    /// Steps that failed.
    pub failed: Vec<Failed>,
    /// Steps that were not begun, because of a failed one.
    pub skipped: Vec<Skipped>,
    /// Steps that are left as they are until somebody has looked (`--on-ambiguous pause`).
    pub paused: Vec<Failed>,
    /// Work that brokers have accepted and that was not waited for (`--detach`).
    pub running: Vec<Running>,
    /// Steps that were stopped or never begun, because the run was. The next run goes on with them.
    pub left: Vec<InstanceRef>,
    /// How many instances were as declared.
    pub kept: usize,
    /// How it ended.
    pub ended: Ended,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// Worth knowing, and stopped nothing.
    pub warnings: Vec<String>,
}

/// How carrying out a plan ended.
#[derive(Debug, Default)]
pub enum Ended {
    /// Every step was begun or skipped.
    #[default]
    Completed,
    /// It was told to stop.
    Stopped,
    /// Brokers work on what they have accepted; it was not waited for.
    Detached,
    /// State could not be written any more, perhaps because the lock was lost.
    State(StateError),
}

impl Serialize for Ended {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Completed => serializer.serialize_str("completed"),
            Self::Stopped => serializer.serialize_str("stopped"),
            Self::Detached => serializer.serialize_str("detached"),
            Self::State(error) => serializer.collect_str(error),
        }
    }
}

/// A step that changed something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Done {
    /// Whose.
    pub reference: InstanceRef,
    /// What was done.
    pub action: Action,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failed {
    /// Whose.
    pub reference: InstanceRef,
    /// What was to be done.
    pub action: Action,
    /// At which broker.
    pub broker: BrokerName,
    /// Why not, on one line; what the broker said is in it.
    pub error: String,
    /// What to do next.
    pub next: String,
}

/// Work that a broker has accepted and that was not waited for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Running {
    /// Whose.
    pub reference: InstanceRef,
    /// What is being done.
    pub action: Action,
    /// By which broker.
    pub broker: BrokerName,
}

/// A step that was not begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Skipped {
    /// Whose.
    pub reference: InstanceRef,
    /// What was to be done.
    pub action: Action,
    /// Because this one failed.
    pub because: InstanceRef,
}

impl Report {
    /// Whether nothing went wrong, and something is left only because brokers still work on what it needs.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self.ended, Ended::Detached)
            && self.failed.is_empty()
            && self.paused.is_empty()
            && self.skipped.is_empty()
    }

    /// Whether everything that was planned has been done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
            && self.paused.is_empty()
            && self.running.is_empty()
            && self.skipped.is_empty()
            && self.left.is_empty()
            && !matches!(self.ended, Ended::State(_))
    }
}
