//! Whether an environment stands where a migration begins: the parent's snapshot, for everything that its steps name.
//!
//! What they do not name is none of their business, and is never touched (A42). What is neither as it was before nor as it
//! is to be makes the whole migration impossible: nothing is undone to get there (A41).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sutler_secrets::KeyRing;

use super::chain::Entry;
use super::simulate::Catalogs;
use super::snapshot::{Declared, configuration, target};
use super::step::{MigrationStep, StepAction};
use crate::config::{Config, Problems};
use crate::name::InstanceRef;
use crate::plan::{self, Action, Options, Plan, PlanInput, Protection, Undeclared};
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status};

/// Whether the ledger says that the migration was begun here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It was: what it changes may be in the middle of it.
    Earlier,
    /// It was not.
    Never,
}

/// What a migration is to be done to.
#[derive(Debug)]
pub struct Environment<'e> {
    /// Brokers and sinks; its instances do not count.
    pub config: &'e Config,
    /// What is believed to exist.
    pub records: &'e [InstanceRecord],
    /// The state's serial.
    pub serial: u64,
    /// What the brokers offer.
    pub catalogs: &'e Catalogs,
    /// The time.
    pub now: Timestamp,
    /// Makes digests.
    pub ring: &'e Arc<KeyRing>,
    /// Whether protection holds.
    pub protection: Protection,
}

/// Where an environment stands.
#[derive(Debug)]
pub enum Standing {
    /// Everything is as it is to be.
    There,
    /// This is left to do, of these instances.
    Before(Box<(Plan, Config)>),
    /// It stands somewhere else: what differs.
    Diverged(Vec<String>),
}

/// Looks. Pure.
#[must_use]
pub fn standing(
    (entry, before): (&Entry, &BTreeMap<InstanceRef, Declared>),
    environment: &Environment<'_>,
    begun: Begun,
) -> Standing {
    match look((entry, before), environment, begun) {
        Ok(standing) => standing,
        Err(problems) => {
            Standing::Diverged(problems.list.into_iter().map(|problem| problem.message).collect())
        }
    }
}

fn look(
    (entry, before): (&Entry, &BTreeMap<InstanceRef, Declared>),
    environment: &Environment<'_>,
    begun: Begun,
) -> Result<Standing, Problems> {
    let target = target(environment.config, (&entry.instances, &entry.steps))?;
    let plan = environment.plan(&target, entry.steps.iter().map(|step| &step.reference))?;
    let looking = Looking { entry, before, environment, target: &target, plan: plan.as_ref(), begun };
    let (there, open): (Vec<&MigrationStep>, Vec<_>) =
        entry.steps.iter().partition(|step| looking.is_there(step));
    if open.is_empty() {
        return Ok(Standing::There);
    }
    let was = looking.where_it_was()?;
    let mut differences = looking.neighbours();
    differences.extend(there.iter().filter_map(|step| looking.ahead(step, was.as_ref())));
    differences.extend(open.iter().filter_map(|step| looking.difference(step, was.as_ref())));
    match plan.filter(|_| differences.is_empty()) {
        Some(plan) => Ok(Standing::Before(Box::new((plan, target)))),
        None => Ok(Standing::Diverged(differences)),
    }
}

impl Environment<'_> {
    pub(super) fn record(&self, reference: &InstanceRef) -> Option<&InstanceRecord> {
        self.records.iter().find(|record| record.reference == *reference)
    }

    /// What apply would do to what the steps name. Nothing when none of it is declared or recorded.
    pub(super) fn plan<'s>(
        &self,
        config: &Config,
        named: impl IntoIterator<Item = &'s InstanceRef>,
    ) -> Result<Option<Plan>, Problems> {
        let is_known = |reference: &InstanceRef| {
            config.instances.contains_key(reference) || self.record(reference).is_some()
        };
        let targets: Vec<InstanceRef> = named.into_iter().filter(|name| is_known(name)).cloned().collect();
        if targets.is_empty() {
            return Ok(None);
        }
        let (undeclared, protection) = (Undeclared::Pruned, self.protection);
        let options = Options { targets, undeclared, protection, ..Options::default() };
        let Self { records, serial, catalogs, ring, now, .. } = *self;
        plan::plan(&PlanInput { config, records, serial, catalogs, ring, now, options }).map(Some)
    }
}

struct Looking<'l> {
    entry: &'l Entry,
    before: &'l BTreeMap<InstanceRef, Declared>,
    environment: &'l Environment<'l>,
    target: &'l Config,
    plan: Option<&'l Plan>,
    begun: Begun,
}

