//! Reading a chain: each line, each file, and whether one leads to the next.

use std::collections::BTreeSet;
use std::path::Path;

use super::chain::{Chain, Entry, SNAPSHOT, STEPS};
use super::damage::Damage;
use super::id::MigrationId;
use super::snapshot::{Snapshot, after};
use super::step::Steps;
use super::sum::{self, Line};
use crate::state::Hash;

/// The files of a migration as they are.
pub(super) struct Files {
    pub(super) steps: Option<Vec<u8>>,
    pub(super) snapshot: Option<Vec<u8>>,
}

/// Reads everything that the sum file lists.
///
/// # Errors
/// Everything that is not what was written.
pub(super) fn read(
    folder: &Path,
    text: &str,
    mut files: impl FnMut(&MigrationId) -> Result<Files, Damage>,
) -> Result<Chain, Vec<Damage>> {
    let path = folder.join(sum::NAME);
    let mut reading = Reading { folder, path: &path, chain: Chain::default(), damages: Vec::new() };
    for (number, line) in sum::read(&path, text)? {
        match files(&line.id) {
            Ok(files) => reading.take(number, line, &files),
            Err(damage) => reading.damages.push(damage),
        }
    }
    if reading.damages.is_empty() { Ok(reading.chain) } else { Err(reading.damages) }
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
