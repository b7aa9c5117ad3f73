//! State in an SQLite file: one thread writes, commits that wait together share one flush.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::backend::{Change, Extent, State, StateBackend};
use super::error::StateError;
use super::journal::{Entry, Stamp};
use super::lock::{Claim, Lock, LockInfo};
use super::movable::Birth;
use super::prepare::Prepared;
use super::revision::{Revision, Snapshot};
use super::standing::Gate;
use crate::name::{InstanceRef, StackName};

mod column;
mod commit;
mod create;
mod failure;
mod file;
mod listeners;
mod load;
mod locking;
mod moving;
mod recent;
mod revisions;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use file::Place;
use writer::Writer;

/// State in an SQLite file. Opened at the first use; created by the first lock.
pub struct SqliteBackend {
    place: Place,
    writer: OnceCell<Writer>,
}

impl SqliteBackend {
    /// The state at this path.
    #[must_use]
    pub fn new(path: PathBuf, stack: StackName) -> Self {
        Self { place: Place::new(path, stack, Gate::Current), writer: OnceCell::new() }
    }

    /// The same file, for moving a state from or to it.
    pub(super) fn to_move(path: PathBuf, stack: StackName) -> Self {
        Self { place: Place::new(path, stack, Gate::Any), writer: OnceCell::new() }
    }

    /// The thread that owns the file, or none while there is no file.
    async fn existing(&self) -> Result<Option<&Writer>, StateError> {
        if let Some(writer) = self.writer.get() {
            return Ok(Some(writer));
        }
        if !self.place.exists()? {
            return Ok(None);
        }
        self.writer.get_or_try_init(|| Writer::start(self.place.clone())).await.map(Some)
    }

    async fn required(&self) -> Result<&Writer, StateError> {
        let gone = || StateError::LockLost { location: self.location() };
        self.existing().await?.ok_or_else(gone)
    }
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend").field("place", &self.place).finish_non_exhaustive()
    }
}

#[async_trait]
impl StateBackend for SqliteBackend {
    fn location(&self) -> String {
        self.place.location()
    }

    async fn load(&self) -> Result<State, StateError> {
        match self.existing().await? {
            Some(writer) => writer.run(load::state).await,
            None => Ok(State::empty(self.place.stack.clone())),
        }
    }

    async fn verify(&self, extent: Extent) -> Result<(), StateError> {
        match self.existing().await? {
            Some(writer) => {
                writer.run(move |connection, place| verify::verify(connection, place, extent)).await
            }
            None => Ok(()),
        }
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        if self.existing().await?.is_none() && self.place.gate == Gate::Current {
            let (place, birth) = (self.place.clone(), Birth::from(&claim.seed));
            writer::in_background(&self.place, move || create::state(&place, &birth)).await?;
        }
        let claim = claim.clone();
        self.required().await?.run(move |connection, place| locking::lock(connection, place, &claim)).await
    }

    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError> {
        let key = locking::Key::of(lock);
        let renew = move |connection: &mut _, place: &_| locking::renew(connection, place, key, lease);
        self.required().await?.run(renew).await
    }

    async fn unlock(&self, lock: &Lock) -> Result<(), StateError> {
        let key = locking::Key::of(lock);
        self.required().await?.run(move |connection, place| locking::unlock(connection, place, key)).await
    }

    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError> {
        match self.existing().await? {
            Some(writer) => writer.run(|connection, place| locking::holder(connection, place)).await,
            None => Ok(None),
        }
    }

    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError> {
        let changes = Prepared::all(changes, &self.location())?;
        self.required().await?.commit(locking::Key::of(lock), Stamp::now(lock), changes).await
    }

    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError> {
        match self.existing().await? {
            Some(writer) => {
                writer.run(move |connection, place| load::journal(connection, place, (after, limit))).await
            }
            None => Ok(Vec::new()),
        }
    }

    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError> {
        let Some(writer) = self.existing().await? else { return Ok(Vec::new()) };
        let reference = reference.clone();
        writer
            .run(move |connection, place| load::history(connection, place, (&reference, after, limit)))
            .await
    }

    async fn told(&self) -> Result<BTreeMap<String, u64>, StateError> {
        match self.existing().await? {
            Some(writer) => writer.run(|connection, place| listeners::told(connection, place)).await,
            None => Ok(BTreeMap::new()),
        }
    }

    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError> {
        let listener = listener.to_owned();
        let tell =
            move |connection: &mut _, place: &_| listeners::tell(connection, place, (&listener, sequence));
        self.required().await?.run(tell).await
    }

    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError> {
        let compaction = revisions::Compaction::new(lock, kept);
        self.required()
            .await?
            .run(move |connection, place| revisions::make(connection, place, compaction))
            .await
    }

    async fn revisions(&self) -> Result<Vec<Revision>, StateError> {
        match self.existing().await? {
            Some(writer) => writer.run(|connection, place| revisions::list(connection, place)).await,
            None => Ok(Vec::new()),
        }
    }

    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError> {
        match self.existing().await? {
            Some(writer) => {
                writer.run(move |connection, place| revisions::read(connection, place, serial)).await
            }
            None => Ok(None),
        }
    }

    async fn force_unlock(&self, id: Uuid) -> Result<LockInfo, StateError> {
        match self.existing().await? {
            Some(writer) => writer.run(move |connection, place| locking::force(connection, place, id)).await,
            None => Err(StateError::NotLocked { location: self.location() }),
        }
    }
}
