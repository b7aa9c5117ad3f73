//! `generate`, `migrate` and `migrations …`: what was declared is written down as migrations, and each is done once in every
//! environment.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::project::Project;
use crate::migrations::{Chain, Disagreement, Folder, Presence, Row, Writer, progress};
use crate::state::{Begin, Holder, LedgerEntry};

mod change;
mod generate;
mod look;
mod migrate;
mod one;
mod outcome;
mod skip;

pub use change::{Rebased, Squashed, rebase, squash};
pub use generate::{Generated, Generation, generate};
pub use look::{Looked, Place, lint, status, verify};
pub use migrate::{MigrateOptions, Migrated, Pending, prepare};
pub use outcome::{MigrationEvent, MigrationOutcome, Ran};
pub use skip::{Skipped, skip};

/// Where migrations are when nobody says otherwise: beside the configuration.
const FOLDER: &str = "migrations";

/// The folder that is named, or the usual one.
fn folder(project: &Project, named: Option<&Path>) -> Folder {
    match named {
        Some(path) => Folder { path: path.to_owned(), presence: Presence::Required },
        None => {
            let beside = project.config.source.path.parent().unwrap_or(Path::new("."));
            let beside = if beside.as_os_str().is_empty() { Path::new(".") } else { beside };
            Folder { path: beside.join(FOLDER), presence: Presence::Optional }
        }
    }
}

/// Every migration, one after the other.
fn chain(folder: &Folder) -> Result<Chain, Failure> {
    folder.read().and_then(|chain| chain.linear(&folder.path)).map_err(Failure::Migrations)
}

/// The same, for whoever is about to add one.
fn chain_to_extend(folder: &Folder, writer: &Writer<'_>) -> Result<Chain, Failure> {
    writer.read().and_then(|chain| chain.linear(&folder.path)).map_err(Failure::Migrations)
}

/// What the ledger says of the chain, when the two belong together.
fn rows<'c>(chain: &'c Chain, ledger: &'c [LedgerEntry]) -> Result<Vec<Row<'c>>, Failure> {
    let (rows, disagreements) = progress(chain, ledger);
    if disagreements.is_empty() {
        return Ok(rows);
    }
    let what = "the migrations and the ledger of this environment do not belong together";
    Err(Failure::Diverged { what: what.to_owned(), differences: told(&disagreements) })
}

fn told(disagreements: &[Disagreement]) -> Vec<String> {
    disagreements.iter().map(ToString::to_string).collect()
}

/// What is said before state is written.
fn begin(project: &Project, (purpose, patience): (&str, std::time::Duration)) -> Begin {
    Begin {
        keys: project.keys.clone(),
        holder: Holder::this_process(project.settings.user.clone(), purpose),
        lease: project.settings.lease,
        patience,
        notice: project.settings.notice.clone(),
    }
}

/// Who does this, for the ledger.
pub(super) fn actor(project: &Project) -> String {
    let Holder { who, host, .. } = Holder::this_process(project.settings.user.clone(), "");
    format!("{who}@{host}")
}

/// A folder that was named on the command line.
pub type Named = Option<PathBuf>;
