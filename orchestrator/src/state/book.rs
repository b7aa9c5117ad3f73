//! A state held in memory as a whole: what a backend works on that has no tables of its own.

use std::collections::{BTreeMap, HashMap};

use sutler_secrets::Sealed;

use super::FORMAT;
use super::backend::{Lineage, Seed, State};
use super::journal::{Entry, Fold, Stamp, Tip, Trail, of_record, origin};
use super::ledger::{self, Rows};
use super::prepare::{Before, Prepared, Written};
use super::revision::{self, Snapshot};
use crate::name::{RecordKey, StackName};

/// Records, and where the journal ends.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pub(super) stack: StackName,
    pub(super) lineage: Lineage,
    pub(super) canary: Sealed,
    pub(super) tip: Tip,
    records: BTreeMap<RecordKey, Written>,
    trails: HashMap<RecordKey, Trail>,
}

/// The record of a ref is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) RecordKey);

impl Book {
    /// With nothing in it.
    pub(super) fn new(stack: StackName, seed: &Seed) -> Self {
        let (lineage, canary) = (seed.lineage, seed.canary.clone());
        let tip = Tip::start(origin(FORMAT, &stack, lineage, &canary.to_text()));
        Self { stack, lineage, canary, tip, records: BTreeMap::new(), trails: HashMap::new() }
    }

    /// As a revision left it.
    pub(super) fn restore(
        &mut self,
        snapshot: &Snapshot,
        chunks: &[String],
        trails: HashMap<RecordKey, Trail>,
    ) {
        let keys = ledger::keys(&snapshot.records, &snapshot.ledger);
        let stored = chunks.iter().flat_map(|chunk| chunk.lines()).zip(keys);
        self.records = stored
            .map(|(body, key)| {
                let hash = of_record(key.as_str(), body);
                (key, Written { body: body.to_owned(), hash })
            })
            .collect();
        self.tip = snapshot.revision.tip();
        self.trails = trails;
    }

    /// Applies the changes of one commit and returns its journal entries, each with the record it wrote. An empty
    /// commit changes nothing.
    pub(super) fn commit(&mut self, stamp: &Stamp, changes: &[Prepared]) -> Vec<(Entry, Option<String>)> {
        let serial = self.tip.serial + u64::from(!changes.is_empty());
        let mut entries = Vec::with_capacity(changes.len());
        for change in changes {
            let record = self.records.get(&change.reference).cloned();
            let trail = self.trails.get(&change.reference).copied().unwrap_or_default();
            let before = Before::stored(record, trail);
            let entry = self.tip.advance(serial, stamp, change.place(&before));
            let body = change.record.as_ref().map(|written| written.body.clone());
            self.settle(&entry, change.record.clone());
            entries.push((entry, body));
        }
        entries
    }

    /// Repeats a change that somebody else made. Whether it is the one that follows, and led where it says.
    pub(super) fn replay(&mut self, entry: &Entry, body: Option<&str>) -> bool {
        let written = body
            .map(|body| Written { body: body.to_owned(), hash: of_record(entry.reference.as_str(), body) });
        let new = written.as_ref().map(|written| written.hash);
        let old = self.records.get(&entry.reference).map(|written| written.hash);
        let fold = new.into_iter().fold(old.into_iter().fold(self.tip.fold, Fold::minus), Fold::plus);
        let follows = self.tip.follow(entry) && new == entry.record && fold == self.tip.fold;
        self.settle(entry, written);
        follows
    }

    fn settle(&mut self, entry: &Entry, record: Option<Written>) {
        self.trails.insert(entry.reference.clone(), Trail::told_by(entry));
        match record {
            Some(written) => self.records.insert(entry.reference.clone(), written),
            None => self.records.remove(&entry.reference),
        };
    }

    /// Everything, as readers get it.
    pub(super) fn state(&self) -> Result<State, Unreadable> {
        let mut rows = Rows::default();
        for (key, written) in &self.records {
            if !rows.take(key, &written.body) {
                return Err(Unreadable(key.clone()));
            }
        }
        let (serial, canary) = (self.tip.serial, Some(self.canary.clone()));
        Ok(State { lineage: self.lineage, serial, canary, ..State::empty(self.stack.clone()) }.with(rows))
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// What the records add up to, counted again.
    pub(super) fn fold(&self) -> Fold {
        let hashes =
            self.records.iter().map(|(reference, written)| of_record(reference.as_str(), &written.body));
        hashes.fold(Fold::EMPTY, Fold::plus)
    }

    /// A revision of it.
    pub(super) fn revision(&self) -> revision::Written {
        let records =
            self.records.iter().map(|(reference, written)| (reference.as_str(), written.body.as_str()));
        revision::write(&self.stack, records)
    }

    /// The past of every ref there ever was, in the order of their names.
    pub(super) fn trails(&self) -> BTreeMap<RecordKey, Trail> {
        self.trails.iter().map(|(reference, trail)| (reference.clone(), *trail)).collect()
    }
}
