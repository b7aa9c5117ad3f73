//! The anchor: what this machine last saw of each state, kept beside the key ring and away from the state itself, so
//! that an older state put in its place is noticed (S-37).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sutler_secrets::KeyId;

use super::failure::Failure;
use crate::private_file;
use crate::state::{Hash, Lineage, State, StateBackend};

const FORMAT: u64 = 1;

/// What was last seen of every state that is sealed with one key ring.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    seen: BTreeMap<String, Seen>,
}

/// What was last seen of one state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// Whose it is.
    pub(super) stack: String,
    /// Where it was.
    pub(super) location: String,
    /// Its serial.
    pub(super) serial: u64,
    /// Up to which entry of its journal.
    pub(super) sequence: u64,
    /// The hash of that entry.
    pub(super) head: Hash,
    /// How many records it had.
    pub(super) records: u64,
    /// The key that everything in it is known to be sealed with, since the keys were last exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<KeyId>,
    /// The places that it left: what is there now, without a tombstone, is a copy of then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u64,
    states: BTreeMap<String, Seen>,
}

/// Whether a state that is older than the one that was seen may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rollback {
    /// It may not.
    #[default]
    Refused,
    /// It may (`--accept-rollback`), and is the one to compare with from then on.
    Accepted,
}

impl Anchor {
    /// The anchor beside this key ring; nothing was seen when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub(super) fn beside(keys: &Path, rollback: Rollback) -> Result<Self, Failure> {
        let name = keys.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // One anchor for each ring: `anchor` beside `keys`, and `NAME.anchor` beside any other name.
        let name = if name == "keys" { "anchor".to_owned() } else { format!("{name}.anchor") };
        let path = keys.with_file_name(name);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, seen: BTreeMap::new() });
            }
            Err(error) => return Err(Failure::failed(format!("could not read {}: {error}", path.display()))),
            Ok(text) => text,
        };
        match serde_json::from_slice::<File>(&text) {
            Ok(File { format: FORMAT, states }) => Ok(Self { path, seen: states }),
            _ if rollback == Rollback::Accepted => Ok(Self { path, seen: BTreeMap::new() }),
            _ => Err(Failure::RolledBack(format!(
                "{} is not what Sutler wrote, so nobody can tell whether state is the newest; \
                 restore it, or add --accept-rollback if you know that state is",
                path.display()
            ))),
        }
    }

    /// What was last seen of a state.
    #[must_use]
    pub(super) fn of(&self, lineage: Lineage) -> Option<&Seen> {
        self.seen.get(&lineage.to_string())
    }

    /// Every other state that is sealed with the same ring and is not known to need this key alone.
    pub(super) fn others_without<'a>(
        &'a self,
        lineage: Lineage,
        key: KeyId,
    ) -> impl Iterator<Item = &'a Seen> + 'a {
        let own = lineage.to_string();
        self.seen
            .iter()
            .filter(move |(other, seen)| **other != own && seen.key != Some(key))
            .map(|(_, seen)| seen)
    }

    /// Refuses a state that is older than, or does not go on from, the one that was seen.
    ///
    /// # Errors
    /// [`Failure::RolledBack`] says what was seen and what is there now.
    pub(super) async fn check(&self, backend: &dyn StateBackend, state: &State) -> Result<(), Failure> {
        let location = backend.location();
        let Some(seen) = self.of(state.lineage) else {
            let lost = |seen: &&Seen| {
                seen.stack == state.stack.as_str() && seen.location == location && seen.records > 0
            };
            return match self.seen.values().find(lost) {
                Some(seen) => Err(rolled_back(&location, seen, "it is another one, or none at all, now")),
                None => Ok(()),
            };
        };
        if seen.left.contains(&location) {
            let now = format!("it went to {}: what is here is a copy from before", seen.location);
            return Err(rolled_back(&location, seen, &now));
        }
        if state.serial < seen.serial {
            return Err(rolled_back(&location, seen, &format!("it has serial {} now", state.serial)));
        }
        let Some(before) = seen.sequence.checked_sub(1) else { return Ok(()) };
        match backend.journal(before, 1).await?.first() {
            Some(entry) if entry.sequence == seen.sequence && entry.hash != seen.head => {
                Err(rolled_back(&location, seen, "it has another history now"))
            }
            _ => Ok(()),
        }
    }

    /// Remembers that a state has left a place for another one, durably.
    ///
    /// # Errors
    /// As [`remember`](Self::remember).
    pub(super) async fn follow(
        &mut self,
        (left, now): (&str, &dyn StateBackend),
        (stack, lineage): (&str, Lineage),
    ) -> Result<(), Failure> {
        self.remember(now, (stack, lineage), None).await?;
        let location = now.location();
        match self.seen.get_mut(&lineage.to_string()) {
            Some(seen) if seen.location == location && !seen.left.iter().any(|other| other == left) => {
                seen.left.push(left.to_owned());
                self.save()
            }
            _ => Ok(()),
        }
    }

    /// Remembers what a state is now, durably. What was seen of an older state at the same place is forgotten.
    ///
    /// # Errors
    /// When state cannot be read, or the file not be written.
    pub(super) async fn remember(
        &mut self,
        backend: &dyn StateBackend,
        (stack, lineage): (&str, Lineage),
        key: Option<KeyId>,
    ) -> Result<(), Failure> {
        let Some(newest) = backend.revisions().await?.pop() else { return Ok(()) };
        let key = key.or(self.of(lineage).and_then(|seen| seen.key));
        let location = backend.location();
        let mut left = self.of(lineage).map(|seen| seen.left.clone()).unwrap_or_default();
        left.retain(|other| *other != location);
        let seen = Seen {
            stack: stack.to_owned(),
            location: location.clone(),
            serial: newest.serial,
            sequence: newest.sequence,
            head: newest.head,
            records: newest.records,
            key,
            left,
        };
        let lineage = lineage.to_string();
        if self.seen.get(&lineage) == Some(&seen) {
            return Ok(());
        }
        self.seen.retain(|other, seen| *other == lineage || seen.stack != stack || seen.location != location);
        self.seen.insert(lineage, seen);
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let file = File { format: FORMAT, states: self.seen.clone() };
        let failed = |error: &dyn std::fmt::Display| {
            Failure::failed(format!("could not write {}: {error}", self.path.display()))
        };
        let mut text = serde_json::to_vec_pretty(&file).map_err(|error| failed(&error))?;
        text.push(b'\n');
        private_file::write(&self.path, &text).map_err(|error| failed(&error))
    }
}

fn rolled_back(location: &str, seen: &Seen, now: &str) -> Failure {
    Failure::RolledBack(format!(
        "{location} was rolled back: this machine saw serial {} of it, with {} instances, and {now}. \
         Nothing was written. Restore the newest state; or, if the older one is wanted, add --accept-rollback: \
         what was made since is then unknown to it",
        seen.serial, seen.records
    ))
}
