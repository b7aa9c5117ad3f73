//! `history`: what happened to one instance, also to one that is gone.

use super::failure::Failure;
use super::project::Project;
use crate::name::InstanceRef;
use crate::nearest::nearest;
use crate::state::{Entry, Seen};

/// So many entries are read at once.
const PAGE: usize = 500;

/// What happened to an instance.
#[derive(Debug)]
pub struct History {
    /// Which.
    pub reference: InstanceRef,
    /// Where it stands, and since when (RFC 3339); nothing when it is gone.
    pub since: Option<(String, String)>,
    /// The serial of the state that this is about.
    pub serial: u64,
    /// Every change up to then, oldest first.
    pub entries: Vec<Entry>,
}

/// Reads the history of an instance. Needs no key: secrets are told by their digests.
///
/// # Errors
/// When state cannot be read, or never knew such an instance.
pub async fn history(project: &Project, name: &str) -> Result<History, Failure> {
    let state = project.backend.load().await?;
    project.refuse_rollback(&state).await?;
    let reference = InstanceRef::new(name).map_err(|error| Failure::usage(error.to_string()))?;
    let (mut entries, mut after) = (Vec::new(), 0);
    loop {
        let page = project.backend.history(&reference, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        // what is committed while we read belongs to the next answer
        entries.extend(page.into_iter().filter(|entry| entry.serial <= state.serial));
    }
    if entries.is_empty() {
        let known = state.records.iter().map(|record| record.reference.as_str());
        let hint = nearest(name, known).map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
        return Err(Failure::usage(format!(
            "state never knew an instance '{name}'{hint}; `sutler status` lists them"
        )));
    }
    Ok(History { since: since(&entries), serial: state.serial, reference, entries })
}

/// Where an instance stands after these changes, and since when; nothing when the last one removed it.
fn since(entries: &[Entry]) -> Option<(String, String)> {
    entries.last().filter(|last| last.record.is_some())?;
    entries.iter().rev().find_map(|entry| {
        let status = entry.transitions.iter().find(|transition| transition.field == "status")?;
        match status.to.as_ref()? {
            Seen::Value(value) => Some((value.as_str()?.to_owned(), entry.at.clone())),
            _ => None,
        }
    })
}
