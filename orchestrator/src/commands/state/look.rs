//! What reads: `show`, `revisions`, `verify`, `export`. Takes no lock, opens nothing sealed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::find;
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::state::{Entry, Extent, Revision, Seen, fields};

/// One record, field by field.
#[derive(Debug)]
pub struct Shown {
    /// Its handle.
    pub reference: String,
    /// The serial of the state that this is about.
    pub serial: u64,
    /// Its fields; of secrets, keyed digests.
    pub fields: BTreeMap<String, Seen>,
    /// Its last changes, oldest first.
    pub recent: Vec<Entry>,
}

/// So many changes are shown.
const RECENT: usize = 10;

/// One record.
///
/// # Errors
/// When state cannot be read, or has no such record.
pub async fn show(project: &Project, reference: &str) -> Result<Shown, Failure> {
    let state = project.backend.load().await?;
    let record = find(&state.records, reference)?;
    let mut history = project.backend.history(&record.reference, 0, usize::MAX).await?;
    // what was committed after the record was read belongs to the next answer
    history.retain(|entry| entry.serial <= state.serial);
    let recent = history[history.len().saturating_sub(RECENT)..].to_vec();
    Ok(Shown { reference: reference.to_owned(), serial: state.serial, fields: fields(record), recent })
}

/// The revisions of a state.
#[derive(Debug)]
pub struct Revisions {
    /// Which state.
    pub location: String,
    /// Its serial now.
    pub serial: u64,
    /// Oldest first; the last one is the current one.
    pub revisions: Vec<Revision>,
}

/// The revisions there are.
///
/// # Errors
/// When state cannot be read.
pub async fn revisions(project: &Project) -> Result<Revisions, Failure> {
    let serial = project.backend.load().await?.serial;
    let revisions = project.backend.revisions().await?;
    Ok(Revisions { location: project.backend.location(), serial, revisions })
}

/// What was found sound.
#[derive(Debug)]
pub struct Verified {
    /// Which state.
    pub location: String,
    /// Its serial.
    pub serial: u64,
    /// How many records.
    pub records: usize,
    /// How many revisions.
    pub revisions: usize,
    /// The revision that the check began at; none when the whole journal was read.
    pub since: Option<u64>,
}

/// Checks state: everything, or what came since the last revision.
///
/// # Errors
/// When anything is not as it was written.
pub async fn verify(project: &Project, extent: Extent) -> Result<Verified, Failure> {
    project.backend.verify(extent).await?;
    let state = project.backend.load().await?;
    let revisions = project.backend.revisions().await?;
    let last = revisions.last().map(|revision| revision.serial);
    Ok(Verified {
        location: project.backend.location(),
        serial: state.serial,
        records: state.records.len(),
        revisions: revisions.len(),
        since: last.filter(|_| extent == Extent::SinceRevision),
    })
}

/// Everything recorded, now or at a revision, as data: sealed leaves stay sealed.
///
/// # Errors
/// When state cannot be read, or there is no such revision.
pub async fn export(project: &Project, revision: Option<u64>) -> Result<Value, Failure> {
    let state = project.backend.load().await?;
    let (serial, mut records, ledger) = match revision {
        None => (state.serial, state.records, state.ledger),
        Some(serial) => {
            let snapshot = snapshot(project, serial).await?;
            (serial, snapshot.records, snapshot.ledger)
        }
    };
    records.sort_by(|one, other| one.reference.cmp(&other.reference));
    let lineage = state.canary.is_some().then(|| state.lineage.to_string());
    Ok(
        json!({ "stack": state.stack, "lineage": lineage, "serial": serial, "records": records, "ledger": ledger }),
    )
}

/// A revision, or which ones there are.
pub(super) async fn snapshot(project: &Project, serial: u64) -> Result<crate::state::Snapshot, Failure> {
    if let Some(snapshot) = project.backend.revision(serial).await? {
        return Ok(snapshot);
    }
    let known: Vec<String> =
        project.backend.revisions().await?.iter().map(|revision| revision.serial.to_string()).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Err(Failure::usage(format!(
        "{} has no revision {serial}; there is: {known}. See `sutler state revisions`",
        project.backend.location()
    )))
}
