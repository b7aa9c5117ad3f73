//! Which bindings can be rotated, which are to be, and the plan that does it: another binding, then everyone who uses it,
//! then the one before it goes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sutler_catalog::Index;

use super::{
    Action, Intent, Options, Plan, PlanInput, Reach, Step, Undeclared,
    decide::Decision,
    declared,
    expiry::{Expiry, expiry},
    input::Draft,
};
use crate::{
    config::Config,
    name::{BrokerName, InstanceRef},
    state::{
        record::{InstanceRecord, Manner, Retired},
        status::{BindingStatus, Status},
    },
};

/// Which bindings are rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those of the targets.
    Named,
    /// Those of the targets, or of all, whose time has come.
    Due,
}

/// What a rotation is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotate {
    /// Which bindings.
    pub which: Which,
    /// How long the ones before are kept.
    pub grace: Duration,
}

/// A binding that can be rotated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rotatable {
    /// Of which instance.
    pub reference: InstanceRef,
    /// Where it lives.
    pub broker: BrokerName,
    /// The name of its offering.
    pub service: String,
    /// The name of its plan.
    pub plan: String,
    /// How the new binding is asked for.
    pub manner: Manner,
    /// When the binding ends, as the broker said.
    pub expires_at: Option<String>,
    /// When its successor should be there, as the broker said.
    pub renew_before: Option<String>,
    /// Why now.
    pub stage: Stage,
    /// Earlier bindings that are kept, and until when; those without a time go with the next run.
    pub kept_until: Vec<Option<Timestamp>>,
}

/// Whether a binding's time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It has not.
    Fresh,
    /// It is past the time before which it was to be renewed.
    Due,
    /// It has ended.
    Expired,
    /// Another one was begun.
    UnderWay,
}

/// Everything that can be rotated, producers first.
#[must_use]
pub fn rotatables(
    (config, records): (&Config, &[InstanceRecord]),
    catalogs: &BTreeMap<BrokerName, Arc<Index>>,
    now: Timestamp,
) -> Vec<Rotatable> {
    let records: HashMap<&str, &InstanceRecord> =
        records.iter().map(|record| (record.reference.as_str(), record)).collect();
    let declared = config.order().iter().filter_map(|at| config.instances.get_index(*at as usize));
    let recorded = declared.filter_map(|(reference, _)| records.get(reference.as_str()));
    recorded.filter_map(|record| rotatable(record, catalogs.get(&record.broker), now)).collect()
}

fn rotatable(record: &InstanceRecord, index: Option<&Arc<Index>>, now: Timestamp) -> Option<Rotatable> {
    let binding = record.binding.as_ref().filter(|_| record.status == Status::Ready)?;
    let expiry = expiry(binding.in_force(), now);
    let stage = match (&binding.rotation, &binding.status, expiry) {
        (Some(_), ..) => Stage::UnderWay,
        (None, BindingStatus::Bound, Expiry::Expired(_)) => Stage::Expired,
        (None, BindingStatus::Bound, Expiry::Due(_)) => Stage::Due,
        (None, BindingStatus::Bound, Expiry::Far | Expiry::Near(_)) => Stage::Fresh,
        _ => return None,
    };
    let plan = index.and_then(|index| index.plan_by_id(&record.service.id, &record.service_plan.id));
    let names_predecessor =
        plan.is_some_and(|plan| plan.binding_rotatable) && !matches!(expiry, Expiry::Expired(_));
    let time = |key: &str| binding.in_force().metadata.get(key)?.as_str().map(str::to_owned);
    let bindings = record.retired.iter().filter(|retired| retired.what.binding_id.is_some());
    Some(Rotatable {
        reference: record.reference.clone(),
        broker: record.broker.clone(),
        service: record.service.name.clone(),
        plan: record.service_plan.name.clone(),
        manner: match &binding.rotation {
            Some(rotation) => rotation.manner,
            None if names_predecessor => Manner::Successor,
            None => Manner::Beside,
        },
        expires_at: time("expires_at"),
        renew_before: time("renew_before"),
        stage,
        kept_until: bindings.map(|retired: &Retired| retired.not_before).collect(),
    })
}

