//! When what something newer has taken the place of is deleted: after everyone who used it has moved.

use std::{collections::HashSet, ops::Deref};

use super::{
    Action, BindingWanted, PlanInput, Step,
    input::Draft,
    removal::{self, Fate},
    survey::Survey,
};
use crate::{
    config::{Declaration, Replacement},
    graph::Graph,
    name::InstanceRef,
    state::record::InstanceRecord,
};

/// Adds a step for each declared instance that has an earlier generation, or will have one.
pub(super) fn steps(
    input: &PlanInput<'_>,
    survey: &Survey<'_>,
    (users, fates): (&dyn Deref<Target = Graph>, &[Fate]),
    draft: &mut Draft,
) {
    let replaced: HashSet<InstanceRef> = draft
        .steps
        .iter()
        .filter(|step| is_replaced(input, step))
        .map(|step| step.reference.clone())
        .collect();
    let mut retiring: Vec<(usize, &Declaration, &InstanceRecord)> = Vec::new();
    for (position, declaration) in input.config.instances.values().enumerate() {
        let Some(record) = survey.record(position).filter(|_| survey.is_selected(position)) else { continue };
        let due = record.previous.is_some() || record.retired.iter().any(|it| it.is_due(input.now));
        let due = due || ends_without_grace(record);
        if due || replaced.contains(&declaration.reference) {
            retiring.push((position, declaration, record));
        }
    }
    if retiring.is_empty() {
        return;
    }
    let retirement = Retirement { input, survey, users, fates };
    retiring.retain(|(_, declaration, record)| match retirement.kept_for(record) {
        None => true,
        Some(user) => {
            let reference = &declaration.reference;
            draft.warnings.push(format!(
                "the earlier {reference} stays: {user}, which is not touched by this plan, may still use it"
            ));
            false
        }
    });
    let all: HashSet<&str> = retiring.iter().map(|(_, it, _)| it.reference.as_str()).collect();
    // Deletions of producers wait for what used them: that includes what is retired.
    for step in draft.steps.iter_mut().filter(|step| step.action == Action::Delete) {
        if let Some(at) = survey.recorded(step.reference.as_str()) {
            step.after_retirement_of = retirement.retired_users(at, &all);
        }
    }
    let mut places = vec![0; survey.records.len()];
    for (place, at) in users.order().unwrap_or_default().into_iter().rev().enumerate() {
        places[at as usize] = place;
    }
    retiring.sort_by_key(|(_, _, record)| survey.recorded(record.reference.as_str()).map(|at| places[at]));
    for (position, declaration, record) in retiring {
        let step = retirement.step((position, declaration, record), &replaced, &all);
        draft.steps.push(step);
    }
}

/// Whether the step leaves an earlier generation behind, or an earlier binding that is not kept.
fn is_replaced(input: &PlanInput<'_>, step: &Step) -> bool {
    match step.action {
        Action::Replace => step.replacement != Some(Replacement::DeleteFirst),
        Action::Rotate => input.options.grace.is_zero(),
        _ => false,
    }
}

/// Whether a rotation was begun after which the binding before is not kept.
fn ends_without_grace(record: &InstanceRecord) -> bool {
    let rotation = record.binding.as_ref().and_then(|binding| binding.rotation.as_ref());
    rotation.is_some_and(|rotation| rotation.grace == 0)
}

struct Retirement<'r> {
    input: &'r PlanInput<'r>,
    survey: &'r Survey<'r>,
    /// Who used whom, as recorded.
    users: &'r Graph,
    fates: &'r [Fate],
}

impl Retirement<'_> {
    /// Somebody who uses the instance as it was, and whom this plan does not move away from it.
    fn kept_for(&self, record: &InstanceRecord) -> Option<&InstanceRef> {
        let at = self.survey.recorded(record.reference.as_str())?;
        let records = self.survey.records;
        let mut users = self.users.users(at as u32).iter().map(|user| *user as usize);
        let stays = |user: &usize| match self.survey.position(records[*user].reference.as_str()) {
            Some(position) => !self.survey.is_selected(position),
            None => !matches!(self.fates[*user], Fate::Deleted(_)),
        };
        users.find(stays).map(|user| &records[user].reference)
    }

    fn step(
        &self,
        (position, declaration, record): (usize, &Declaration, &InstanceRecord),
        replaced: &HashSet<InstanceRef>,
        all: &HashSet<&str>,
    ) -> Step {
        let instances = &self.input.config.instances;
        let mut after = vec![declaration.reference.clone()];
        let declared = self.input.config.graph.users(position as u32).iter();
        after.extend(declared.filter_map(|user| Some(instances.get_index(*user as usize)?.0.clone())));
        let at = self.survey.recorded(declaration.reference.as_str());
        let recorded = at.map(|at| self.users.users(at as u32)).unwrap_or_default();
        for user in recorded.iter().map(|user| &self.survey.records[*user as usize].reference) {
            if !after.contains(user) {
                after.push(user.clone());
            }
        }
        let since = String::new();
        let mut because: Vec<String> = record
            .earlier(&since)
            .iter()
            .filter(|earlier| earlier.is_due(self.input.now))
            .map(|earlier| match &earlier.what.binding_id {
                Some(binding) => format!("a newer binding has taken the place of {binding}"),
                None => format!("a newer one has taken the place of {}", earlier.what.instance_id),
            })
            .collect();
        if replaced.contains(&declaration.reference) {
            because.push(match self.input.options.rotate.contains(&declaration.reference) {
                true => "the new binding takes the place of the old one".to_owned(),
                false => format!("the new one takes the place of {}", record.instance_id),
            });
        } else if ends_without_grace(record) {
            because.push("the binding that was begun takes the place of the old one".to_owned());
        }
        Step {
            reference: declaration.reference.clone(),
            action: Action::Retire,
            replacement: None,
            target: removal::target(record),
            because,
            changes: Vec::new(),
            binding: BindingWanted::NotWanted,
            after,
            after_retirement_of: at.map(|at| self.retired_users(at, all)).unwrap_or_default(),
        }
    }

    /// Those who used it as it was and have something retired themselves: what used it last goes first.
    fn retired_users(&self, at: usize, all: &HashSet<&str>) -> Vec<InstanceRef> {
        let users = self.users.users(at as u32).iter();
        let users = users.map(|user| &self.survey.records[*user as usize].reference);
        users.filter(|user| all.contains(user.as_str())).cloned().collect()
    }
}
