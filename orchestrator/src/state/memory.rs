//! State that is kept in memory: for trying things, and for tests. Nothing outlives the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sutler_secrets::Sealed;

use super::FORMAT;
use super::backend::{Change, Lineage, State, StateBackend};
use super::error::StateError;
use super::journal::{Entry, Fold, Hash, Stamp, Tip, origin};
use super::lock::{Claim, Held, Lock, LockInfo, lease_end};
use super::prepare::{Prepared, Written};
use super::record::InstanceRecord;
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
}

struct Stored {
    lineage: Lineage,
    canary: Sealed,
    tip: Tip,
    records: BTreeMap<InstanceRef, (InstanceRecord, Hash)>,
    journal: Vec<Entry>,
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
        Ok(State {
            stack: self.stack.clone(),
            lineage: stored.lineage,
            serial: stored.tip.serial,
            canary: Some(stored.canary.clone()),
            records: stored.records.values().map(|(record, _)| record.clone()).collect(),
        })
    }

    async fn verify(&self) -> Result<(), StateError> {
        let inner = self.inner();
        let Some(stored) = &inner.stored else { return Ok(()) };
        let mut head = origin(FORMAT, &self.stack, stored.lineage, &stored.canary.to_text());
        for entry in &stored.journal {
            if entry.hash_after(head) != entry.hash {
                return Err(self.damaged("the journal's chain is broken"));
            }
            head = entry.hash;
        }
        let fold = stored.records.values().fold(Fold::EMPTY, |fold, (_, hash)| fold.plus(*hash));
        if (head, fold) == (stored.tip.head, stored.tip.fold) {
            Ok(())
        } else {
            Err(self.damaged("records and journal disagree"))
        }
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        let mut inner = self.inner();
        let held = Held::decide(inner.held.clone(), inner.fence, claim, Timestamp::now())
            .map_err(|holder| StateError::Locked { location: self.location(), holder })?;
        let seed = &claim.seed;
        let stored = inner.stored.get_or_insert_with(|| Stored {
            lineage: seed.lineage,
            canary: seed.canary.clone(),
            tip: Tip::start(origin(FORMAT, &self.stack, seed.lineage, &seed.canary.to_text())),
            records: BTreeMap::new(),
            journal: Vec::new(),
        });
        let lineage = stored.lineage;
        if lineage != seed.lineage {
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

    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError> {
        let changes = Prepared::all(changes, &self.location())?;
        let mut inner = self.inner();
        if !inner.held.as_ref().is_some_and(|held| held.is(lock)) {
            return Err(self.lost());
        }
        let stored = inner.stored.as_mut().filter(|stored| stored.lineage == lock.lineage);
        let Stored { tip, records, journal, .. } = stored.ok_or_else(|| self.lost())?;
        let stamp = Stamp::now(lock);
        let serial = tip.serial + u64::from(!changes.is_empty());
        for Prepared { reference, what, record } in changes {
            let new = record.as_ref().map(|written| written.hash);
            let old = match record {
                Some(Written { record, hash, .. }) => records.insert(reference.clone(), (*record, hash)),
                None => records.remove(&reference),
            };
            journal.push(tip.advance(serial, &stamp, (reference, what), (old.map(|(_, hash)| hash), new)));
        }
        tip.serial = serial;
        Ok(serial)
    }

    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError> {
        let inner = self.inner();
        let journal = inner.stored.iter().flat_map(|stored| &stored.journal);
        Ok(journal.filter(|entry| entry.sequence > after).take(limit).cloned().collect())
    }
}
