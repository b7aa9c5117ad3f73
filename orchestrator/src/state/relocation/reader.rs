//! What a state is made of, part by part, each checked against what was recorded when it was first written.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::name::RecordKey;
use crate::state::error::StateError;
use crate::state::journal::{Entry, Tip, Trail};
use crate::state::movable::{Identity, Movable, Pages, Part, Settled, Trails};
use crate::state::revision::Revision;

/// So many entries are one part.
const PAGE: usize = 512;

/// Reads a state that nobody changes.
pub(super) struct Reader<'r> {
    source: &'r dyn Movable,
    identity: Identity,
    /// Where reading stands in the journal.
    tip: Tip,
    trails: Trails,
    revisions: VecDeque<Revision>,
    serials: Vec<u64>,
    last: Option<Pages>,
}

#[derive(Deserialize)]
struct Named {
    reference: RecordKey,
}

impl<'r> Reader<'r> {
    /// At the beginning.
    pub(super) async fn new(source: &'r dyn Movable, identity: Identity) -> Result<Self, StateError> {
        let revisions: VecDeque<Revision> = source.revisions().await?.into();
        let serials = revisions.iter().map(|revision| revision.serial).collect();
        let tip = Tip::start(identity.origin());
        Ok(Self { source, identity, tip, trails: Trails::default(), revisions, serials, last: None })
    }

    /// The next part: the journal first, then the revisions, oldest first.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, StateError> {
        if self.tip.sequence < self.identity.tip.sequence {
            return self.page().await.map(Some);
        }
        if self.tip != self.identity.tip {
            return Err(self.damaged("its journal does not lead to where it stands"));
        }
        let Some(revision) = self.revisions.pop_front() else { return Ok(None) };
        let missing = || self.damaged(format!("revision {} is missing", revision.serial));
        let pages = self.source.pages(revision.serial).await?.ok_or_else(missing)?;
        if pages.revision != revision {
            return Err(self.damaged(format!("revision {} is not what was written", revision.serial)));
        }
        let location = self.source.location();
        revision.open((&self.identity.stack, &location), (&pages.index, &pages.chunks))?;
        let trails = self.revisions.is_empty().then(|| self.trails.clone());
        if trails.is_some() {
            self.last = Some(pages.clone());
        }
        Ok(Some(Part::Revision(Box::new(pages), trails)))
    }

    async fn page(&mut self) -> Result<Part, StateError> {
        let mut entries = self.source.journal(self.tip.sequence, PAGE).await?;
        if entries.is_empty() {
            return Err(self.damaged("its journal is shorter than it says"));
        }
        for entry in &mut entries {
            if !self.tip.follow(entry) {
                let what = format!("its journal is not what was written, at entry {}", entry.sequence);
                return Err(self.damaged(what));
            }
            count(&mut self.trails, entry);
        }
        Ok(Part::Journal(entries))
    }

    /// What makes a copy whole, once every part was read.
    pub(super) fn settled(self) -> Result<Settled, StateError> {
        let damaged = |what: &str| self.damaged(what.to_owned());
        let mut records = Vec::new();
        for line in self.last.iter().flat_map(|pages| &pages.chunks).flat_map(|chunk| chunk.lines()) {
            let Named { reference } =
                serde_json::from_str(line).map_err(|_| damaged("a record cannot be read"))?;
            records.push((reference, line.to_owned()));
        }
        let ends = self.last.as_ref().map_or(0, |pages| pages.revision.sequence);
        if ends != self.identity.tip.sequence || records.len() as u64 != self.identity.records {
            return Err(damaged("its last revision is not where it stands"));
        }
        let Self { identity, trails, serials, last, .. } = self;
        Ok(Settled { tip: identity.tip, records, last, revisions: serials, trails })
    }

    fn damaged(&self, what: impl Into<String>) -> StateError {
        StateError::Damaged { location: self.source.location(), what: what.into() }
    }
}

/// Counts a change of its ref. What was written before changes were counted gets its number: no hash covers it there.
fn count(trails: &mut Trails, entry: &mut Entry) {
    let Trails(trails) = trails;
    let trail = trails.get(&entry.reference).copied().unwrap_or_default().after(entry.record);
    if entry.ordinal == 0 {
        (entry.ordinal, entry.incarnation) = (trail.ordinal, trail.incarnation);
    }
    trails.insert(entry.reference.clone(), Trail::told_by(entry));
}

/// Every part of a state, and what makes them whole.
#[cfg(test)]
pub(in crate::state) async fn parts(source: &dyn Movable) -> Result<(Vec<Part>, Settled), StateError> {
    let identity = source.identity().await?.expect("there is a state");
    let mut reader = Reader::new(source, identity).await?;
    let mut parts = Vec::new();
    while let Some(part) = reader.next().await? {
        parts.push(part);
    }
    Ok((parts, reader.settled()?))
}
