//! What only looks: `migrations status`, `lint` and `verify`.

use super::{Named, chain, folder, told};
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::exit::Exit;
use crate::migrations::{Danger, MigrationId, Progress, progress};
use crate::state::{LedgerEntry, LedgerKind};

/// A migration in an environment.
#[derive(Debug)]
pub struct Place {
    /// Which.
    pub migration: MigrationId,
    /// How far it is.
    pub progress: Progress,
    /// How many steps it has.
    pub steps: usize,
    /// Its entry in the ledger.
    pub recorded: Option<LedgerEntry>,
}

/// What there is.
#[derive(Debug)]
pub struct Looked {
    /// The migrations, in order.
    pub migrations: Vec<Place>,
    /// Migrations that the ledger knows and the folder does not list.
    pub unknown: Vec<LedgerEntry>,
    /// Why folder and ledger do not belong together.
    pub disagreements: Vec<String>,
}

impl Looked {
    /// 8 when the two do not belong together, 3 when something is to be done.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if !self.disagreements.is_empty() {
            Exit::Stale
        } else if self.migrations.iter().any(|place| place.progress.is_open()) {
            Exit::Pending
        } else {
            Exit::Done
        }
    }
}

/// Compares the folder with the ledger. Takes no lock, asks no broker.
///
/// # Errors
/// When the migrations or state cannot be used.
pub async fn status(project: &Project, named: Named) -> Result<Looked, Failure> {
    let chain = chain(&folder(project, named.as_deref()))?;
    let (state, _) = project.read().await?;
    let (rows, disagreements) = progress(&chain, &state.ledger);
    let place = |row: &crate::migrations::Row<'_>| Place {
        migration: row.entry.id.clone(),
        progress: row.progress,
        steps: row.entry.steps.len(),
        recorded: row.recorded.cloned(),
    };
    let is_listed = |entry: &LedgerEntry| {
        let id = entry.key.id.as_str();
        let mut known = chain.entries.iter();
        known.any(|listed| {
            listed.id.as_str() == id
                || listed.stands_for.iter().any(|covered| covered.migration.as_str() == id)
        })
    };
    let recorded = state.ledger.iter().filter(|entry| entry.key.kind == LedgerKind::Migration);
    let unknown = recorded.filter(|entry| !is_listed(entry)).cloned().collect();
    Ok(Looked { migrations: rows.iter().map(place).collect(), unknown, disagreements: told(&disagreements) })
}

/// What is dangerous in these migrations; in all of them when none is named. Branches that were brought together and are
/// not in order yet are looked at too.
///
/// # Errors
/// When the migrations cannot be used, or one that is named is not there.
pub fn lint(project: &Project, named: Named, only: &[MigrationId]) -> Result<Vec<Danger>, Failure> {
    let chain = folder(project, named.as_deref()).read().map_err(Failure::Migrations)?;
    if let Some(missing) = only.iter().find(|id| chain.get(id).is_none()) {
        return Err(Failure::usage(format!(
            "there is no migration {missing}; sutler migrations status lists them"
        )));
    }
    let mut dangers = crate::migrations::lint(&chain);
    dangers.retain(|danger| only.is_empty() || only.contains(&danger.migration));
    Ok(dangers)
}

/// Checks every file against `migrations.sum`, and that against the ledger: how many migrations there are. Offline, only
/// the files.
///
/// # Errors
/// Everything that is not as it was written.
pub async fn verify(
    project: &Project,
    named: Named,
    extent: crate::commands::Extent,
) -> Result<usize, Failure> {
    let chain = chain(&folder(project, named.as_deref()))?;
    if extent == crate::commands::Extent::Live {
        let state = project.backend.load().await?;
        super::rows(&chain, &state.ledger)?;
    }
    Ok(chain.entries.len())
}
