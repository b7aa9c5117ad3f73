//! What apply would do, and why. A value; nothing here asks, waits or writes.

mod change;
mod decide;
mod declared;
mod expiry;
mod facts;
mod input;
mod moved;
mod offer;
mod output;
mod parameters;
mod price;
mod removal;
mod retirement;
mod rotation;
mod secret;
mod survey;
mod upgrade;
mod validate;
mod warn;

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use sutler_spec::{PlanId, ServiceId};

pub use crate::config::Problems as PlanError;
use crate::{
    config::Replacement,
    graph::Graph,
    name::{BrokerName, InstanceRef},
    state::record::Named,
};
pub(crate) use change::shown_parameter;
pub use expiry::{Expiry, expiry};
pub use input::{Intent, Options, PlanInput, Protection, Reach, Rollout, Undeclared, plan};
pub use moved::Moved;
pub(crate) use parameters::can_put_right;
pub use price::{Budget, Cost, Price, Total};
pub use rotation::{Rotatable, Rotate, Stage, Which, remaining as remaining_rotations, rotatables};
pub use upgrade::{Direction, Upgrade, remaining as remaining_upgrades, upgrades};

/// Everything apply would do, in an order that respects every need.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack.
    pub stack: String,
    /// The state this was made from.
    pub serial: u64,
    /// One step for each declared or recorded instance, producers first, removals last (consumers first); then one for
    /// each of which an earlier generation is left.
    pub steps: Vec<Step>,
    /// What gets another ref before anything else is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Moved>,
    /// What may have got another ref only, without being declared so: it would be made anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible_moves: Vec<Moved>,
    /// What everything costs, by currency; nothing where no catalog names a price, or the plan is not about everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub totals: Vec<Total>,
    /// What is worth knowing and stops nothing.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The order of the steps as a graph over their positions.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let (mut positions, mut retirements) = (HashMap::with_capacity(self.steps.len()), HashMap::new());
        for (position, step) in (0_u32..).zip(&self.steps) {
            match step.action {
                Action::Retire => retirements.insert(&step.reference, position),
                _ => positions.insert(&step.reference, position),
            };
        }
        let edges = (0..).zip(&self.steps).flat_map(|(position, step)| {
            let before = step.after.iter().filter_map(|reference| positions.get(reference));
            let retired = step.after_retirement_of.iter();
            let retired = retired.filter_map(|reference| retirements.get(reference));
            before.chain(retired).map(move |before| (position, *before))
        });
        Graph::new(self.steps.len(), edges)
    }

    /// Whether carrying it out is to carry out the other one.
    #[must_use]
    pub fn does_as(&self, other: &Self) -> bool {
        self.moves == other.moves && self.steps == other.steps
    }

    /// Whether apply would do anything, as far as can be known before.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        !self.moves.is_empty() || self.steps.iter().any(|step| step.action != Action::Keep)
    }
}

/// What happens to one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which instance.
    pub reference: InstanceRef,
    /// What happens.
    pub action: Action,
    /// How, where it is replaced, or may have to be once what it uses has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Replacement>,
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
    /// Those whose earlier generations must be gone before this step starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_retirement_of: Vec<InstanceRef>,
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
    /// Take to the maintenance version that the plan offers; nothing else changes.
    Upgrade,
    /// Make another in its place.
    Replace,
    /// Make, finish or remove a binding.
    Rebind,
    /// Make a new binding while the old one works, and keep that one for a while.
    Rotate,
    /// No broker call: protection or variables change.
    Record,
    /// Unbind and deprovision.
    Delete,
    /// Drop the record without deleting.
    Forget,
    /// Delete what the instance of now has taken the place of: a second step of the same instance.
    Retire,
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
    /// What the plan costs, as far as its catalog says.
    #[serde(default)]
    pub price: Price,
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
