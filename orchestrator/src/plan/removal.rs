//! What leaves: what is no longer declared, or everything. Consumers go before producers, and what is kept keeps what
//! it needs.

use std::{cell::LazyCell, collections::HashSet, ops::Deref, sync::Arc};

use indexmap::IndexMap;

use super::{
    Action, BindingWanted, Intent, PlanInput, Price, Protection, Step, Target, Undeclared, input::Draft,
    survey::Survey,
};
use crate::{
    config::Finding,
    graph::Graph,
    name::InstanceRef,
    nearest::listed,
    state::{record::InstanceRecord, status::Status},
};

/// What becomes of a record that may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not decided here: it is declared, or the plan is not about it.
    Elsewhere,
    /// It stays, for this reason.
    Kept(String),
    /// Its record goes; it stays.
    Forgotten,
    /// It goes, for this reason.
    Deleted(&'static str),
}

/// Deletes everything that may go.
pub(super) fn teardown(input: &PlanInput<'_>, draft: &mut Draft) {
    let survey = Survey::new(input, draft);
    let fates = Removal { input, survey: &survey }.fates(draft);
    steps(&survey, (&LazyCell::new(|| recorded_graph(&survey)), &fates), &[], draft);
}

/// Decides what becomes of each record, by position.
pub(super) struct Removal<'r> {
    pub(super) input: &'r PlanInput<'r>,
    pub(super) survey: &'r Survey<'r>,
}

impl Removal<'_> {
    pub(super) fn fates(&self, draft: &mut Draft) -> Vec<Fate> {
        let records = self.survey.records;
        let mut fates: Vec<Fate> = match self.input.options.intent {
            Intent::Teardown => {
                let targeted = self.targeted();
                let decide = |(at, record)| {
                    if targeted.as_ref().is_none_or(|targeted| targeted.contains(&at)) {
                        self.torn_down(record)
                    } else {
                        Fate::Elsewhere
                    }
                };
                (0..).zip(records).map(decide).collect()
            }
            Intent::Apply | Intent::Upgrade(_) | Intent::Rotate(_) => {
                let mut fates = vec![Fate::Elsewhere; records.len()];
                for at in &self.survey.undeclared {
                    fates[*at] = self.undeclared(&records[*at]);
                }
                fates
            }
        };
        self.keep_what_is_needed(&mut fates);
        let mut kept: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for (record, fate) in records.iter().zip(&fates) {
            match fate {
                Fate::Deleted(_) if !self.input.config.brokers.contains_key(&record.broker) => {
                    draft.findings.push(self.out_of_reach(record));
                }
                Fate::Kept(why) => kept.entry(why).or_default().push(record.reference.as_str()),
                _ => {}
            }
        }
        draft.warnings.extend(kept.into_iter().map(|(why, names)| match names.as_slice() {
            [only] => format!("{only} is kept: {why}"),
            _ => format!("{} are kept: {why}", listed(names)),
        }));
        fates
    }

    /// The targets of a teardown and everyone who uses them; nothing when it is about everything.
    fn targeted(&self) -> Option<HashSet<u32>> {
        if !self.survey.is_partial() {
            return None;
        }
        let users = recorded_graph(self.survey);
        let targets = self.input.options.targets.iter();
        let mut targeted = HashSet::new();
        for at in targets.filter_map(|target| self.survey.recorded(target.as_str())) {
            targeted.insert(at as u32);
            targeted.extend(users.descendants(at as u32));
        }
        Some(targeted)
    }

    fn out_of_reach(&self, record: &InstanceRecord) -> Finding {
        let known = self.input.config.brokers.keys().map(|name| name.as_str());
        let message = format!(
            "{} lives at the broker '{}', which is not in the configuration: it cannot be deleted",
            record.reference, record.broker
        );
        let help = format!("put the broker back until it is gone; configured brokers: {}", listed(known));
        Finding::new(message).help(help)
    }

    fn is_protected(&self, record: &InstanceRecord) -> bool {
        self.is_declared_protected(record) && self.input.options.protection == Protection::Respected
    }

    /// By state or by configuration, whatever `--force` makes of it.
    fn is_declared_protected(&self, record: &InstanceRecord) -> bool {
        let declared = self.input.config.instances.get(&record.reference);
        record.protected || declared.is_some_and(|declaration| declaration.protected)
    }

    fn torn_down(&self, record: &InstanceRecord) -> Fate {
        if self.is_protected(record) {
            Fate::Kept("protected; --force deletes all the same".to_owned())
        } else if self.is_declared_protected(record) {
            Fate::Deleted("it is protected, and --force deletes it all the same")
        } else {
            Fate::Deleted("everything is torn down")
        }
    }

    fn undeclared(&self, record: &InstanceRecord) -> Fate {
        let was_begun = matches!(record.status, Status::DeletionIntended | Status::Deprovisioning { .. });
        if !self.survey.is_targeted(record.reference.as_str()) {
            Fate::Elsewhere
        } else if was_begun {
            Fate::Deleted("its deletion was begun and is finished")
        } else if self.input.config.removed.contains(&record.reference) {
            Fate::Forgotten
        } else if self.is_protected(record) {
            Fate::Kept("no longer declared but protected; --prune --force deletes all the same".to_owned())
        } else if self.input.options.undeclared == Undeclared::Kept {
            Fate::Kept("no longer declared; --prune deletes".to_owned())
        } else {
            Fate::Deleted("it is no longer declared")
        }
    }

    /// Whatever a kept instance was made with stays. So does, in a partial plan, what an instance outside it uses.
    fn keep_what_is_needed(&self, fates: &mut [Fate]) {
        let records = self.survey.records;
        let stays = |at: &usize| match &fates[*at] {
            Fate::Kept(_) => true,
            Fate::Deleted(_) | Fate::Forgotten => false,
            Fate::Elsewhere => match self.survey.position(records[*at].reference.as_str()) {
                Some(position) => {
                    self.input.options.intent == Intent::Teardown || !self.survey.is_selected(position)
                }
                None => true,
            },
        };
        let mut open: Vec<usize> = (0..records.len()).filter(stays).collect();
        while let Some(at) = open.pop() {
            for need in &records[at].needs {
                let Some(needed) = self.survey.recorded(need.as_str()) else { continue };
                if matches!(fates[needed], Fate::Deleted(_)) {
                    fates[needed] = Fate::Kept(format!("still used by {}", records[at].reference));
                    open.push(needed);
                }
            }
        }
    }
}

