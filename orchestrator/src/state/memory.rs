//! State that is kept in memory: for trying things, and for tests. Nothing outlives the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::FORMAT;
use super::backend::{Change, Extent, State, StateBackend};
use super::book::{Book, Unreadable};
use super::error::StateError;
use super::journal::{Entry, Stamp, Tip, origin};
use super::lock::{Claim, Held, Lock, LockInfo, lease_end};
use super::prepare::Prepared;
use super::revision::{Revision, Snapshot, expired};
use crate::name::{InstanceRef, StackName};

/// A state in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryBackend {
    stack: StackName,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    stored: Option<Stored>,
    fence: u64,
    held: Option<Held>,
    told: BTreeMap<String, u64>,
}

struct Stored {
    book: Book,
    journal: Vec<Entry>,
    revisions: Vec<(Revision, Holding)>,
}

/// What a revision holds.
struct Holding {
    index: String,
    chunks: Vec<String>,
}

impl MemoryBackend {
    /// A new one, with nothing in it.
    #[must_use]
    pub fn new(stack: StackName) -> Self {
        Self { stack, inner: Arc::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn damaged(&self, what: &str) -> StateError {
        StateError::Damaged { location: self.location(), what: what.to_owned() }
    }

    /// What there is, for the holder of its lock.
    fn owned<'i>(&self, inner: &'i mut Inner, lock: &Lock) -> Result<&'i mut Stored, StateError> {
        let is_held = inner.held.as_ref().is_some_and(|held| held.is(lock));
        let stored = inner.stored.as_mut().filter(|stored| is_held && stored.book.lineage == lock.lineage);
        stored.ok_or_else(|| self.lost())
    }

    fn lost(&self) -> StateError {
        StateError::LockLost { location: self.location() }
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").field("stack", &self.stack).finish_non_exhaustive()
    }
}

#[async_trait]
impl StateBackend for MemoryBackend {
    fn location(&self) -> String {
        "memory:".to_owned()
    }

    async fn load(&self) -> Result<State, StateError> {
        let inner = self.inner();
        let Some(stored) = &inner.stored else {
            return Ok(State::empty(self.stack.clone()));
        };
        stored.book.state().map_err(|Unreadable(reference)| {
            self.damaged(&format!("the record of '{reference}' is not what was written"))
        })
    }

    async fn verify(&self, extent: Extent) -> Result<(), StateError> {
        self.load().await?;
        let inner = self.inner();
        let Some(Stored { book, journal, revisions }) = &inner.stored else { return Ok(()) };
        let start = Tip::start(origin(FORMAT, &self.stack, book.lineage, &book.canary.to_text()));
        let base = revisions.last().filter(|_| extent == Extent::SinceRevision);
        let mut tip = base.map_or(start, |(revision, _)| revision.tip());
        let from = tip.sequence;
        for entry in journal.iter().filter(|entry| entry.sequence > from) {
            if !tip.follow(entry) {
                return Err(self.damaged("the journal's chain is broken"));
            }
        }
        if (tip, book.fold()) != (book.tip, book.tip.fold) {
            return Err(self.damaged("records and journal disagree"));
        }
        Ok(())
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        let mut inner = self.inner();
        let held = Held::decide(inner.held.clone(), inner.fence, claim, Timestamp::now())
            .map_err(|holder| StateError::Locked { location: self.location(), holder })?;
        let stored = inner.stored.get_or_insert_with(|| Stored {
            book: Book::new(self.stack.clone(), &claim.seed),
            journal: Vec::new(),
            revisions: Vec::new(),
        });
        let lineage = stored.book.lineage;
        if lineage != claim.seed.lineage {
            return Err(StateError::Replaced { location: self.location() });
        }
        inner.fence = held.fence;
        let lock = held.hand_over(lineage);
        inner.held = Some(held);
        Ok(lock)
    }

    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError> {
        match &mut self.inner().held {
            Some(held) if held.is(lock) => {
                held.info.until = lease_end(Timestamp::now(), lease);
                Ok(())
            }
            _ => Err(self.lost()),
        }
    }

    async fn unlock(&self, lock: &Lock) -> Result<(), StateError> {
        self.inner().held.take_if(|held| held.is(lock));
        Ok(())
    }

    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError> {
        let held = self.inner().held.as_ref().map(|held| held.info.clone());
        Ok(held.filter(|info| !info.is_free(Timestamp::now())))
    }

    async fn force_unlock(&self, id: Uuid) -> Result<LockInfo, StateError> {
        let mut inner = self.inner();
        let held = inner.held.as_ref().map(|held| held.info.clone());
        let info = LockInfo::named(held, id, || self.location())?;
        inner.held = None;
        Ok(info)
    }

    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError> {
        let changes = Prepared::all(changes, &self.location())?;
        let mut inner = self.inner();
        let stored = self.owned(&mut inner, lock)?;
        let entries = stored.book.commit(&Stamp::now(lock), &changes);
        stored.journal.extend(entries.into_iter().map(|(entry, _)| entry));
        Ok(stored.book.tip.serial)
    }

    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError> {
        let inner = self.inner();
        let journal = inner.stored.iter().flat_map(|stored| &stored.journal);
        Ok(journal.filter(|entry| entry.sequence > after).take(limit).cloned().collect())
    }

    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError> {
        let inner = self.inner();
        let journal = inner.stored.iter().flat_map(|stored| &stored.journal);
        let wanted = journal.filter(|entry| entry.sequence > after && entry.reference == *reference);
        Ok(wanted.take(limit).cloned().collect())
    }

    async fn told(&self) -> Result<BTreeMap<String, u64>, StateError> {
        Ok(self.inner().told.clone())
    }

    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError> {
        let mut inner = self.inner();
        let told = inner.told.entry(listener.to_owned()).or_default();
        *told = sequence.max(*told);
        Ok(())
    }

    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError> {
        let mut inner = self.inner();
        let Stored { book, revisions, .. } = self.owned(&mut inner, lock)?;
        if book.tip.serial == revisions.last().map_or(0, |(revision, _)| revision.serial) {
            return Ok(None);
        }
        let whose = (&self.stack, book.lineage);
        let written = book.revision();
        let revision = Revision::new(whose, book.tip, &written, Stamp::now(lock));
        let chunks = written.chunks.into_iter().map(|chunk| chunk.text).collect();
        revisions.push((revision.clone(), Holding { index: written.index, chunks }));
        let serials: Vec<u64> = revisions.iter().map(|(revision, _)| revision.serial).collect();
        let gone = expired(&serials, kept);
        revisions.retain(|(revision, _)| !gone.contains(&revision.serial));
        Ok(Some(revision))
    }

    async fn revisions(&self) -> Result<Vec<Revision>, StateError> {
        let inner = self.inner();
        let revisions = inner.stored.iter().flat_map(|stored| &stored.revisions);
        Ok(revisions.map(|(revision, _)| revision.clone()).collect())
    }

    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError> {
        let inner = self.inner();
        let mut revisions = inner.stored.iter().flat_map(|stored| &stored.revisions);
        let found = revisions.find(|(revision, _)| revision.serial == serial);
        let open = |(revision, Holding { index, chunks }): &(Revision, Holding)| {
            revision.open((&self.stack, "memory:"), (index, chunks))
        };
        found.map(open).transpose()
    }
}
