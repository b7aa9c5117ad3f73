//! What a plan is made from, and the two plans that can be asked for.

use std::{collections::BTreeMap, sync::Arc};

use sutler_catalog::Index;
use sutler_secrets::KeyRing;

use super::{Plan, PlanError, declared, removal};
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
    /// The time: what was kept until then may go.
    pub now: jiff::Timestamp,
    /// How to plan.
    pub options: Options,
}

/// How to plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these, what they need (what needs them, in a teardown), and nothing else; everything when empty.
    pub targets: Vec<InstanceRef>,
    /// What happens to what is no longer declared.
    pub undeclared: Undeclared,
    /// Whether protection holds.
    pub protection: Protection,
    /// What the plan is for.
    pub intent: Intent,
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
}

/// Decides what would be done. Asks nobody, waits for nothing, writes nothing.
///
/// # Errors
/// Everything that stands in the way, each with its place in the configuration.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    let draft = match input.options.intent {
        Intent::Apply => declared::plan(input),
        Intent::Teardown => removal::teardown(input),
    };
    if draft.findings.is_empty() {
        let stack = input.config.stack.as_str().to_owned();
        Ok(Plan { stack, serial: input.serial, steps: draft.steps, warnings: draft.warnings })
    } else {
        Err(input.config.problems(draft.findings))
    }
}

/// A plan in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) steps: Vec<super::Step>,
    pub(super) warnings: Vec<String>,
    pub(super) findings: Vec<Finding>,
}
