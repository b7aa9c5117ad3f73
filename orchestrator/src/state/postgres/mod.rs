//! State in a PostgreSQL database: conditional writes behind one row's lock, the database's clock, and no promise that
//! rests on a connection. Commits that wait together are written together.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::backend::{Change, Extent, State, StateBackend};
use super::error::StateError;
use super::journal::Entry;
use super::lock::{Claim, Lock, LockInfo};
use super::prepare::Prepared;
use super::revision::{Revision, Snapshot};
use super::standing::Gate;
use crate::config::PostgresPlace;
use crate::name::{InstanceRef, StackName};

mod commit;
mod connect;
mod header;
mod listeners;
mod load;
mod locking;
mod moving;
mod revisions;
mod session;
#[cfg(test)]
pub(super) mod tests;

use commit::{Group, Waiting};
use session::{Database, Place};

/// So many commits at most share a transaction.
const LARGEST_GROUP: usize = 256;

/// State in a PostgreSQL database, in a schema of its own. Connected at the first use; created by the first lock.
pub struct PostgresBackend {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    queue: Mutex<Vec<Waiting>>,
}

impl PostgresBackend {
    /// The state at this place.
    #[must_use]
    pub fn new(place: PostgresPlace, stack: StackName) -> Self {
        Self::seen_by(Gate::Current, place, stack)
    }

    /// The same place, for moving a state from or to it.
    pub(super) fn to_move(place: PostgresPlace, stack: StackName) -> Self {
        Self::seen_by(Gate::Any, place, stack)
    }

    fn seen_by(gate: Gate, place: PostgresPlace, stack: StackName) -> Self {
        let database = Database::new(Place { place, stack, gate });
        Self { shared: Arc::new(Shared { database, queue: Mutex::default() }) }
    }

    fn database(&self) -> &Database {
        &self.shared.database
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend").field("place", &self.database().place).finish_non_exhaustive()
    }
}

impl Shared {
    /// Writes whoever waits by the time the connection is free.
    async fn flush(&self) {
        let group = || {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let size = queue.len().min(LARGEST_GROUP);
            let group: Vec<Waiting> = queue.drain(..size).collect();
            (!group.is_empty()).then_some(Group(group))
        };
        if let Some((group, outcomes)) = self.database.run_if(group).await {
            group.answer(outcomes, &self.database.place.location());
        }
    }
}

#[async_trait]
impl StateBackend for PostgresBackend {
    fn location(&self) -> String {
        self.database().place.location()
    }

    async fn load(&self) -> Result<State, StateError> {
        self.database().run(&load::Load).await
    }

    async fn verify(&self, extent: Extent) -> Result<(), StateError> {
        self.database().run(&load::Verify(extent)).await
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        self.database().run(&locking::Take::new(claim)).await
    }

    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError> {
        self.database().run(&locking::Renew(lock, lease)).await
    }

    async fn unlock(&self, lock: &Lock) -> Result<(), StateError> {
        self.database().run(&locking::Unlock(lock)).await
    }

    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError> {
        self.database().run(&load::LockHolder).await
    }

    async fn force_unlock(&self, id: Uuid) -> Result<LockInfo, StateError> {
        self.database().run(&locking::Force::new(id)).await
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
        self.database().run(&load::Journal { reference: None, after, limit }).await
    }

    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError> {
        self.database().run(&load::Journal { reference: Some(reference.clone()), after, limit }).await
    }

    async fn told(&self) -> Result<BTreeMap<String, u64>, StateError> {
        self.database().run(&listeners::Told).await
    }

    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError> {
        self.database().run(&listeners::Tell(listener, sequence)).await
    }

    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError> {
        self.database().run(&revisions::Compact { lock, kept }).await
    }

    async fn revisions(&self) -> Result<Vec<Revision>, StateError> {
        self.database().run(&revisions::List).await
    }

    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError> {
        self.database().run(&revisions::Read(serial)).await
    }
}
