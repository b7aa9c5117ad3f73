//! Instances that were declared under another ref before: the plan is made as if their records had been renamed.

use std::{borrow::Cow, collections::HashMap};

use serde::{Deserialize, Serialize};

use super::{PlanInput, declared::Creation, input::Draft};
use crate::{
    config::{At, Finding},
    name::InstanceRef,
    state::record::InstanceRecord,
};

/// A record that gets another ref, before anything else is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// What it was called.
    pub from: InstanceRef,
    /// What it is called from now on.
    pub to: InstanceRef,
}

/// So many pairs are compared at most for renames that nobody declared.
const COMPARED: usize = 100_000;

/// What is to be renamed, as far as it is recorded under its old ref.
pub(super) fn moves(input: &PlanInput<'_>, draft: &mut Draft) -> Vec<Moved> {
    let declared = &input.config.moved;
    if declared.is_empty() {
        return Vec::new();
    }
    let records: HashMap<&InstanceRef, &InstanceRecord> =
        input.records.iter().map(|record| (&record.reference, record)).collect();
    let mut moves: Vec<Moved> = Vec::new();
    for (from, to) in declared {
        let Some(record) = records.get(from) else { continue };
        let at = || At::key(&["moved", from.as_str()]);
        let taken = moves.iter().any(|other| other.to == *to);
        if taken || records.contains_key(to) {
            let message = format!("'{from}' is said to have become '{to}', and both are in state");
            let help = format!("decide which one stays: `sutler state rm`, or take '{from}' out of moved");
            draft.findings.push(Finding::new(message).at(at()).help(help));
        } else if record.status.is_unresolved() || record.pending.is_some() {
            let message = format!("'{from}' has an unfinished change and cannot be renamed to '{to}' yet");
            let help = "run `sutler apply` with the ref it had first";
            draft.findings.push(Finding::new(message).at(at()).help(help));
        } else {
            moves.push(Moved { from: from.clone(), to: to.clone() });
        }
    }
    moves
}

/// The records as they are once everything has been renamed. What is sealed in them opens under the old refs alone.
pub(super) fn renamed<'r>(records: &'r [InstanceRecord], moves: &[Moved]) -> Cow<'r, [InstanceRecord]> {
    if moves.is_empty() {
        return Cow::Borrowed(records);
    }
    let names: HashMap<&InstanceRef, &InstanceRef> = moves.iter().map(|it| (&it.from, &it.to)).collect();
    let mut renamed = records.to_vec();
    for record in &mut renamed {
        let of = |record: &mut InstanceRecord| {
            for name in std::iter::once(&mut record.reference).chain(&mut record.needs) {
                if let Some(to) = names.get(name) {
                    *name = (*to).clone();
                }
            }
        };
        of(record);
        record.previous.as_deref_mut().map(of);
    }
    Cow::Owned(renamed)
}

/// New instances that look like one that is not declared any more: perhaps only the ref changed.
pub(super) fn offers(created: &[Creation<'_>], undeclared: &[&InstanceRecord], draft: &mut Draft) {
    if created.len().saturating_mul(undeclared.len()) > COMPARED {
        return;
    }
    for record in undeclared {
        let mut alike = created.iter().filter(|creation| (creation.is_like)(record));
        if let (Some(only), None) = (alike.next(), alike.next()) {
            draft.possible_moves.push(Moved { from: record.reference.clone(), to: only.reference.clone() });
        }
    }
    let mut seen: HashMap<InstanceRef, usize> = HashMap::new();
    for offer in &draft.possible_moves {
        *seen.entry(offer.to.clone()).or_default() += 1;
    }
    draft.possible_moves.retain(|offer| seen.get(&offer.to) == Some(&1));
    for Moved { from, to } in &draft.possible_moves {
        draft.warnings.push(format!(
            "{to} is like {from}, which is not declared any more: if only the ref changed, write `moved: {{ {from}: {to} }}`, \
             and nothing is made or deleted"
        ));
    }
}
