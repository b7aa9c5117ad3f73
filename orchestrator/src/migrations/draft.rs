//! What a new migration is made of: what apply would do in an environment that stands at the last snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::literal::secret_literals;
use super::simulate::{Catalogs, Simulated, simulate};
use super::snapshot::{Declared, configuration};
use super::step::{MigrationStep, StepAction};
use crate::config::{At, Config, Finding, Problems, pointer};
use crate::name::InstanceRef;
use crate::plan::{self, Action, Options, Plan, PlanInput, Protection, Undeclared};
use crate::state::StateError;

/// Whether secrets may be written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literals {
    /// They may not.
    Refused,
    /// Somebody looked at them, and they are none.
    Allowed,
}

/// A migration without a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it does; nothing when nothing has to be done.
    pub steps: Vec<MigrationStep>,
    /// What is declared after it.
    pub instances: BTreeMap<InstanceRef, Declared>,
    /// What is worth knowing and stops nothing.
    pub warnings: Vec<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// What is declared now, or was at the last snapshot, cannot be planned.
    #[error(transparent)]
    Plan(#[from] Problems),
    /// The key ring for it cannot be used.
    #[error(transparent)]
    Ring(#[from] StateError),
}

/// Compares what is declared with the last snapshot. Pure: depends on these and on what the catalogs say.
///
/// # Errors
/// Everything that stands in the way, each with its place in the configuration.
pub fn draft(
    (config, catalogs): (&Config, &Catalogs),
    before: &BTreeMap<InstanceRef, Declared>,
    (protection, literals): (Protection, Literals),
) -> Result<Draft, DraftError> {
    let then = configuration(config, before)?;
    let Simulated { records, ring } = simulate(&then, catalogs)?;
    let options = Options { undeclared: Undeclared::Pruned, protection, ..Options::default() };
    let now = Timestamp::UNIX_EPOCH;
    let input = PlanInput { config, records: &records, serial: 0, catalogs, ring: &ring, now, options };
    let plan = plan::plan(&input)?;
    let instances = declared(config, &plan);
    let steps = steps(&plan, before, &instances);
    let mut findings = kept(config, before, &plan);
    if literals == Literals::Refused {
        findings.extend(written_out(&steps, catalogs));
    }
    if findings.is_empty() {
        Ok(Draft { steps, instances, warnings: plan.warnings })
    } else {
        Err(config.problems(findings).into())
    }
}

/// Everything that is declared, with services and plans as the catalogs know them.
fn declared(config: &Config, plan: &Plan) -> BTreeMap<InstanceRef, Declared> {
    let now = plan.steps.iter().filter(|step| step.action != Action::Retire);
    let planned = now.filter_map(|step| {
        let declaration = config.instances.get(&step.reference)?;
        Some((step.reference.clone(), Declared::new(declaration, &step.target)))
    });
    planned.collect()
}

fn steps(
    plan: &Plan,
    before: &BTreeMap<InstanceRef, Declared>,
    instances: &BTreeMap<InstanceRef, Declared>,
) -> Vec<MigrationStep> {
    let mut steps = Vec::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::Retire) {
        let moved = plan.moves.iter().find(|moved| moved.to == step.reference);
        let from = moved.map(|moved| moved.from.clone());
        let was = before.get(from.as_ref().unwrap_or(&step.reference));
        let is = instances.get(&step.reference);
        let action = match StepAction::planned(step.action) {
            Some(action) => action,
            None if is.is_none() => continue,
            None if was != is || from.is_some() => StepAction::Record,
            None if step.because.is_empty() => continue,
            None => StepAction::Follow,
        };
        let declared = if action.takes_out() { was } else { is };
        if let Some(declared) = declared {
            let because = step.because.clone();
            steps.push(MigrationStep {
                from,
                ..MigrationStep::new(action, (&step.reference, declared), because)
            });
        }
    }
    steps
}

/// What is not declared any more and would have to stay all the same.
fn kept(config: &Config, before: &BTreeMap<InstanceRef, Declared>, plan: &Plan) -> Vec<Finding> {
    let stays = |reference: &&InstanceRef| {
        plan.steps.iter().any(|step| step.reference == **reference && step.action == Action::Keep)
    };
    let undeclared = before.keys().filter(|reference| !config.instances.contains_key(*reference));
    let finding = |reference: &InstanceRef| {
        let is_protected = before.get(reference).is_some_and(|declared| declared.protected);
        let why = if is_protected { "it is protected" } else { "something that stays needs it" };
        Finding::new(format!("{reference} is not declared any more, but {why}"))
            .help("declare it with `protected: false`, generate, and take it out after that; or use --force")
    };
    undeclared.filter(stays).map(finding).collect()
}

fn written_out(steps: &[MigrationStep], catalogs: &Catalogs) -> Vec<Finding> {
    let mut findings = Vec::new();
    for step in steps.iter().filter(|step| !step.action.takes_out()) {
        let declared = step.declared();
        let index = declared.broker_and_service().0.and_then(|broker| catalogs.get(broker));
        for below in secret_literals(&declared, index.map(AsRef::as_ref)) {
            let at = At::Value(pointer(&["instances", step.reference.as_str(), "params"]) + &below);
            let what = format!(
                "{}: the value of {below} is secret, and a migration is a file that everyone can read",
                step.reference
            );
            let help =
                "refer to an output (@ref.key) or to a variable; --allow-literals writes it out all the same";
            findings.push(Finding::new(what).at(at).help(help));
        }
    }
    findings
}
