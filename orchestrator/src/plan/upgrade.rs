//! Which instances a newer maintenance version is offered to, and the plan that takes them there: a few of each plan
//! first, the others after them, and whoever uses them looks again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use sutler_catalog::{Index, Maintenance};
use sutler_spec::PlanId;

use super::{
    Action, Change, ChangeKind, Intent, Options, Plan, PlanInput, Reach, Rollout, Step, Undeclared, declared,
    input::Draft, rotation::narrow, survey::Survey,
};
use crate::{
    config::Config,
    name::{BrokerName, InstanceRef},
    nearest::listed,
    state::{record::InstanceRecord, status::Status},
};

/// An instance whose plan offers another maintenance version than it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upgrade {
    /// Which instance.
    pub reference: InstanceRef,
    /// Where it lives.
    pub broker: BrokerName,
    /// The name of its offering.
    pub service: String,
    /// The name of its plan.
    pub plan: String,
    #[serde(skip)]
    plan_id: PlanId,
    /// What it has, if that is known.
    pub from: Option<String>,
    /// What its plan offers.
    pub to: String,
    /// What that means for its users, as the broker says.
    pub description: Option<String>,
    /// Which way it goes.
    pub direction: Direction,
}

/// Which way an upgrade goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Forward.
    Newer,
    /// Back: done only to an instance that is named.
    Older,
    /// It was begun, and is finished.
    UnderWay,
}

/// Everything that is offered to instances that are declared and there, producers first.
#[must_use]
pub fn upgrades(
    config: &Config,
    records: &[InstanceRecord],
    catalogs: &BTreeMap<BrokerName, Arc<Index>>,
) -> Vec<Upgrade> {
    let records: HashMap<&str, &InstanceRecord> =
        records.iter().map(|record| (record.reference.as_str(), record)).collect();
    let declared = config.order().iter().filter_map(|at| config.instances.get_index(*at as usize));
    let recorded = declared.filter_map(|(reference, _)| records.get(reference.as_str()));
    recorded.filter_map(|record| upgrade(record, catalogs.get(&record.broker)?)).collect()
}

fn upgrade(record: &InstanceRecord, index: &Index) -> Option<Upgrade> {
    let plan = index.plan_by_id(&record.service.id, &record.service_plan.id)?;
    let offered = plan.maintenance_version();
    let (to, direction) = match record.status {
        Status::Ready => {
            let direction = match Maintenance::of(offered, record.asked.maintenance_version.as_deref()) {
                Maintenance::Current => return None,
                Maintenance::Newer => Direction::Newer,
                Maintenance::Older => Direction::Older,
            };
            (offered?, direction)
        }
        Status::ChangeIntended | Status::Updating { .. } => {
            let pending = record.pending.as_ref().filter(|pending| pending.inputs == record.asked.inputs)?;
            let to = pending.maintenance_version.as_deref()?;
            (record.asked.maintenance_version.as_deref() != Some(to)).then_some((to, Direction::UnderWay))?
        }
        _ => return None,
    };
    let description = plan.maintenance_info.as_ref().and_then(|info| info.description.clone());
    Some(Upgrade {
        reference: record.reference.clone(),
        broker: record.broker.clone(),
        service: record.service.name.clone(),
        plan: record.service_plan.name.clone(),
        plan_id: record.service_plan.id.clone(),
        from: record.asked.maintenance_version.clone(),
        to: to.to_owned(),
        description: description.filter(|_| offered == Some(to)),
        direction,
    })
}

/// Those that were asked for: by name, or all but what would go back.
fn wanted(input: &PlanInput<'_>) -> Vec<Upgrade> {
    let named = &input.options.targets;
    let mut wanted = upgrades(input.config, input.records, input.catalogs);
    wanted.retain(|upgrade| match named.as_slice() {
        [] => upgrade.direction != Direction::Older,
        named => named.contains(&upgrade.reference),
    });
    wanted
}

/// Those that were asked for and are not in the plan.
#[must_use]
pub fn remaining(input: &PlanInput<'_>, plan: &Plan) -> Vec<InstanceRef> {
    let steps = plan.steps.iter().filter(|step| step.action == Action::Upgrade);
    let planned: HashSet<&InstanceRef> = steps.map(|step| &step.reference).collect();
    let wanted = wanted(input).into_iter().map(|upgrade| upgrade.reference);
    wanted.filter(|reference| !planned.contains(reference)).collect()
}