impl Looking<'_> {
    fn planned(&self, reference: &InstanceRef) -> Option<&plan::Step> {
        self.plan?.steps.iter().find(|step| step.reference == *reference)
    }

    /// Whether it is as it is to be.
    fn is_there(&self, step: &MigrationStep) -> bool {
        let is_recorded = |reference: &InstanceRef| self.environment.record(reference).is_some();
        if step.action.takes_out() {
            return !is_recorded(&step.reference);
        }
        let is_kept = self.planned(&step.reference).is_some_and(|planned| planned.action == Action::Keep);
        let is_renamed = !step.from.as_ref().is_some_and(is_recorded);
        let is_finished = self.begun == Begun::Never || !self.is_retiring(&step.reference);
        is_recorded(&step.reference) && is_renamed && is_kept && is_finished
    }

    /// Whether something that it took the place of is still to be deleted.
    fn is_retiring(&self, reference: &InstanceRef) -> bool {
        let mut steps = self.plan.iter().flat_map(|plan| &plan.steps);
        steps.any(|step| step.action == Action::Retire && step.reference == *reference)
    }

    /// What the steps do not name and what they name needs has to be as it is declared.
    fn neighbours(&self) -> Vec<String> {
        let named: BTreeSet<&InstanceRef> = self.entry.steps.iter().map(|step| &step.reference).collect();
        let steps = self.plan.iter().flat_map(|plan| &plan.steps);
        let changing = steps.filter(|step| {
            !matches!(step.action, Action::Keep | Action::Retire) && !named.contains(&step.reference)
        });
        let told = |step: &plan::Step| {
            let (reference, reasons) = (&step.reference, reasons(step));
            format!("{reference}, which something in it needs, is not as the migration knows it: {reasons}")
        };
        changing.map(told).collect()
    }

    /// What apply would do to make everything what it was before.
    fn where_it_was(&self) -> Result<Option<Plan>, Problems> {
        let config = configuration(self.environment.config, self.before)?;
        let olds = self.entry.steps.iter().map(MigrationStep::old);
        let known =
            olds.filter(|old| config.instances.contains_key(*old) && self.environment.record(old).is_some());
        self.environment.plan(&config, known)
    }

    /// Why it is not as it was before the migration; nothing when it is.
    fn moved_on(&self, step: &MigrationStep, was: Option<&Plan>) -> Option<String> {
        let old = step.old();
        let named = self.environment.record(&step.reference).filter(|_| step.from.is_some());
        match (self.before.contains_key(old), self.environment.record(old), named) {
            (_, None, Some(_)) => Some(format!("it is not called {old} any more")),
            (false, None, None) => None,
            (false, Some(record), _) => Some(format!("it is there already ({})", record.instance_id)),
            (true, None, None) => Some("it is not there, and was before the migration".to_owned()),
            (true, Some(_), _) => {
                let back = was.into_iter().flat_map(|plan| &plan.steps).find(|step| step.reference == *old);
                back.filter(|step| step.action != Action::Keep).map(reasons)
            }
        }
    }

    /// What is as it is to be already, although the migration was never begun here: somebody else is ahead of it.
    fn ahead(&self, step: &MigrationStep, was: Option<&Plan>) -> Option<String> {
        if self.begun == Begun::Earlier {
            return None;
        }
        let moved_on = self.moved_on(step, was)?;
        Some(format!(
            "{} is already as it is to be, although the migration never began here: {moved_on}",
            step.reference
        ))
    }

    /// Why this step cannot begin here.
    fn difference(&self, step: &MigrationStep, was: Option<&Plan>) -> Option<String> {
        let record = self.environment.record(&step.reference).or(self.environment.record(step.old()));
        let is_renamed = step.from.as_ref().is_some_and(|from| self.environment.record(from).is_none());
        let is_under_way = self.begun == Begun::Earlier
            && (record.is_none_or(is_unsettled)
                || is_renamed
                || self.is_nearly_there(step)
                || self.is_stirred(step));
        match self.moved_on(step, was).filter(|_| !is_under_way) {
            Some(moved_on) => {
                let reference = &step.reference;
                Some(format!("{reference} is neither as it was before nor as it is to be: {moved_on}"))
            }
            None => self.contradiction(step),
        }
    }

    /// What the step says, and what would have to be done here, are not the same.
    fn contradiction(&self, step: &MigrationStep) -> Option<String> {
        let reference = &step.reference;
        let planned = self.planned(reference)?;
        let Some(action) = StepAction::planned(planned.action) else {
            let kept = || format!("{reference} cannot be taken out: {}", reasons(planned));
            return step.action.takes_out().then(kept);
        };
        // what was begun may have to be made anew, or is made and wants its binding
        let goes_on =
            self.begun == Begun::Earlier && (action == StepAction::Create || self.is_nearly_there(step));
        (!step.action.covers(action) && !goes_on).then(|| {
            let (said, would, why) = (step.action.word(), action.word(), reasons(planned));
            format!("{reference}: the step says {said}, and here it would have to be {would}: {why}")
        })
    }

    /// Whether it was asked for as it is to be, and only its binding or its variables are missing.
    fn is_nearly_there(&self, step: &MigrationStep) -> bool {
        let is_small = self.planned(&step.reference).is_some_and(|planned| {
            StepAction::planned(planned.action).is_none_or(|action| StepAction::Rebind.covers(action))
        });
        is_small && !step.action.takes_out()
    }

    /// Whether what it needs, at whatever distance, is changed by the same migration: then what it was asked for cannot
    /// be told from what it was before.
    fn is_stirred(&self, step: &MigrationStep) -> bool {
        let Some(position) = self.target.instances.get_index_of(&step.reference) else { return false };
        let needed = self.target.graph.ancestors(position as u32);
        let named =
            |reference: &InstanceRef| self.entry.steps.iter().any(|step| step.reference == *reference);
        needed.into_iter().any(|at| {
            self.target.instances.get_index(at as usize).is_some_and(|(reference, _)| named(reference))
        })
    }
}

/// Whether something of it was begun and has not ended.
pub(super) fn is_unsettled(record: &InstanceRecord) -> bool {
    let is_bound = |binding: &crate::state::record::BindingRecord| binding.status == BindingStatus::Bound;
    record.status != Status::Ready
        || record.pending.is_some()
        || record.previous.is_some()
        || record.binding.as_ref().is_some_and(|binding| !is_bound(binding))
}

fn reasons(step: &plan::Step) -> String {
    step.because.join("; ")
}
