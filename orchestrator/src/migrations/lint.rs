//! What is dangerous in migrations: looked at before they run, by people and by pipelines.

use std::collections::BTreeSet;

use super::chain::{Chain, Entry};
use super::id::MigrationId;
use super::literal::secret_literals;
use super::step::StepAction;
use crate::name::InstanceRef;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// In which migration.
    pub migration: MigrationId,
    /// About which instance.
    pub reference: InstanceRef,
    /// Which kind, in one word that scripts may rely on: `destroy`, `forget`, `replace`, `unprotect`, `secret_literal`,
    /// `branches`.
    pub kind: &'static str,
    /// What it is.
    pub what: String,
}

/// Looks at every migration. Pure: asks no broker.
#[must_use]
pub fn lint(chain: &Chain) -> Vec<Danger> {
    let mut dangers = Vec::new();
    for entry in &chain.entries {
        steps(chain, entry, &mut dangers);
        branches(chain, entry, &mut dangers);
    }
    dangers
}

fn steps(chain: &Chain, entry: &Entry, dangers: &mut Vec<Danger>) {
    let before = chain.before(entry);
    for step in &entry.steps {
        let mut add = |kind, what: String| {
            let (migration, reference) = (entry.id.clone(), step.reference.clone());
            dangers.push(Danger { migration, reference, kind, what });
        };
        match step.action {
            StepAction::Delete => add("destroy", format!("deletes '{}' ({})", step.name, step.service)),
            StepAction::Replace => {
                let because = step.because.join("; ");
                add("replace", format!("another one takes the place of '{}': {because}", step.name));
            }
            StepAction::Forget => {
                add("forget", format!("forgets '{}' ({}), which stays", step.name, step.service))
            }
            _ => {}
        }
        let was_protected = before.get(step.old()).is_some_and(|was| was.protected);
        if was_protected && (step.action.takes_out() || !step.protected) {
            add("unprotect", "it was protected before".to_owned());
        }
        if !step.action.takes_out() {
            for pointer in secret_literals(&step.declared(), None) {
                add(
                    "secret_literal",
                    format!("the value of {pointer} looks like a secret that is written out"),
                );
            }
        }
    }
}

/// Branches that were brought together: what comes after the same migration and names the same instances.
fn branches(chain: &Chain, entry: &Entry, dangers: &mut Vec<Danger>) {
    let position = chain.entries.iter().position(|other| other.id == entry.id).unwrap_or_default();
    for twin in chain.entries[..position].iter().filter(|twin| twin.parent == entry.parent) {
        let theirs = touched(chain, twin);
        for reference in touched(chain, entry).intersection(&theirs) {
            let what = format!("{} and {} both change it; neither knows of the other", twin.id, entry.id);
            let (migration, reference) = (entry.id.clone(), (*reference).clone());
            dangers.push(Danger { migration, reference, kind: "branches", what });
        }
    }
}

/// What a migration and everything that comes after it name.
fn touched<'c>(chain: &'c Chain, entry: &'c Entry) -> BTreeSet<&'c InstanceRef> {
    let mut branch: Vec<&MigrationId> = vec![&entry.id];
    let mut found: BTreeSet<&InstanceRef> = entry.steps.iter().map(|step| &step.reference).collect();
    for later in &chain.entries {
        if later.parent.as_ref().is_some_and(|parent| branch.contains(&parent)) {
            branch.push(&later.id);
            found.extend(later.steps.iter().map(|step| &step.reference));
        }
    }
    found
}