/// Those that are to be rotated.
fn wanted(input: &PlanInput<'_>, which: Which) -> Vec<Rotatable> {
    let named = &input.options.targets;
    let mut wanted = rotatables((input.config, input.records), input.catalogs, input.now);
    wanted.retain(|one| named.is_empty() && which == Which::Due || named.contains(&one.reference));
    wanted.retain(|one| which == Which::Named || one.stage != Stage::Fresh);
    wanted
}

/// Those that are to be rotated and are not in the plan.
#[must_use]
pub fn remaining(input: &PlanInput<'_>, which: Which, plan: &Plan) -> Vec<InstanceRef> {
    let steps = plan.steps.iter().filter(|step| step.action == Action::Rotate);
    let planned: HashSet<&InstanceRef> = steps.map(|step| &step.reference).collect();
    let wanted = wanted(input, which).into_iter().map(|one| one.reference);
    wanted.filter(|reference| !planned.contains(reference)).collect()
}

/// Plans the rotation of the targets, or of what is due. What an earlier rotation left to be done is in it, too.
pub(super) fn plan(input: &PlanInput<'_>, rotate: Rotate, draft: &mut Draft) {
    let wanted = wanted(input, rotate.which);
    let named = &input.options.targets;
    let mut targets = named.clone();
    if named.is_empty() {
        let begun = input.records.iter().filter(|it| it.previous.is_some() || !it.retired.is_empty());
        let begun = begun.filter(|record| input.config.instances.contains_key(&record.reference));
        targets = wanted.iter().map(|one| one.reference.clone()).collect();
        targets.extend(begun.map(|record| record.reference.clone()));
    }
    if targets.is_empty() {
        let nothing = "no binding has come to the time before which it is to be renewed".to_owned();
        draft.warnings.push(nothing);
        return;
    }
    let options = Options {
        targets,
        reach: Reach::Users,
        intent: Intent::Apply,
        undeclared: Undeclared::Kept,
        rotate: wanted.into_iter().map(|one| one.reference).collect(),
        grace: rotate.grace,
        ..input.options.clone()
    };
    let rotate_these = options.rotate.clone();
    declared::plan(&PlanInput { options, ..*input }, draft);
    let unfit =
        narrow(draft, |step| step.action == Action::Rotate || !rotate_these.contains(&step.reference));
    for reference in named {
        if unfit.contains(reference) {
            let why = "it is not as declared; `sutler apply` comes first";
            draft.warnings.push(format!("{reference} is not rotated: {why}"));
        } else if !rotate_these.contains(reference) {
            draft.warnings.push(match rotate.which {
                Which::Named => format!("{reference}: there is no binding of it to rotate"),
                Which::Due => format!("{reference}: its binding is not due"),
            });
        }
    }
}

/// Drops what is not fit for a plan that is about less than everything: what would be made, replaced or deleted, and
/// whatever else does not fit. What somebody may use who is left so is not deleted either.
pub(super) fn narrow(draft: &mut Draft, fits: impl Fn(&Step) -> bool) -> HashSet<InstanceRef> {
    let mut dropped = HashSet::new();
    draft.steps.retain(|step| {
        let stays = match step.action {
            Action::Create | Action::Replace | Action::Delete | Action::Forget => false,
            Action::Retire => true,
            _ => fits(step),
        };
        if !stays {
            dropped.insert(step.reference.clone());
        }
        stays
    });
    draft.steps.retain(|step| {
        step.action != Action::Retire || !step.after.iter().any(|before| dropped.contains(before))
    });
    dropped
}

/// What becomes of an instance whose binding is to be rotated: that, if nothing else is to be done to it.
pub(super) fn turned(options: &Options, record: Option<&InstanceRecord>, decision: Decision) -> Decision {
    let Some(binding) = record.and_then(|record| record.binding.as_ref()) else { return decision };
    match decision.action {
        Action::Keep | Action::Record if binding.status == BindingStatus::Bound => {
            let kept = match options.grace {
                Duration::ZERO => "the old one goes once nobody uses it".to_owned(),
                grace => format!("the old one is kept for {} s", grace.as_secs()),
            };
            let because =
                vec![format!("another binding is to take the place of {}; {kept}", binding.binding_id)];
            Decision { action: Action::Rotate, because }
        }
        Action::Rebind if binding.rotation.is_some() => {
            let because = vec!["finishes the rotation begun earlier".to_owned()];
            Decision { action: Action::Rotate, because }
        }
        _ => decision,
    }
}
