//! The contract of whatever keeps our state. One suite (`contract.rs`) holds every implementation to it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sutler_secrets::Sealed;
use uuid::Uuid;

use super::error::StateError;
use super::journal::Entry;
use super::ledger::{LedgerEntry, LedgerKey, Rows};
use super::lock::{Claim, Lock, LockInfo};
use super::record::InstanceRecord;
use super::revision::{Revision, Snapshot};
use crate::name::{InstanceRef, StackName};

/// One life of a state: random, made with it, never reused. Tells a state from another of the same stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lineage(Uuid);

impl Lineage {
    /// A new one.
    #[must_use]
    pub fn mint() -> Self {
        Self(Uuid::new_v4())
    }

    /// The lineage with this text, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Everything recorded, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Whose it is.
    pub stack: StackName,
    /// Which life of it. When nothing has been stored yet, the one it will have if this reader creates it.
    pub lineage: Lineage,
    /// How many commits it has seen; 0 when nothing has been stored yet.
    pub serial: u64,
    /// Proves that a key ring is the right one; absent when nothing has been stored yet.
    pub canary: Option<Sealed>,
    /// The records, by ref.
    pub records: Vec<InstanceRecord>,
    /// What was done to the environment as a whole, by kind and id.
    pub ledger: Vec<LedgerEntry>,
}

impl State {
    /// What a stack that was never applied has.
    #[must_use]
    pub fn empty(stack: StackName) -> Self {
        Self {
            stack,
            lineage: Lineage::mint(),
            serial: 0,
            canary: None,
            records: Vec::new(),
            ledger: Vec::new(),
        }
    }

    /// With these rows.
    pub(super) fn with(self, rows: Rows) -> Self {
        let Rows { records, ledger } = rows.sorted();
        Self { records, ledger, ..self }
    }

    /// The records after changes that are durable.
    pub fn take(&mut self, changes: Vec<Change>) {
        for Change { effect, .. } in changes {
            match effect {
                Effect::Put(record) => {
                    self.records.retain(|other| other.reference != record.reference);
                    self.records.push(*record);
                }
                Effect::Remove(reference) => self.records.retain(|record| record.reference != reference),
                Effect::Enter(entry) => {
                    self.ledger.retain(|other| other.key != entry.key);
                    self.ledger.push(*entry);
                }
                Effect::Strike(key) => self.ledger.retain(|entry| entry.key != key),
            }
        }
        self.records.sort_unstable_by(|one, other| one.reference.cmp(&other.reference));
    }

    /// Whether nothing has been stored yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.canary.is_none()
    }
}

/// What a state is created from, should there be none.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Its lineage.
    pub lineage: Lineage,
    /// Its canary, sealed for that lineage.
    pub canary: Sealed,
}

/// One change of one record, or of one entry of the ledger, and its line in the journal.
#[derive(Debug, Clone)]
pub struct Change {
    /// What happens to the record.
    pub effect: Effect,
    /// What happened, for people; never a secret.
    pub what: String,
}

/// What happens to a record.
#[derive(Debug, Clone)]
pub enum Effect {
    /// It is written, in place of the one with the same ref, if any.
    Put(Box<InstanceRecord>),
    /// It is removed. Removing one that is not there changes nothing but the journal.
    Remove(InstanceRef),
    /// An entry of the ledger is written, in place of the one with the same key, if any.
    Enter(Box<LedgerEntry>),
    /// An entry of the ledger is removed: only by going back to a revision that had none.
    Strike(LedgerKey),
}

impl Change {
    /// Writes a record.
    #[must_use]
    pub fn put(record: InstanceRecord, what: impl Into<String>) -> Self {
        Self { effect: Effect::Put(Box::new(record)), what: what.into() }
    }

    /// Removes a record.
    #[must_use]
    pub fn remove(reference: InstanceRef, why: impl Into<String>) -> Self {
        Self { effect: Effect::Remove(reference), what: why.into() }
    }

    /// Writes an entry of the ledger.
    #[must_use]
    pub fn enter(entry: LedgerEntry, what: impl Into<String>) -> Self {
        Self { effect: Effect::Enter(Box::new(entry)), what: what.into() }
    }

