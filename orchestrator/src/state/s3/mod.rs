//! State in a bucket: immutable segments and revisions, and one small object, `current`, that says which of them count
//! and who may write. It is moved with a condition, from the writing we know to the next: the lock, the fence and the
//! lineage are compared in every write because they are in it. Commits that wait together share a segment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex as Plain, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard, OnceCell, oneshot};
use uuid::Uuid;

use super::backend::{Change, Extent, State, StateBackend};
use super::book::Unreadable;
use super::error::StateError;
use super::journal::Entry;
use super::lock::{Claim, Held, Lock, LockInfo, lease_end};
use super::prepare::Prepared;
use super::revision::{KEPT, Revision, Snapshot};
use super::standing::Gate;
use crate::config::BucketPlace;
use crate::name::{InstanceRef, StackName};

mod commit;
mod compact;
mod history;
mod known;
mod lines;
mod listeners;
mod moving;
mod objects;
mod pointer;
mod probe;
#[cfg(test)]
pub(super) mod tests;

use commit::{ATTEMPTS, Moved, Waiting, move_pointer};
use history::Wanted;
use known::{Known, refresh};
use objects::{Keys, Objects};
use pointer::{Pointer, Reason};

/// So many commits at most share a segment.
const LARGEST_GROUP: usize = 256;
/// A run that goes on for so many changes makes a revision in between, or at as many changes as there are records: what
/// a reader has to follow stays bounded, and the work of it is shared by that many changes.
const LONGEST_JOURNAL: usize = 1024;

/// State in a bucket of an S3-compatible store. Reached at the first use; created by the first lock.
pub struct BucketBackend {
    shared: Arc<Shared>,
}

struct Shared {
    place: BucketPlace,
    stack: StackName,
    /// Who looks at it.
    gate: Gate,
    keys: Option<Keys>,
    objects: Plain<Option<Arc<Objects>>>,
    /// Whether the store honours conditions: tried once, before the first write.
    probed: OnceCell<()>,
    known: Mutex<Option<Known>>,
    queue: Plain<Vec<Waiting>>,
}

impl BucketBackend {
    /// The state at this place, with the credentials of the environment.
    #[must_use]
    pub fn new(place: BucketPlace, stack: StackName) -> Self {
        Self::with((place, stack), None, Gate::Current)
    }

    /// The same place, for moving a state from or to it.
    pub(super) fn to_move(place: BucketPlace, stack: StackName) -> Self {
        Self::with((place, stack), None, Gate::Any)
    }

    fn with((place, stack): (BucketPlace, StackName), keys: Option<Keys>, gate: Gate) -> Self {
        let (objects, known, queue) = (Plain::default(), Mutex::default(), Plain::default());
        let probed = OnceCell::new();
        Self { shared: Arc::new(Shared { place, stack, gate, keys, objects, probed, known, queue }) }
    }
}

impl fmt::Debug for BucketBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketBackend").field("place", &self.shared.place).finish_non_exhaustive()
    }
}

impl Shared {
    fn objects(&self) -> Result<Arc<Objects>, StateError> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(objects) = &*objects {
            return Ok(Arc::clone(objects));
        }
        let made = Arc::new(Objects::new(self.place.clone(), self.keys.clone())?);
        *objects = Some(Arc::clone(&made));
        Ok(made)
    }

    fn lost(&self) -> StateError {
        StateError::LockLost { location: self.place.to_string() }
    }

    /// What is there now, for as long as it is held.
    async fn current(&self) -> Result<(Arc<Objects>, MutexGuard<'_, Option<Known>>), StateError> {
        let objects = self.objects()?;
        let mut known = self.known.lock().await;
        refresh(&objects, &self.stack, &mut known).await?;
        if let Some(now) = &*known {
            now.pointer.standing().admit(self.gate, || self.place.to_string())?;
        }
        Ok((objects, known))
    }

    /// Changes the lock: decides on what is there, moves `current`, and again if somebody else was first.
    async fn relock<T>(
        &self,
        decide: impl Fn(&mut Pointer) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        if self.gate == Gate::Any {
            return self.repoint(decide).await;
        }
        for _ in 0..ATTEMPTS {
            let (objects, mut known) = self.current().await?;
            let Some(now) = known.as_mut() else { return Err(self.lost()) };
            let mut next = now.pointer.clone();
            let decided = decide(&mut next)?;
            if next == now.pointer {
                return Ok(decided);
            }
            if let Moved::Done(etag) = move_pointer(&objects, Some(&now.etag), &mut next).await? {
                (now.etag, now.pointer) = (etag, next);
                return Ok(decided);
            }
        }
        Err(StateError::Busy { location: self.place.to_string() })
    }

    /// Makes the state, unless there is one by now.
    async fn create(&self, claim: &Claim) -> Result<(), StateError> {
        let (objects, known) = self.current().await?;
        if known.is_none() {
            let mut pointer = Pointer::new(&self.stack, &claim.seed);
            // beaten: somebody else made it
            let (Moved::Done(_) | Moved::Beaten) = move_pointer(&objects, None, &mut pointer).await?;
        }
        Ok(())
    }

    /// Writes whoever waits by the time the state is ours to change.
    async fn flush(&self) {
        let mut known = self.known.lock().await;
        let group: Vec<Waiting> = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let size = queue.len().min(LARGEST_GROUP);
            queue.drain(..size).collect()
        };
        if group.is_empty() {
            return;
        }
        let objects = match self.objects() {
            Ok(objects) => objects,
            Err(error) => return error.share(group.into_iter().map(|one| one.done)),
        };
        let holder = group.first().map(|one| one.lock.same());
        commit::group(&objects, &self.stack, (&mut known, group)).await;
        let long = |now: &Known| now.entries.len() >= LONGEST_JOURNAL.max(now.book.len());
        if let (Some(lock), true) = (holder, known.as_ref().is_some_and(long)) {
            // the next one tries again: nothing is lost without it
            let made = compact::make(&objects, &self.stack, &mut known, (&lock, KEPT, Reason::Between)).await;
            if let Err(error) = made {
                tracing::debug!(%error, "no revision was made in between");
            }
        }
    }
}