/// Adds a step for each record that is kept or deleted here. `declared` are the declared instances that have a step.
pub(super) fn steps(
    survey: &Survey<'_>,
    (users, fates): (&dyn Deref<Target = Graph>, &[Fate]),
    declared: &[bool],
    draft: &mut Draft,
) {
    let records = survey.records;
    for (record, fate) in records.iter().zip(fates) {
        match fate {
            Fate::Kept(why) => draft.steps.push(step(record, Action::Keep, why.clone(), Vec::new())),
            Fate::Forgotten => {
                let why = "the configuration says so (removed); whatever exists stays".to_owned();
                draft.steps.push(step(record, Action::Forget, why, Vec::new()));
            }
            Fate::Elsewhere | Fate::Deleted(_) => {}
        }
    }
    if !fates.iter().any(|fate| matches!(fate, Fate::Deleted(_))) {
        return;
    }
    for at in consumers_first(users, fates) {
        let Fate::Deleted(why) = &fates[at] else { continue };
        let has_step = |user: &&u32| {
            let reference = records[**user as usize].reference.as_str();
            let is_declared = survey.position(reference).and_then(|position| declared.get(position));
            matches!(fates[**user as usize], Fate::Deleted(_)) || is_declared == Some(&true)
        };
        let after = users.users(at as u32).iter().filter(has_step);
        let after: Vec<InstanceRef> = after.map(|user| records[*user as usize].reference.clone()).collect();
        draft.steps.push(step(&records[at], Action::Delete, (*why).to_owned(), after));
    }
}

/// The deleted ones, each after everyone who used it.
fn consumers_first(users: &Graph, fates: &[Fate]) -> Vec<usize> {
    let order = users.order().unwrap_or_default();
    let deleted = |at: &usize| matches!(fates[*at], Fate::Deleted(_));
    order.into_iter().rev().map(|at| at as usize).filter(deleted).collect()
}

/// Who used whom, as recorded. Records of different times may contradict each other: what closes a circle is dropped.
pub(super) fn recorded_graph(survey: &Survey<'_>) -> Graph {
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for (at, record) in survey.records.iter().enumerate() {
        let earlier = record.previous.iter().flat_map(|previous| &previous.needs);
        let needed = record.needs.iter().chain(earlier).filter_map(|need| survey.recorded(need.as_str()));
        edges.extend(needed.filter(|needed| *needed != at).map(|needed| (at as u32, needed as u32)));
    }
    loop {
        let graph = Graph::new(survey.records.len(), edges.iter().copied());
        let Err(loops) = graph.order() else { return graph };
        let closing: HashSet<(u32, u32)> =
            loops.iter().filter_map(|found| Some((*found.last()?, *found.first()?))).collect();
        edges.retain(|edge| !closing.contains(edge));
    }
}

fn step(record: &InstanceRecord, action: Action, because: String, after: Vec<InstanceRef>) -> Step {
    let binding = match (action, &record.binding) {
        (Action::Keep, Some(_)) => BindingWanted::Wanted,
        _ => BindingWanted::NotWanted,
    };
    Step {
        reference: record.reference.clone(),
        action,
        replacement: None,
        target: target(record),
        because: vec![because],
        changes: Vec::new(),
        binding,
        after,
        after_retirement_of: Vec::new(),
    }
}

/// Where a record's instance lives.
pub(super) fn target(record: &InstanceRecord) -> Arc<Target> {
    Arc::new(Target {
        broker: record.broker.clone(),
        service: record.service.clone(),
        service_plan: record.service_plan.clone(),
        price: Price::default(),
    })
}