/// Plans the upgrade of the targets, or of everything.
pub(super) fn plan(input: &PlanInput<'_>, rollout: Rollout, draft: &mut Draft) {
    let wanted = wanted(input);
    let named = &input.options.targets;
    let targets = match named.as_slice() {
        [] => wanted.iter().map(|upgrade| upgrade.reference.clone()).collect(),
        named => named.to_vec(),
    };
    if targets.is_empty() {
        let nothing = "every instance has the maintenance version that its plan offers".to_owned();
        draft.warnings.push(nothing);
        return;
    }
    let options = Options {
        targets,
        reach: Reach::Users,
        intent: Intent::Apply,
        undeclared: Undeclared::Kept,
        ..input.options.clone()
    };
    declared::plan(&PlanInput { options, ..*input }, draft);
    for reference in named.iter().filter(|name| !wanted.iter().any(|upgrade| upgrade.reference == **name)) {
        draft.warnings.push(format!("{reference}: its plan offers it no other maintenance version"));
    }
    let steps: HashMap<&str, &Step> = draft
        .steps
        .iter()
        .filter(|step| step.action != Action::Retire)
        .map(|step| (step.reference.as_str(), step))
        .collect();
    let fits =
        |upgrade: &Upgrade| steps.get(upgrade.reference.as_str()).is_some_and(|step| fits(upgrade, step));
    let (fit, unfit): (Vec<Upgrade>, Vec<Upgrade>) = wanted.into_iter().partition(fits);
    draft.warnings.extend(unfit.iter().map(|Upgrade { reference, .. }| {
        format!("{reference} is not upgraded: it is not as declared; `sutler apply` comes first")
    }));
    let waves = Waves::new(&fit, rollout);
    let left: HashSet<&InstanceRef> = unfit.iter().map(|upgrade| &upgrade.reference).collect();
    narrow(draft, |step| !left.contains(&step.reference));
    draft.steps.retain(|step| step.action != Action::Retire);
    let mut touched: HashSet<InstanceRef> = HashSet::new();
    for step in &mut draft.steps {
        if let Some(upgrade) = waves.upgrade(&step.reference) {
            waves.mark(step, upgrade);
        } else if step.action == Action::Keep {
            let changes = step.after.iter().filter(|before| touched.contains(*before));
            let looks = changes.map(|before| format!("looked at again once @{before} has changed"));
            step.because = looks.collect();
        }
        if step.action != Action::Keep && step.action != Action::Record || !step.because.is_empty() {
            touched.insert(step.reference.clone());
        }
    }
}

/// Whether nothing else is to be done to it.
fn fits(upgrade: &Upgrade, step: &Step) -> bool {
    match step.action {
        Action::Keep | Action::Record => true,
        Action::Update => upgrade.direction == Direction::UnderWay && step.changes.is_empty(),
        _ => false,
    }
}

/// Who goes first, and who after them.
struct Waves<'u> {
    taken: HashMap<&'u InstanceRef, &'u Upgrade>,
    canaries: HashMap<(&'u BrokerName, &'u PlanId), Vec<&'u InstanceRef>>,
}

impl<'u> Waves<'u> {
    /// The first of each plan go first: `upgrades` has producers first, so whoever comes later never has to wait for
    /// itself.
    fn new(upgrades: &'u [Upgrade], rollout: Rollout) -> Self {
        let mut canaries: HashMap<_, Vec<_>> = HashMap::new();
        let (mut first, mut others) = (Vec::new(), Vec::new());
        for upgrade in upgrades {
            let of_plan = canaries.entry((&upgrade.broker, &upgrade.plan_id)).or_default();
            if of_plan.len() < rollout.canaries {
                of_plan.push(&upgrade.reference);
                first.push(upgrade);
            } else {
                others.push(upgrade);
            }
        }
        let taken = first.into_iter().chain(others).take(rollout.at_most);
        let taken = taken.map(|upgrade| (&upgrade.reference, upgrade)).collect();
        Self { taken, canaries }
    }

    fn upgrade(&self, reference: &InstanceRef) -> Option<&'u Upgrade> {
        self.taken.get(reference).copied()
    }

    /// Makes a step the upgrade.
    fn mark(&self, step: &mut Step, upgrade: &Upgrade) {
        let Upgrade { from, to, description, .. } = upgrade;
        step.action = Action::Upgrade;
        let from = from.as_deref().unwrap_or("a version that is not known");
        let means = description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let mut because = vec![format!("maintenance goes from {from} to {to}{means}")];
        if upgrade.direction == Direction::UnderWay {
            because.push("it was begun earlier".to_owned());
        }
        let canaries = self.canaries.get(&(&upgrade.broker, &upgrade.plan_id)).map(Vec::as_slice);
        let canaries = canaries.unwrap_or_default();
        if !canaries.contains(&&upgrade.reference) && !canaries.is_empty() {
            because.push(format!("{} goes first", listed(canaries.iter().map(|name| name.as_str()))));
            step.after.extend(canaries.iter().map(|name| (*name).clone()));
        }
        step.because = because;
        step.changes = vec![Change {
            field: "maintenance_info.version".to_owned(),
            kind: ChangeKind::Changed,
            shown: Some(to.clone()),
        }];
    }
}

/// Says what is offered to instances that the plan is about.
pub(super) fn announce(input: &PlanInput<'_>, survey: &Survey<'_>, draft: &mut Draft) {
    // Most catalogs say nothing of versions.
    let plans =
        input.catalogs.values().flat_map(|index| index.offerings()).flat_map(|offering| &offering.plans);
    if plans.into_iter().all(|plan| plan.maintenance_info.is_none()) {
        return;
    }
    let mut offers: BTreeMap<(String, String), (Option<String>, Vec<InstanceRef>)> = BTreeMap::new();
    for upgrade in upgrades(input.config, input.records, input.catalogs) {
        let position = survey.position(upgrade.reference.as_str());
        let is_meant = position.is_some_and(|position| survey.is_selected(position));
        if is_meant && upgrade.direction == Direction::Newer {
            let place = format!("{}/{} at {}", upgrade.service, upgrade.plan, upgrade.broker);
            let offer = offers.entry((place, upgrade.to)).or_insert((upgrade.description, Vec::new()));
            offer.1.push(upgrade.reference);
        }
    }
    for ((place, to), (description, references)) in offers {
        let names = listed(references.iter().map(InstanceRef::as_str));
        let means = description.map(|text| format!(" ({text})")).unwrap_or_default();
        draft.warnings.push(format!(
            "{names}: {place} offers the maintenance version {to}{means}; `sutler upgrade` lists and applies it"
        ));
    }
}
