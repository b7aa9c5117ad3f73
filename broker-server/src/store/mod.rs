//! The broker's memory: what is accepted, what is being done, what was made.
//!
//! A store keeps records and the rules that keep them consistent; it knows no catalog, no vendor and no HTTP.

mod audit;
mod backup;
mod census;
mod column;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod error;
mod event;
mod expenses;
mod ledger;
pub mod postgres;
mod reseal;
mod seal;
pub mod sqlite;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sutler_secrets::KeyRing;
use sutler_spec::{BindingId, InstanceId};

pub use audit::{AuditBreak, AuditReport};
pub use backup::{BackupError, backup};
pub use census::{AgeBand, Census, Group, Standing, Statistics};
pub use error::{Cause, StoreError};
pub use event::{Actor, Event};
pub use reseal::Resealed;

use crate::{
    binding::Binding,
    budget::{AccountKey, Terms, Turn},
    circuit::{Circuit, Heard, Rules},
    config::StoreLocation,
    expense::Spending,
    instance::Instance,
    operation::{Lease, Operation, OperationId, OperationStatus},
};

/// Remembers instances, bindings, operations and events.
///
/// # Contract
/// - When a write returns `Ok`, all of it is durable; when it returns `Err`, none of it is visible. A write whose
///   outcome is unknown (`Err(Commit)`) may be either.
/// - At most one operation per instance is in progress: a constraint of the database, not a check (I-12).
/// - Every write of an operation is conditional on the owner token and the fence of its [`Lease`]; a holder that lost
///   it gets [`StoreError::LeaseLost`] and has changed nothing (I-17).
/// - Leases and due times are kept in the store's own clock; callers give durations.
/// - Parameters, contexts, changes, checkpoints, provider records and credentials are sealed for their row and column
///   before they are written anywhere.
#[async_trait]
pub trait BrokerStore: Send + Sync + 'static {
    /// Names this installation: made once, when the store was created.
    fn installation(&self) -> &str;

    /// The instance, if it is known.
    async fn instance(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError>;

    /// The binding, if it is known.
    async fn binding(&self, instance: &InstanceId, id: &BindingId) -> Result<Option<Binding>, StoreError>;

    /// All bindings of the instance, oldest first.
    async fn bindings(&self, instance: &InstanceId) -> Result<Vec<BindingId>, StoreError>;

    /// The whole operation, if it is remembered.
    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError>;

    /// The named operation of the subject, or its last one: one indexed read, nothing is opened.
    async fn status(
        &self,
        subject: &Subject,
        named: Option<&OperationId>,
    ) -> Result<Option<OperationStatus>, StoreError>;

    /// The operation that is in progress on the instance or one of its bindings.
    async fn active(&self, instance: &InstanceId) -> Result<Option<OperationStatus>, StoreError>;

    /// Accepts an operation, already claimed, as a rule with its first intent, together with its rows.
    async fn begin(&self, begin: Begin) -> Result<Begun, StoreError>;

    /// The holder of an operation that was ended by another one has stopped working on it: the other one is due.
    async fn let_go(&self, lease: &Lease, instance: &InstanceId) -> Result<(), StoreError>;

    /// Writes how an operation stands now, together with its rows. Ends the lease unless `hold` keeps it. A terminal
    /// state is written once.
    async fn save(&self, save: Save) -> Result<(), StoreError>;

    /// Writes an instance that no operation is working on, if it still has the given revision.
    async fn amend(&self, instance: Instance, event: Event) -> Result<Amended, StoreError>;

    /// Claims up to `limit` operations that are due: parked ones, and those whose holder let its lease lapse. Intents
    /// without a result become doubts; they stay readable in what is claimed.
    async fn claim(&self, lease: Duration, limit: usize) -> Result<Vec<(Lease, Operation)>, StoreError>;

    /// Makes every operation that is held due at once and held by nobody; its intent becomes a doubt, as in
    /// [`claim`](Self::claim), and is forgotten: nobody can carry it out any more. Only for a process that knows it is
    /// alone; a store of many processes does nothing.
    async fn take_over(&self) -> Result<u64, StoreError>;

    /// How long until the next operation is due, if any is waiting or held.
    async fn next_due(&self) -> Result<Option<Duration>, StoreError>;

    /// Forgets operations that ended longer ago than this.
    async fn forget(&self, older_than: Duration) -> Result<u64, StoreError>;

    /// Takes up to `wanted` calls out of the budget of a vendor account, as [`Ledger::take`] says; and how its circuit
    /// stands then. Budget and circuit are one for all processes that share the store.
    ///
    /// [`Ledger::take`]: crate::budget::Ledger::take
    async fn reserve(
        &self,
        account: &AccountKey,
        wanted: u32,
        terms: Terms,
    ) -> Result<(Turn, Circuit), StoreError>;

    /// Takes note of what came of a call to a vendor account, for everyone; how its circuit stands then.
    async fn hear(&self, account: &AccountKey, heard: Heard, rules: Rules) -> Result<Circuit, StoreError>;

    /// Closes a vendor account for this long from now, for everyone; what it is closed for already stays.
    async fn slow_down(&self, account: &AccountKey, closed_for: Duration) -> Result<(), StoreError>;

    /// Ids of instances in their order, at most `limit`, from the first one after `after`.
    async fn instances(
        &self,
        which: Which,
        after: Option<&InstanceId>,
        limit: usize,
    ) -> Result<Vec<InstanceId>, StoreError>;

    /// Counts what is in progress: one aggregated read, nothing is opened.
    async fn census(&self) -> Result<Census, StoreError>;

    /// What this process's store did, from memory.
    fn statistics(&self) -> Statistics;

    /// Chains events that are not in the audit chain yet, at most `limit`; how many. A store that chains them in the
    /// transaction that tells them has nothing to do.
    async fn chain_events(&self, limit: usize) -> Result<usize, StoreError>;

    /// Looks at the next `limit` rows, and seals those with the current key that were sealed with another one. Safe to
    /// die in at any moment (I-30).
    async fn reseal(&self, limit: usize) -> Result<Resealed, StoreError>;

    /// Seals with the current key of this ring from now on. A ring that cannot open what the store holds is refused.
    async fn replace_keys(&self, ring: Arc<KeyRing>) -> Result<(), StoreError>;

    /// Since when a catalog with this digest is the one that is served, to the second: now, if it was another one before.
    async fn catalog_since(&self, digest: &str) -> Result<SystemTime, StoreError>;

    /// What time it is, by the store's own clock: whatever is compared with a recorded time is compared with this.
    async fn now(&self) -> Result<SystemTime, StoreError>;

    /// Whether the store can be read and written.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Opens the store at this place.
///
/// # Errors
/// When it cannot be reached, is in use, is newer than this program, or was sealed with other keys.
pub fn open(location: &StoreLocation, ring: Arc<KeyRing>) -> Result<Arc<dyn BrokerStore>, StoreError> {
    Ok(match location {
        StoreLocation::Sqlite(path) => Arc::new(sqlite::SqliteStore::open(path, ring)?),
        StoreLocation::Postgres(address) => Arc::new(postgres::PostgresStore::open(address, ring)?),
    })
}

/// Follows the audit chain of a store, also while it is in use.
///
/// # Errors
/// When the store cannot be read.
pub fn verify_audit(location: &StoreLocation, ring: Arc<KeyRing>) -> Result<AuditReport, StoreError> {
    match location {
        StoreLocation::Sqlite(path) => sqlite::verify_audit(path, &ring),
        StoreLocation::Postgres(address) => postgres::verify_audit(address, ring),
    }
}

/// How many sealed values of a store need each key, also while it is in use.
///
/// # Errors
/// When the store cannot be read.
pub fn keys_in_use(
    location: &StoreLocation,
    ring: Arc<KeyRing>,
) -> Result<BTreeMap<String, u64>, StoreError> {
    match location {
        StoreLocation::Sqlite(path) => sqlite::keys_in_use(path),
        StoreLocation::Postgres(address) => postgres::keys_in_use(address, ring),
    }
}

/// Opens the store to be read beside the process that has it. Nothing is written, and nothing can be.
///
/// # Errors
/// When it is not there, cannot be reached, is of another version, or was sealed with other keys.
pub fn open_beside(location: &StoreLocation, ring: Arc<KeyRing>) -> Result<Arc<dyn BrokerStore>, StoreError> {
    Ok(match location {
        StoreLocation::Sqlite(path) => Arc::new(sqlite::SqliteStore::open_beside(path, ring)?),
        // many processes share it anyway
        StoreLocation::Postgres(address) => Arc::new(postgres::PostgresStore::open(address, ring)?),
    })
}

/// What an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An instance.
    Instance(InstanceId),
    /// A binding of an instance.
    Binding(InstanceId, BindingId),
}