    /// Whose record it is, if it is one of a record.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceRef> {
        match &self.effect {
            Effect::Put(record) => Some(&record.reference),
            Effect::Remove(reference) => Some(reference),
            Effect::Enter(_) | Effect::Strike(_) => None,
        }
    }

    /// What it is about, as it is written.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.effect {
            Effect::Put(record) => record.reference.to_string(),
            Effect::Remove(reference) => reference.to_string(),
            Effect::Enter(entry) => entry.key.to_string(),
            Effect::Strike(key) => key.to_string(),
        }
    }
}

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every record, and the journal since the last revision: the work does not grow with a state's age.
    SinceRevision,
    /// Everything that is kept: storage itself, the whole journal, every revision.
    Everything,
}

/// Keeps the state of one stack.
///
/// Promises, for every implementation:
/// - Reading writes nothing and needs no lock. It sees one commit or another, never a part of one.
/// - Nothing is created before the first [`lock`](Self::lock).
/// - Damage is an error, never an empty or a partial state. So is another stack's state, another lineage's, and one
///   of a newer format.
/// - Writing needs a [`Lock`] in hand, and each write compares its token, its fence and its lineage in the same
///   transaction. A holder that lost its lock changes nothing.
/// - The work of a commit does not grow with the number of records.
#[async_trait]
pub trait StateBackend: Send + Sync + fmt::Debug {
    /// Where it is, for people; no secret.
    fn location(&self) -> String;

    /// Everything recorded now. A stack that was never applied is an empty state with serial 0 and no canary.
    ///
    /// # Errors
    /// When there is something that is not a sound state of this stack.
    async fn load(&self) -> Result<State, StateError>;

    /// Checks what there is: each record, each link of the journal's chain. Writes nothing.
    ///
    /// # Errors
    /// [`StateError::Damaged`] says what is wrong.
    async fn verify(&self, extent: Extent) -> Result<(), StateError>;

    /// Takes the exclusive right to change this state, creating it from the claim's seed if there is none.
    ///
    /// Free to take are: no lock, a lock whose lease has ended, and a lock whose process on this host has ended.
    /// Each lock has a higher fence than every lock before it.
    ///
    /// # Errors
    /// [`StateError::Locked`] tells who holds it. [`StateError::Replaced`] when the state there has another lineage
    /// than the seed: load it again.
    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError>;

    /// Makes the lease last this long from now.
    ///
    /// # Errors
    /// [`StateError::LockLost`] when somebody else took it over.
    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError>;

    /// Gives the lock back. Does nothing when it is not ours any more: nobody else's lock is ever freed.
    ///
    /// # Errors
    /// When storage fails; the lease then ends by itself.
    async fn unlock(&self, lock: &Lock) -> Result<(), StateError>;

    /// Who holds the lock, if anyone whose lease has not ended.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError>;

    /// Takes the lock away from whoever holds it, if it is the one with this id: the lock as it was. Its holder finds
    /// out at its next write, which changes nothing.
    ///
    /// # Errors
    /// [`StateError::NotLocked`] when nobody holds it, [`StateError::OtherLock`] when the id is another one.
    async fn force_unlock(&self, id: Uuid) -> Result<LockInfo, StateError>;

    /// Applies all changes or none, appends one journal entry for each, and returns the new serial. Durable when it
    /// returns. Commits that are under way at the same time may share one flush.
    ///
    /// An error other than [`StateError::LockLost`] leaves open whether the commit happened; repeating it is harmless
    /// to records, and shows twice in the journal.
    ///
    /// # Errors
    /// [`StateError::LockLost`] when the lock is not ours any more: nothing was changed.
    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError>;

    /// The journal after this sequence number, oldest first, at most `limit` entries.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError>;

    /// The same of one ref: what is gone has a history too.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError>;

    /// How far each listener of events was told: the sequence number of the last entry. Who was never told anything is
    /// not in it.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    async fn told(&self) -> Result<BTreeMap<String, u64>, StateError>;

    /// A listener was told everything up to this entry; durable when it returns. Needs no lock and is no commit. It never
    /// goes back: of two who tell at the same time, the one that is further counts.
    ///
    /// # Errors
    /// When storage fails: then it will be told again.
    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError>;

    /// Makes a revision of what is recorded now, which becomes the current one, and forgets the oldest beyond `kept`;
    /// the current one is never forgotten. Nothing, and no write, when no commit came since the last revision.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError>;

    /// The revisions there are, oldest first; the last one is the current one.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    async fn revisions(&self) -> Result<Vec<Revision>, StateError>;

    /// What a revision holds; nothing when there is no such revision.
    ///
    /// # Errors
    /// When it is damaged.
    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError>;
}
