//! All migrations, each known to be what was written.

use std::collections::BTreeMap;
use std::path::Path;

use super::damage::Damage;
use super::id::MigrationId;
use super::snapshot::{Declared, Snapshot, after};
use super::step::{MigrationStep, StandsFor, Steps};
use super::sum::{self, Line};
use crate::name::InstanceRef;
use crate::state::Hash;

pub(super) const STEPS: &str = "steps.yaml";
pub(super) const SNAPSHOT: &str = "snapshot.json";

/// One migration.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which.
    pub id: MigrationId,
    /// The one that it comes after.
    pub parent: Option<MigrationId>,
    /// What it does.
    pub steps: Vec<MigrationStep>,
    /// What it stands for, when it is a checkpoint.
    pub stands_for: Vec<StandsFor>,
    /// What is declared after it.
    pub instances: BTreeMap<InstanceRef, Declared>,
    /// What it and all before it consist of.
    pub digest: Hash,
    /// Its line in `migrations.sum`.
    pub line: usize,
}

impl Entry {
    /// Whether it stands for everything before it.
    #[must_use]
    pub fn is_checkpoint(&self) -> bool {
        !self.stands_for.is_empty()
    }
}

/// Migrations in the order of `migrations.sum`: each after the one that it comes after.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    /// The migrations.
    pub entries: Vec<Entry>,
    pub(super) lines: Vec<Line>,
}

impl Chain {
    /// The last one.
    #[must_use]
    pub fn head(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// The one with this id.
    #[must_use]
    pub fn get(&self, id: &MigrationId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == *id)
    }

    /// What is declared before a migration; nothing before the first.
    #[must_use]
    pub fn before(&self, entry: &Entry) -> BTreeMap<InstanceRef, Declared> {
        entry
            .parent
            .as_ref()
            .and_then(|parent| self.get(parent))
            .map(|parent| parent.instances.clone())
            .unwrap_or_default()
    }

    /// Two that come after the same one, if there are any: two branches that were brought together.
    #[must_use]
    pub fn fork(&self) -> Option<(&Entry, &Entry)> {
        self.entries.iter().enumerate().find_map(|(at, entry)| {
            let twin = self.entries[..at].iter().find(|twin| twin.parent == entry.parent)?;
            Some((twin, entry))
        })
    }

    /// Itself, if each migration comes after the one before it.
    ///
    /// # Errors
    /// Names the two that come after the same one, and their lines.
    pub fn linear(self, folder: &Path) -> Result<Self, Vec<Damage>> {
        let Some((one, other)) = self.fork() else { return Ok(self) };
        let after = one.parent.as_ref().map_or("nothing", MigrationId::as_str);
        let what = format!("{} (line {}) and {} both come after {after}", one.id, one.line, other.id);
        let next = format!("put one after the other: sutler migrations rebase {}", other.id);
        Err(vec![Damage::at((&folder.join(sum::NAME), other.line), what, next)])
    }

    /// The number of the next migration.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        self.entries.iter().map(|entry| entry.id.number()).max().unwrap_or_default() + 1
    }

    /// A migration that is not listed, made of its files.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn unlisted(
        &self,
        id: &MigrationId,
        (steps, snapshot): (&[u8], &[u8]),
    ) -> Result<Entry, String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "it is no text".to_owned());
        let written = Steps::read(&text(steps)?).map_err(|(_, what)| what)?;
        let after_it = Snapshot::read(&text(snapshot)?).map_err(|(_, what)| what)?;
        let before = match &written.parent {
            None => None,
            Some(parent) => match self.get(parent) {
                Some(parent) => Some((&parent.id, parent.digest)),
                None => return Err(format!("it comes after {parent}, which is not listed")),
            },
        };
        let digest = Line::new((id, before), (steps, snapshot)).chain;
        let entry = Entry {
            id: id.clone(),
            parent: written.parent.clone(),
            steps: written.steps,
            stands_for: written.stands_for,
            instances: after_it.instances,
            digest,
            line: 0,
        };
        let leads = after(&self.before(&entry), &entry.steps) == entry.instances;
        if leads && written.migration == *id && after_it.migration == *id {
            Ok(entry)
        } else {
            Err("its steps do not lead from the snapshot before to its own".to_owned())
        }
    }

    /// Adds a migration at the end; its files.
    pub(super) fn push(&mut self, entry: NewEntry) -> (MigrationId, [(&'static str, String); 2]) {
        let NewEntry { id, steps, stands_for, instances, parent } = entry;
        let mut written = Steps::new(id.clone(), parent.clone(), steps.clone());
        written.stands_for.clone_from(&stands_for);
        let files =
            [(STEPS, written.written()), (SNAPSHOT, Snapshot::new(id.clone(), instances.clone()).written())];
        let before = parent.as_ref().and_then(|parent| Some((parent, self.get(parent)?.digest)));
        let line = Line::new((&id, before), (files[0].1.as_bytes(), files[1].1.as_bytes()));
        let (digest, at) = (line.chain, self.lines.len() + 2);
        self.lines.push(line);
        self.entries.push(Entry { id: id.clone(), parent, steps, stands_for, instances, digest, line: at });
        (id, files)
    }

    /// Takes a migration out, as if it had never been listed. Only one that nothing comes after may be.
    pub fn remove(&mut self, id: &MigrationId) {
        self.entries.retain(|entry| entry.id != *id);
        self.lines.retain(|line| line.id != *id);
    }
}

/// A migration to be added.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// What it is called.
    pub id: MigrationId,
    /// The one that it comes after.
    pub parent: Option<MigrationId>,
    /// What it does.
    pub steps: Vec<MigrationStep>,
    /// What it stands for, when it is a checkpoint.
    pub stands_for: Vec<StandsFor>,
    /// What is declared after it.
    pub instances: BTreeMap<InstanceRef, Declared>,
}
