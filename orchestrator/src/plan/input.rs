//! What a plan is made from, and the two plans that can be asked for.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sutler_catalog::Index;
use sutler_secrets::KeyRing;

use super::{
    Budget, Moved, Plan, PlanError, Total, declared, moved, price, removal,
    rotation::{self, Rotate},
    upgrade,
};
use crate::{
    config::{Config, Finding},
    name::{BrokerName, InstanceRef},
    state::record::InstanceRecord,
};

/// Everything a plan depends on. Equal input gives an equal plan.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// What is wanted.
    pub config: &'a Config,
    /// What is believed to exist.
    pub records: &'a [InstanceRecord],
    /// The state's serial.
    pub serial: u64,
    /// What the brokers offer.
    pub catalogs: &'a BTreeMap<BrokerName, Arc<Index>>,
    /// Makes digests; nothing is opened.
    pub ring: &'a KeyRing,
    /// The time: bindings end, and what was kept until then may go.
    pub now: Timestamp,
    /// How to plan.
    pub options: Options,
}

/// How to plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these, whom they reach (who needs them, in a teardown), and nothing else; everything when empty.
    pub targets: Vec<InstanceRef>,
    /// Whom the targets reach.
    pub reach: Reach,
    /// What happens to what is no longer declared.
    pub undeclared: Undeclared,
    /// Whether protection holds.
    pub protection: Protection,
    /// What may be spent at most.
    pub budget: Option<Budget>,
    /// What the plan is for.
    pub intent: Intent,
    /// Those of the targets whose bindings are rotated; worked out for [`Intent::Rotate`].
    pub rotate: HashSet<InstanceRef>,
    /// How long bindings are kept whose place another one has taken.
    pub grace: Duration,
}

/// Whom the targets of a plan bring into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// What they need: it has to be there first.
    #[default]
    Needs,
    /// Who needs them: it follows what they yield.
    Users,
}

/// What happens to what is in state and not in the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Undeclared {
    /// It is kept, with a warning.
    #[default]
    Kept,
    /// It is deleted (`--prune`).
    Pruned,
}

/// Whether protected instances may be deleted or replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protection {
    /// They may not.
    #[default]
    Respected,
    /// They may (`--force`).
    Overridden,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Intent {
    /// To make what exists what is declared.
    #[default]
    Apply,
    /// To delete everything.
    Teardown,
    /// To take instances to the maintenance versions that their plans offer: the targets, or all.
    Upgrade(Rollout),
    /// To rotate bindings: those of the targets, or those whose time has come.
    Rotate(Rotate),
}

/// In which order many instances are upgraded, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout {
    /// So many of each plan of a broker go first; the others of that plan only when these have succeeded.
    pub canaries: usize,
    /// So many in all; the others are left for a later run.
    pub at_most: usize,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { canaries: 1, at_most: usize::MAX }
    }
}

/// Decides what would be done. Asks nobody, waits for nothing, writes nothing.
///
/// # Errors
/// Everything that stands in the way, each with its place in the configuration.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    let mut draft = Draft::default();
    let moves = match input.options.intent {
        Intent::Apply => moved::moves(input, &mut draft),
        Intent::Teardown | Intent::Upgrade(_) | Intent::Rotate(_) => Vec::new(),
    };
    let records = moved::renamed(input.records, &moves);
    let input = &PlanInput { records: &records, options: input.options.clone(), ..*input };
    match input.options.intent {
        Intent::Apply => declared::plan(input, &mut draft),
        Intent::Teardown => removal::teardown(input, &mut draft),
        Intent::Upgrade(rollout) => upgrade::plan(input, rollout, &mut draft),
        Intent::Rotate(rotate) => rotation::plan(input, rotate, &mut draft),
    }
    price::total(input, &mut draft);
    if draft.findings.is_empty() {
        let stack = input.config.stack.as_str().to_owned();
        let Draft { steps, possible_moves, totals, warnings, .. } = draft;
        Ok(Plan { stack, serial: input.serial, steps, moves, possible_moves, totals, warnings })
    } else {
        Err(input.config.problems(draft.findings))
    }
}

/// A plan in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) steps: Vec<super::Step>,
    pub(super) possible_moves: Vec<Moved>,
    pub(super) totals: Vec<Total>,
    pub(super) warnings: Vec<String>,
    pub(super) findings: Vec<Finding>,
}
