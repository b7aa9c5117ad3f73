//! What writes migrations anew: `rebase` puts a branch after what others added, `squash` makes a checkpoint.

use super::generate::failure;
use super::{Named, chain, chain_to_extend, folder};
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::migrations::{
    Chain, Declared, Entry, Folder, Literals, MigrationId, NewEntry, draft, rebased, squashed, target,
};
use crate::plan::Protection;
use crate::state::LedgerKind;

/// What became of a branch.
#[derive(Debug)]
pub struct Rebased {
    /// What each was called, and what it is called now.
    pub moved: Vec<(MigrationId, MigrationId)>,
}

/// Puts a migration, and whatever comes after it, after the end of the others. Its steps are made anew, from what they
/// change and what is declared there.
///
/// # Errors
/// When it was done here already, or it and another one change the same instance. Nothing was written.
pub async fn rebase(project: &Project, named: Named, id: &MigrationId) -> Result<Rebased, Failure> {
    let folder = folder(project, named.as_deref());
    let damaged = |damage| Failure::Migrations(vec![damage]);
    let writer = folder.writer().map_err(damaged)?;
    let mut chain = folder.read_listed().map_err(Failure::Migrations)?;
    let branch = branch(&folder, &chain, id)?;
    refuse_what_was_done(project, &branch).await?;
    let gone: Vec<MigrationId> = branch.iter().map(|entry| entry.id.clone()).collect();
    let rest = without(&chain, &gone, &folder)?;
    let brokers = project.connect_to(|_| true).await?;
    let catalogs = brokers.catalogs();
    let others = after(&rest, branch[0].parent.as_ref());
    let (mut before, mut parent) = end(&rest);
    let (mut number, mut new, mut moved) = (rest.next_number(), Vec::new(), Vec::new());
    for entry in &branch {
        let instances =
            rebased(&before, &others, entry).map_err(|conflict| Failure::failed(conflict.to_string()))?;
        let declarations = target(&project.config, (&instances, &entry.steps))?;
        let allowed = (Protection::Overridden, Literals::Allowed);
        let drafted = draft((&declarations, &catalogs), &before, allowed).map_err(failure)?;
        let new_id = MigrationId::numbered(number, entry.id.name())
            .map_err(|error| Failure::usage(error.to_string()))?;
        moved.push((entry.id.clone(), new_id.clone()));
        new.push(NewEntry {
            id: new_id.clone(),
            parent: parent.replace(new_id),
            steps: drafted.steps,
            stands_for: Vec::new(),
            instances: drafted.instances.clone(),
        });
        (before, number) = (drafted.instances, number + 1);
    }
    writer.add(&mut chain, (new, &gone)).await.map_err(damaged)?;
    Ok(Rebased { moved })
}

/// A migration and whatever comes after it, listed or not.
fn branch(folder: &Folder, chain: &Chain, id: &MigrationId) -> Result<Vec<Entry>, Failure> {
    let mut branch = match chain.get(id) {
        Some(entry) => vec![entry.clone()],
        None => vec![folder.read_unlisted(chain, id).map_err(|damage| Failure::Migrations(vec![damage]))?],
    };
    for entry in &chain.entries {
        if entry.parent.as_ref().is_some_and(|parent| branch.iter().any(|before| before.id == *parent)) {
            branch.push(entry.clone());
        }
    }
    match branch.iter().find(|entry| entry.is_checkpoint()) {
        Some(checkpoint) => Err(Failure::usage(format!(
            "{} is a checkpoint and stays where it is; rebase the other branch",
            checkpoint.id
        ))),
        None => Ok(branch),
    }
}

async fn refuse_what_was_done(project: &Project, branch: &[Entry]) -> Result<(), Failure> {
    let state = project.backend.load().await?;
    let is_known = |entry: &&Entry| {
        let mut ledger = state.ledger.iter().filter(|row| row.key.kind == LedgerKind::Migration);
        ledger.any(|row| row.key.id.as_str() == entry.id.as_str())
    };
    match branch.iter().find(is_known) {
        Some(done) => Err(Failure::usage(format!(
            "{} was begun, done or skipped here already and cannot change; rebase the other branch",
            done.id
        ))),
        None => Ok(()),
    }
}

/// The chain without these, which has to be in order then.
fn without(chain: &Chain, gone: &[MigrationId], folder: &Folder) -> Result<Chain, Failure> {
    let mut rest = chain.clone();
    for id in gone {
        rest.remove(id);
    }
    rest.linear(&folder.path).map_err(Failure::Migrations)
}

/// Everything that comes after a migration.
fn after<'c>(chain: &'c Chain, parent: Option<&MigrationId>) -> Vec<&'c Entry> {
    let from = parent.and_then(|parent| chain.entries.iter().position(|entry| entry.id == *parent));
    chain.entries[from.map_or(0, |at| at + 1)..].iter().collect()
}

fn end(
    chain: &Chain,
) -> (std::collections::BTreeMap<crate::name::InstanceRef, Declared>, Option<MigrationId>) {
    let head = chain.head();
    (head.map(|head| head.instances.clone()).unwrap_or_default(), head.map(|head| head.id.clone()))
}

/// A checkpoint.
#[derive(Debug)]
pub struct Squashed {
    /// What it is called.
    pub migration: MigrationId,
    /// So many instances.
    pub instances: usize,
    /// So many migrations.
    pub stands_for: usize,
}

/// Adds a checkpoint at the end: where nothing was done yet, it is done instead of everything before it.
///
/// # Errors
/// When there is nothing to stand for.
pub async fn squash(project: &Project, named: Named, name: Option<&str>) -> Result<Squashed, Failure> {
    let folder = folder(project, named.as_deref());
    let before = chain(&folder)?;
    if before.head().is_none_or(Entry::is_checkpoint) {
        return Err(Failure::usage(
            "there is nothing after the last checkpoint, so there is nothing to stand for",
        ));
    }
    let damaged = |damage| Failure::Migrations(vec![damage]);
    let writer = folder.writer().map_err(damaged)?;
    let mut chain = chain_to_extend(&folder, &writer)?;
    let id = MigrationId::numbered(chain.next_number(), name.unwrap_or("checkpoint"))
        .map_err(|error| Failure::usage(error.to_string()))?;
    let entry = squashed(&chain, &project.config, id.clone())?;
    let (instances, stands_for) = (entry.instances.len(), entry.stands_for.len());
    writer.add(&mut chain, (vec![entry], &[])).await.map_err(damaged)?;
    Ok(Squashed { migration: id, instances, stands_for })
}
