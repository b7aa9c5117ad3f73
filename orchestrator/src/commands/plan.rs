//! `plan`: what apply would do. Reads; writes nothing and takes no lock.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::project::Project;
use super::saved::SavedPlan;
use crate::brokers::BrokerSet;
use crate::faults;
use crate::name::InstanceRef;
use crate::plan::{self, Budget, Intent, Options, Plan, PlanInput, Protection, Undeclared};
use crate::state::{State, Vault};

/// What narrows or widens a plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanOptions {
    /// Only these, and what they need.
    pub targets: Vec<String>,
    /// Delete what is no longer declared.
    pub prune: bool,
    /// Go past `protected`.
    pub force: bool,
    /// Refuse what costs more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What time it is taken to be, so that a plan that is made again later is the same one; now when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl PlanOptions {
    /// The same, about one moment.
    pub(super) fn fixed(&self) -> Self {
        Self { at: Some(self.at.unwrap_or_else(Timestamp::now)), ..self.clone() }
    }
}

/// A plan, and what is worth knowing beside it.
#[derive(Debug)]
pub struct Planned {
    /// What apply would do.
    pub plan: Plan,
    /// For people.
    pub notes: Vec<String>,
    /// What was asked for, can be done, and is left for a later run.
    pub left: Vec<InstanceRef>,
}

/// Makes a plan, and writes it to a file where one is named. Nothing else is written, except the key ring when there is
/// none to seal the file with.
///
/// # Errors
/// When configuration, state or a broker cannot be used, the plan is impossible, or the file cannot be written.
pub async fn plan(project: &Project, options: &PlanOptions, out: Option<&Path>) -> Result<Planned, Failure> {
    let options = &options.fixed();
    let brokers = project.connect_to(|_| true).await?;
    let (mut state, vault) = project.read().await?;
    project.notice_lost_variables(&mut state, &vault)?;
    let mut planned = plan_with(project, &brokers, (&state, &vault), options)?;
    if let Some(holder) = project.backend.lock_holder().await? {
        planned
            .notes
            .push(format!("state is being changed at this moment by {holder}; the plan may be out of date"));
    }
    if let Some(path) = out {
        let (vault, _) = Vault::open(&project.keys, &state, &project.backend.location())?;
        let saved = SavedPlan::new((project, &brokers), (&state, &vault), (&planned, options))?;
        faults::pass("O20-before").await;
        saved.save(path, &project.config.stack, vault.ring())?;
        faults::pass("O20-after").await;
    }
    Ok(planned)
}

/// Makes a plan of what is at hand. Pure but for its arguments.
pub(super) fn plan_with(
    project: &Project,
    brokers: &BrokerSet,
    (state, vault): (&State, &Vault),
    options: &PlanOptions,
) -> Result<Planned, Failure> {
    plan_for(project, brokers, (state, vault), (options, Intent::Apply))
}

/// The same for any intent.
pub(super) fn plan_for(
    project: &Project,
    brokers: &BrokerSet,
    (state, vault): (&State, &Vault),
    (options, intent): (&PlanOptions, Intent),
) -> Result<Planned, Failure> {
    let targets: Result<Vec<InstanceRef>, _> =
        options.targets.iter().map(|name| InstanceRef::new(name)).collect();
    let targets = targets.map_err(|error| Failure::usage(error.to_string()))?;
    let input = PlanInput {
        config: &project.config,
        records: &state.records,
        serial: state.serial,
        catalogs: &brokers.catalogs().into_iter().collect(),
        ring: vault.ring(),
        now: options.at.unwrap_or_else(Timestamp::now),
        options: Options {
            targets,
            undeclared: if options.prune { Undeclared::Pruned } else { Undeclared::Kept },
            protection: if options.force { Protection::Overridden } else { Protection::Respected },
            budget: options.budget.clone(),
            intent,
            ..Options::default()
        },
    };
    let plan = plan::plan(&input)?;
    let notes = project.config.warnings.iter().chain(brokers.warnings()).cloned().collect();
    let left = match intent {
        Intent::Upgrade(_) => plan::remaining_upgrades(&input, &plan),
        Intent::Rotate(rotate) => plan::remaining_rotations(&input, rotate.which, &plan),
        Intent::Apply | Intent::Teardown => Vec::new(),
    };
    Ok(Planned { plan, notes, left })
}
