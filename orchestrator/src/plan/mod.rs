//! What apply would do, and why. A value; nothing here asks, waits or writes.

mod change;
mod decide;
mod declared;
mod facts;
mod input;
mod offer;
mod output;
mod parameters;
mod removal;
mod survey;
mod validate;
mod warn;

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use sutler_spec::{PlanId, ServiceId};

pub use crate::config::Problems as PlanError;
use crate::{
    graph::Graph,
    name::{BrokerName, InstanceRef},
    state::record::Named,
};
pub(crate) use change::shown_parameter;
pub use input::{Intent, Options, PlanInput, Protection, Undeclared, plan};
pub(crate) use parameters::can_put_right;

/// Everything apply would do, in an order that respects every need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack.
    pub stack: String,
    /// The state this was made from.
    pub serial: u64,
    /// One step for each declared or recorded instance, producers first, removals last (consumers first).
    pub steps: Vec<Step>,
    /// What is worth knowing and stops nothing.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The order of the steps as a graph over their positions.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let positions: HashMap<&InstanceRef, u32> =
            (0..).zip(&self.steps).map(|(position, step)| (&step.reference, position)).collect();
        let edges = (0..).zip(&self.steps).flat_map(|(position, step)| {
            let before = step.after.iter().filter_map(|reference| positions.get(reference));
            before.map(move |before| (position, *before))
        });
        Graph::new(self.steps.len(), edges)
    }

    /// Whether apply would do anything, as far as can be known before.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.steps.iter().any(|step| step.action != Action::Keep)
    }
}

/// What happens to one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which instance.
    pub reference: InstanceRef,
    /// What happens.
    pub action: Action,
    /// Where it lives (delete, forget) or will live.
    pub target: Arc<Target>,
    /// Which facts decided, for people; never a secret.
    pub because: Vec<String>,
    /// Field by field; values masked unless public.
    pub changes: Vec<Change>,
    /// Whether credentials are needed: it has variables, or someone refers to it.
    pub binding: BindingWanted,
    /// Steps that must have succeeded before this one starts.
    pub after: Vec<InstanceRef>,
}

/// What can happen to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing; `because` may say that it is looked at again once what it refers to has changed.
    Keep,
    /// Provision (or finish provisioning), bind, write variables.
    Create,
    /// Change in place.
    Update,
    /// Deprovision, then provision.
    Replace,
    /// Make a new binding, move variables, unbind the old one; or finish or remove a binding.
    Rebind,
    /// No broker call: protection or variables change.
    Record,
    /// Unbind and deprovision.
    Delete,
    /// Drop the record without deleting.
    Forget,
}

/// The service and where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The broker.
    pub broker: BrokerName,
    /// The offering.
    pub service: Named<ServiceId>,
    /// The plan.
    pub service_plan: Named<PlanId>,
}

/// Whether a binding is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingWanted {
    /// Someone uses its credentials.
    Wanted,
    /// Nobody does, or the plan is not bindable.
    NotWanted,
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Such as `params.read_replication`, `plan`, `protected`, `bind.database_id`.
    pub field: String,
    /// How.
    pub kind: ChangeKind,
    /// What it will be, where that may be shown.
    pub shown: Option<String>,
}

/// How a field changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Was not there.
    Added,
    /// Was something else.
    Changed,
    /// Will not be there.
    Removed,
    /// Known once what it refers to has been applied.
    KnownAfterApply,
}
