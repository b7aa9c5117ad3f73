//! `status`: what state knows, without asking anyone.

use super::failure::Failure;
use super::project::Project;
use crate::state::LockInfo;
use crate::state::record::InstanceRecord;

/// What state knows.
#[derive(Debug)]
pub struct Status {
    /// Which state.
    pub location: String,
    /// How many commits it has seen.
    pub serial: u64,
    /// Who is changing it now.
    pub lock: Option<LockInfo>,
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
    Ok(Status { location: project.backend.location(), serial: state.serial, lock, records, missing })
}