#[async_trait]
impl StateBackend for BucketBackend {
    fn location(&self) -> String {
        self.shared.place.to_string()
    }

    async fn load(&self) -> Result<State, StateError> {
        let (objects, known) = self.shared.current().await?;
        match &*known {
            Some(now) => now.book.state().map_err(|Unreadable(reference)| {
                objects.damaged(format!("the record of '{reference}' is not what was written"))
            }),
            None => Ok(State::empty(self.shared.stack.clone())),
        }
    }

    async fn verify(&self, extent: Extent) -> Result<(), StateError> {
        let objects = self.shared.objects()?;
        // read anew, not from memory
        let mut fresh = None;
        refresh(&objects, &self.shared.stack, &mut fresh).await?;
        let Some(now) = &fresh else { return Ok(()) };
        now.pointer.standing().admit(self.shared.gate, || self.location())?;
        now.book.state().map_err(|Unreadable(reference)| {
            objects.damaged(format!("the record of '{reference}' is not what was written"))
        })?;
        history::verify(&objects, &self.shared.stack, (now, extent)).await
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        let objects = self.shared.objects()?;
        self.shared.probed.get_or_try_init(|| probe::probe(&objects)).await?;
        if self.shared.gate == Gate::Current {
            self.shared.create(claim).await?;
        }
        self.shared
            .relock(|pointer| {
                let location = || self.location();
                let held = Held::decide(pointer.held(), pointer.fence, claim, Timestamp::now())
                    .map_err(|holder| StateError::Locked { location: location(), holder })?;
                pointer.standing().admit_writer(self.shared.gate, location)?;
                let lineage = pointer.seed(&objects)?.lineage;
                if lineage != claim.seed.lineage {
                    return Err(StateError::Replaced { location: location() });
                }
                let lock = held.hand_over(lineage);
                pointer.hold(Some(held));
                Ok(lock)
            })
            .await
    }

    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError> {
        self.shared
            .relock(|pointer| match pointer.held().filter(|_| pointer.is_held_by(lock)) {
                Some(mut held) => {
                    held.info.until = lease_end(Timestamp::now(), lease);
                    pointer.hold(Some(held));
                    Ok(())
                }
                None => Err(self.shared.lost()),
            })
            .await
    }

    async fn unlock(&self, lock: &Lock) -> Result<(), StateError> {
        self.shared
            .relock(|pointer| {
                if pointer.is_held_by(lock) {
                    pointer.hold(None);
                }
                Ok(())
            })
            .await
    }

    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError> {
        let (_, known) = self.shared.current().await?;
        let held = known.as_ref().and_then(|now| now.pointer.held());
        Ok(held.map(|held| held.info).filter(|info| !info.is_free(Timestamp::now())))
    }

    async fn force_unlock(&self, id: Uuid) -> Result<LockInfo, StateError> {
        if self.shared.current().await?.1.is_none() {
            return Err(StateError::NotLocked { location: self.location() });
        }
        self.shared
            .relock(|pointer| {
                let held = pointer.held().map(|held| held.info);
                let info = LockInfo::named(held, id, || self.location())?;
                pointer.hold(None);
                Ok(info)
            })
            .await
    }

    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError> {
        let location = self.location();
        let changes = Prepared::all(changes, &location)?;
        let (done, answer) = oneshot::channel();
        let waiting = Waiting { lock: lock.same(), changes, done };
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        let shared = Arc::clone(&self.shared);
        // on its own: a caller that gives up does not take the others of its group with it
        tokio::spawn(async move { shared.flush().await });
        answer.await.map_err(|_| StateError::Storage {
            location,
            step: "write",
            source: "the task that writes it has stopped".into(),
        })?
    }

    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError> {
        let (objects, known) = self.shared.current().await?;
        let Some(now) = &*known else { return Ok(Vec::new()) };
        history::journal(&objects, now, Wanted { reference: None, after, limit }).await
    }

    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError> {
        let (objects, known) = self.shared.current().await?;
        let Some(now) = &*known else { return Ok(Vec::new()) };
        history::journal(&objects, now, Wanted { reference: Some(reference), after, limit }).await
    }

    async fn told(&self) -> Result<BTreeMap<String, u64>, StateError> {
        listeners::told(&*self.shared.objects()?).await
    }

    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError> {
        listeners::tell(&*self.shared.objects()?, (listener, sequence)).await
    }

    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError> {
        let (objects, mut known) = self.shared.current().await?;
        let made = compact::make(&objects, &self.shared.stack, &mut known, (lock, kept, Reason::Asked)).await;
        if made.is_err() {
            *known = None;
        }
        made
    }

    async fn revisions(&self) -> Result<Vec<Revision>, StateError> {
        let (objects, known) = self.shared.current().await?;
        let Some(now) = &*known else { return Ok(Vec::new()) };
        history::revisions(&objects, (&self.shared.stack, now.book.lineage), &now.pointer).await
    }

    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError> {
        let (objects, known) = self.shared.current().await?;
        let Some(now) = &*known else { return Ok(None) };
        let whose = (&self.shared.stack, now.book.lineage);
        let revisions = history::revisions(&objects, whose, &now.pointer).await?;
        match revisions.iter().find(|revision| revision.serial == serial) {
            Some(revision) => history::snapshot(&objects, &self.shared.stack, revision).await.map(Some),
            None => Ok(None),
        }
    }
}