impl Subject {
    /// The instance.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        match self {
            Self::Instance(id) | Self::Binding(id, _) => id,
        }
    }
}

/// Which instances are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that have a row.
    Present,
    /// Those that ever had one, as the events tell.
    Ever,
}

/// What becomes of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum RowChange<T> {
    /// Nothing.
    #[default]
    Keep,
    /// It is written, new or over what was there.
    Put(Box<T>),
    /// It is removed, and with it everything sealed in it.
    Remove,
}

impl<T> RowChange<T> {
    /// The row as it is to be.
    #[must_use]
    pub fn put(row: T) -> Self {
        Self::Put(Box::new(row))
    }
}

/// The rows that change together with an operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The instance of the operation. Its revision moves on whatever this says.
    pub instance: RowChange<Instance>,
    /// The binding of the operation.
    pub binding: RowChange<Binding>,
    /// A binding that a deprovision has revoked: its row is removed.
    pub revoked: Option<BindingId>,
    /// What becomes of money. Where it would break a limit, nothing of the write is done.
    pub spending: Spending,
}

/// A request to accept an operation.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The operation, in progress; with its first intent if that may be carried out at once. Without one if it takes the
    /// place of another.
    pub operation: Operation,
    /// The claim that goes with it.
    pub lease: Lease,
    /// How long the claim holds.
    pub hold: Duration,
    /// The revision of the instance that the decision was made on; `None` when it must not exist.
    pub decided_on: Option<u64>,
    /// An operation that this one takes the place of: it ends as failed. Then nobody holds the new one, and it is due at
    /// once, unless somebody holds the old one: whoever that is may be in the middle of a step, so the new one is due when
    /// [`let_go`](BrokerStore::let_go) is called, or when that claim would have ended.
    pub supersedes: Option<OperationId>,
    /// What changes with it.
    pub rows: Rows,
    /// What is told about it.
    pub event: Event,
}

/// What became of a [`Begin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is accepted.
    Accepted,
    /// The instance is not what the decision was made on, or another operation is in progress: decide again.
    Moved,
}

/// How the holder goes on after a [`Save`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It goes on at once; the lease is renewed.
    Keep(Duration),
    /// It lets go; the operation is due after this long.
    Park(Duration),
    /// The operation has ended.
    End,
}

/// A write by the holder of an operation.
#[derive(Debug, Clone)]
pub struct Save {
    /// The right to do so.
    pub lease: Lease,
    /// The operation as it is to be.
    pub operation: Operation,
    /// What becomes of the lease.
    pub hold: Hold,
    /// What changes with it.
    pub rows: Rows,
    /// What is told about it, if anything.
    pub event: Option<Event>,
}

/// What became of [`BrokerStore::amend`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amended {
    /// It is written.
    Written,
    /// The revision was another one, or an operation is in progress: decide again.
    Moved,
}
