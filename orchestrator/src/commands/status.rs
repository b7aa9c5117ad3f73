//! `status`: what state knows, without asking anyone.

use super::failure::Failure;
use super::project::Project;
use crate::state::record::InstanceRecord;
use crate::state::{LockInfo, Move, Standing, open_to_move};

/// What state knows.
#[derive(Debug)]
pub struct Status {
    /// Which state.
    pub location: String,
    /// How many commits it has seen.
    pub serial: u64,
    /// Who is changing it now.
    pub lock: Option<LockInfo>,
    /// The move to another place that was begun and is not flipped: nobody may change state.
    pub moving: Option<Move>,
    /// The records, as declared first, then what is no longer declared.
    pub records: Vec<(InstanceRecord, Declared)>,
    /// Declared, and not in state.
    pub missing: Vec<String>,
}

/// Whether a record is still declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// It is.
    Yes,
    /// It is not: `apply --prune` would delete it.
    No,
}

/// Reads state.
///
/// # Errors
/// When state cannot be read.
pub async fn status(project: &Project) -> Result<Status, Failure> {
    let state = project.backend.load().await?;
    let lock = project.backend.lock_holder().await?;
    let moving = moving(project).await?;
    let declared = &project.config.instances;
    let position = |record: &InstanceRecord| declared.get_index_of(&record.reference).unwrap_or(usize::MAX);
    let mut records: Vec<_> = state
        .records
        .into_iter()
        .map(|record| {
            let is = if declared.contains_key(&record.reference) { Declared::Yes } else { Declared::No };
            (record, is)
        })
        .collect();
    records
        .sort_by(|(a, _), (b, _)| position(a).cmp(&position(b)).then_with(|| a.reference.cmp(&b.reference)));
    let missing = declared
        .keys()
        .filter(|reference| !records.iter().any(|(record, _)| &record.reference == *reference));
    let missing = missing.map(ToString::to_string).collect();
    let location = project.backend.location();
    Ok(Status { location, serial: state.serial, lock, moving, records, missing })
}

async fn moving(project: &Project) -> Result<Option<Move>, Failure> {
    let Some(place) = open_to_move(&project.config.state, &project.config.stack) else { return Ok(None) };
    match place.standing().await? {
        Standing::Leaving(of) => Ok(Some(of)),
        _ => Ok(None),
    }
}
