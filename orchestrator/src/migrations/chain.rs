//! All migrations, each known to be what was written.

use std::collections::{BTreeMap, BTreeSet};
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

/// The files of a migration as they are.
pub(super) struct Files {
    pub(super) steps: Option<Vec<u8>>,
    pub(super) snapshot: Option<Vec<u8>>,
}

impl Chain {
    /// Reads everything that the sum file lists.
    ///
    /// # Errors
    /// Everything that is not what was written.
    pub(super) fn read(
        folder: &Path,
        text: &str,
        mut files: impl FnMut(&MigrationId) -> Result<Files, Damage>,
    ) -> Result<Self, Vec<Damage>> {
        let path = folder.join(sum::NAME);
        let mut reading = Reading { folder, path: &path, chain: Self::default(), damages: Vec::new() };
        for (number, line) in sum::read(&path, text)? {
            match files(&line.id) {
                Ok(files) => reading.take(number, line, &files),
                Err(damage) => reading.damages.push(damage),
            }
        }
        if reading.damages.is_empty() { Ok(reading.chain) } else { Err(reading.damages) }
    }

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

struct Reading<'r> {
    folder: &'r Path,
    path: &'r Path,
    chain: Chain,
    damages: Vec<Damage>,
}

const FROM_VERSION_CONTROL: &str = "restore it from version control";

impl Reading<'_> {
    fn take(&mut self, number: usize, line: Line, files: &Files) {
        let before = self.damages.len();
        self.check_line(number, &line);
        let steps = self.steps(&line, files);
        let snapshot = self.snapshot(&line, files);
        let (Some(steps), Some(snapshot), true) = (steps, snapshot, self.damages.len() == before) else {
            // whatever comes after it is not judged by what is missing
            return;
        };
        let entry = Entry {
            id: line.id.clone(),
            parent: line.parent.clone(),
            steps: steps.steps,
            stands_for: steps.stands_for,
            instances: snapshot.instances,
            digest: line.chain,
            line: number,
        };
        self.check_content(&entry);
        self.chain.entries.push(entry);
        self.chain.lines.push(line);
    }

    /// Its name is its own, and it hangs on one that stands before it.
    fn check_line(&mut self, number: usize, line: &Line) {
        let at = (self.path, number);
        if self.chain.get(&line.id).is_some() {
            self.damages.push(Damage::at(at, format!("{} is listed twice", line.id), FROM_VERSION_CONTROL));
        }
        // what an earlier line lacks is told there
        if !self.damages.is_empty() {
            return;
        }
        let parent = match &line.parent {
            None => None,
            Some(parent) => match self.chain.get(parent) {
                Some(parent) if parent.id.number() < line.id.number() => Some(parent.digest),
                Some(parent) => {
                    let what = format!("{} comes after {}, which has no lower number", line.id, parent.id);
                    return self.damages.push(Damage::at(at, what, FROM_VERSION_CONTROL));
                }
                // a checkpoint may be the first that is left
                None if self.chain.entries.is_empty() => return,
                None => {
                    let what = format!("{} comes after {parent}, which is not listed before it", line.id);
                    return self.damages.push(Damage::at(at, what, FROM_VERSION_CONTROL));
                }
            },
        };
        if !line.hangs_on(parent) {
            let what = format!(
                "{} is not chained to what stands before it: a line was edited, or is missing",
                line.id
            );
            self.damages.push(Damage::at(at, what, FROM_VERSION_CONTROL));
        }
    }

    fn file(
        &mut self,
        (line, name): (&Line, &str),
        (bytes, digest): (Option<&Vec<u8>>, Hash),
    ) -> Option<String> {
        let path = self.folder.join(line.id.as_str()).join(name);
        let Some(bytes) = bytes else {
            let what = "it is listed in migrations.sum and is not there";
            self.damages.push(Damage::of(&path, what, FROM_VERSION_CONTROL));
            return None;
        };
        let text = String::from_utf8(bytes.clone()).ok();
        if Hash::of(&[bytes]) != digest || text.is_none() {
            let what = "it was edited after it was generated";
            let next = "restore it from version control; to change what it does, generate another one";
            self.damages.push(Damage::of(&path, what, next));
            return None;
        }
        text
    }

    fn steps(&mut self, line: &Line, files: &Files) -> Option<Steps> {
        let text = self.file((line, STEPS), (files.steps.as_ref(), line.steps))?;
        match Steps::read(&text) {
            Ok(steps) if steps.migration == line.id && steps.parent == line.parent => Some(steps),
            Ok(_) => self.unreadable((line, STEPS), (None, "it belongs to another migration".to_owned())),
            Err(why) => self.unreadable((line, STEPS), why),
        }
    }

    fn snapshot(&mut self, line: &Line, files: &Files) -> Option<Snapshot> {
        let text = self.file((line, SNAPSHOT), (files.snapshot.as_ref(), line.snapshot))?;
        match Snapshot::read(&text) {
            Ok(snapshot) if snapshot.migration == line.id => Some(snapshot),
            Ok(_) => self.unreadable((line, SNAPSHOT), (None, "it belongs to another migration".to_owned())),
            Err(why) => self.unreadable((line, SNAPSHOT), why),
        }
    }

    fn unreadable<T>(
        &mut self,
        (line, name): (&Line, &str),
        (number, what): (Option<usize>, String),
    ) -> Option<T> {
        let path = self.folder.join(line.id.as_str()).join(name);
        self.damages.push(Damage { line: number, ..Damage::of(&path, what, FROM_VERSION_CONTROL) });
        None
    }

    /// Its steps lead from the snapshot before to its own, and name nothing twice.
    fn check_content(&mut self, entry: &Entry) {
        let mut seen = BTreeSet::new();
        let twice = entry.steps.iter().find(|step| !seen.insert(&step.reference));
        let known = entry.parent.as_ref().is_none_or(|parent| self.chain.get(parent).is_some());
        let leads = !known || after(&self.chain.before(entry), &entry.steps) == entry.instances;
        if twice.is_some() || !leads {
            let path = self.folder.join(entry.id.as_str());
            let what = "its steps do not lead from the snapshot before to its own";
            self.damages.push(Damage::of(&path, what, FROM_VERSION_CONTROL));
        }
        if !known && !entry.is_checkpoint() {
            let parent = entry.parent.as_ref().map_or("", MigrationId::as_str);
            let what =
                format!("{} comes after {parent}, which is not listed, and is no checkpoint", entry.id);
            self.damages.push(Damage::at((self.path, entry.line), what, FROM_VERSION_CONTROL));
        }
    }
}
