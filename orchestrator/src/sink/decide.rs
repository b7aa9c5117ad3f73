//! What a write changes in a file: a function of what stands there and what is wanted.

use std::collections::{BTreeMap, HashMap};

use super::scribe::{Scribe, Standing, Verdict, Written};
use super::{Edits, SinkError};
use crate::config;
use crate::name::VariableName;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The variables in our part of it.
    pub(super) ours: BTreeMap<VariableName, Standing>,
    /// The lines at which others set a variable.
    pub(super) foreign: HashMap<VariableName, usize>,
    /// Whether our part has to be written anew as a whole: an older version wrote it, or the form is another one now.
    pub(super) outdated: bool,
}

/// What happens to a variable that is in our part, or will be.
#[derive(Debug)]
pub(super) enum Change {
    /// It stands there so.
    Put(Written),
    /// It goes.
    Remove,
}

/// What happens to each variable that does not stay as it is.
pub(super) type Changes = BTreeMap<VariableName, Change>;

/// Decides what changes. Of several edits that name one variable, the last counts.
///
/// # Errors
/// When a variable is dangerous to set, or somebody else set it or changed it.
pub(super) fn changes(scribe: &Scribe, found: &Found, edits: &[Edits]) -> Result<Changes, SinkError> {
    let mut changes = Changes::new();
    for (variable, value) in edits.iter().flat_map(Edits::in_order) {
        let change = match value {
            Some(value) => put(scribe, found, (variable, value.expose()))?,
            None => match found.ours.get(variable) {
                Some(standing) if scribe.judge((variable, standing), None)? != Verdict::Edited => {
                    Some(Change::Remove)
                }
                _ => None,
            },
        };
        match change {
            Some(change) => drop(changes.insert(variable.clone(), change)),
            None => drop(changes.remove(variable)),
        }
    }
    if found.outdated && edits.iter().any(|edits| !edits.is_empty()) {
        for (variable, standing) in &found.ours {
            if !changes.contains_key(variable)
                && let Some(written) = scribe.renew(variable, standing)?
            {
                changes.insert(variable.clone(), Change::Put(written));
            }
        }
    }
    Ok(changes)
}

fn put(
    scribe: &Scribe,
    found: &Found,
    (variable, value): (&VariableName, &str),
) -> Result<Option<Change>, SinkError> {
    refuse(scribe, found, variable)?;
    let verdict = found.ours.get(variable).map(|standing| scribe.judge((variable, standing), Some(value)));
    match verdict.transpose()? {
        Some(Verdict::Same) => Ok(None),
        _ => Ok(Some(Change::Put(scribe.write(variable, value)?))),
    }
}

/// Whether a variable cannot be written: it is dangerous to set, or somebody else's.
///
/// # Errors
/// Why.
pub(super) fn refuse(scribe: &Scribe, found: &Found, variable: &VariableName) -> Result<(), SinkError> {
    if config::is_hostile(variable.as_str()) {
        let (sink, variable) = (scribe.sink().to_owned(), variable.to_string());
        return Err(SinkError::Hostile { sink, variable });
    }
    let (path, name) = (scribe.path().clone(), variable.to_string());
    if let Some(line) = found.foreign.get(variable) {
        return Err(SinkError::Conflict { path, line: *line, variable: name });
    }
    match found.ours.get(variable) {
        Some(standing) if scribe.judge((variable, standing), None)? == Verdict::Edited => {
            Err(SinkError::Edited { path, line: standing.line, variable: name })
        }
        _ => Ok(()),
    }
}
