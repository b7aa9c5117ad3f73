//! The store in one SQLite file: WAL, full synchronisation, one writing thread, some reading connections.

mod audit;
mod bindings;
mod budgets;
mod census;
mod clock;
mod copy;
mod events;
mod expenses;
mod instances;
mod lock;
mod operations;
mod place;
mod read;
mod reseal;
mod schema;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sutler_secrets::KeyRing;
use sutler_spec::{BindingId, InstanceId};

pub(super) use self::copy::{copy, look_at_copy};
use self::{lock::ProcessLock, read::Readers, writer::Writer};
use super::{
    Amended, AuditReport, Begin, Begun, BrokerStore, Cause, Census, Event, Hold, Resealed, Save, Statistics,
    StoreError, Subject, Which,
    column::{self, millis},
    reseal::Cursor,
    seal::Sealer,
};
use crate::{
    binding::Binding,
    budget::{AccountKey, Terms, Turn},
    circuit::{Circuit, Heard, Rules},
    faults,
    instance::Instance,
    operation::{Lease, Operation, OperationId, OperationStatus, owner_token},
};

/// How many reads run at once.
const READERS: usize = 4;

/// One SQLite file, used by one process.
pub struct SqliteStore {
    // dropped in this order: the lock is let go last
    writer: Writer,
    readers: Readers,
    sealer: Sealer,
    installation: String,
    cursor: Mutex<Cursor>,
    _lock: Option<ProcessLock>,
}

impl SqliteStore {
    /// Opens the store, or makes it.
    ///
    /// # Errors
    /// When another process has it, when its schema is newer than this program, when it was sealed with other keys.
    pub fn open(path: &Path, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        place::refuse_networks(path)?;
        let lock = ProcessLock::take(path)?;
        lock::make_private(path)?;
        let sealer = Sealer::new(ring);
        let (connection, installation) = schema::open_for_writing(path, &sealer)?;
        let canary = schema::read_meta(&connection, "canary")?.map(Sealer::key_of_canary).transpose()?;
        let readers = Readers::open(path, READERS)?;
        let writer = Writer::start(connection)
            .map_err(|source| StoreError::Lock { path: path.display().to_string(), source })?;
        let cursor = Mutex::new(canary.map(Cursor::proven).unwrap_or_default());
        Ok(Self { writer, readers, sealer, installation, cursor, _lock: Some(lock) })
    }

    /// Opens the store to be read while another process has it. Every write is refused as [`StoreError::Closed`].
    ///
    /// # Errors
    /// When it is not there, has another schema, or was sealed with other keys.
    pub fn open_beside(path: &Path, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        let sealer = Sealer::new(ring);
        let installation = schema::check_for_reading(path, &sealer)?;
        let readers = Readers::open(path, READERS)?;
        Ok(Self {
            writer: Writer::none(),
            readers,
            sealer,
            installation,
            cursor: Mutex::default(),
            _lock: None,
        })
    }
}

impl SqliteStore {
    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the audit chain, whoever else has the store.
pub(super) fn verify_audit(path: &Path, ring: &KeyRing) -> Result<AuditReport, StoreError> {
    let connection = schema::open_for_reading(path)?;
    let installation = schema::read_meta(&connection, "installation")?.unwrap_or_default();
    let installation = String::from_utf8(installation).map_err(column::damaged("meta.installation"))?;
    audit::verify(&connection, (ring, &installation))
}

/// How many sealed values need each key.
pub(super) fn keys_in_use(path: &Path) -> Result<BTreeMap<String, u64>, StoreError> {
    reseal::keys_in_use(&schema::open_for_reading(path)?)
}

#[async_trait]
impl BrokerStore for SqliteStore {
    fn installation(&self) -> &str {
        &self.installation
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        instances::get(&self.readers.get(), &self.sealer, id)
    }

    async fn binding(&self, instance: &InstanceId, id: &BindingId) -> Result<Option<Binding>, StoreError> {
        bindings::get(&self.readers.get(), &self.sealer, (instance, id))
    }

    async fn bindings(&self, instance: &InstanceId) -> Result<Vec<BindingId>, StoreError> {
        bindings::of(&self.readers.get(), instance)
    }

    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError> {
        Ok(operations::get(&self.readers.get(), &self.sealer, id, clock::millis())?
            .map(|(operation, _)| operation))
    }

    async fn status(
        &self,
        subject: &Subject,
        named: Option<&OperationId>,
    ) -> Result<Option<OperationStatus>, StoreError> {
        operations::status(&self.readers.get(), subject, named, clock::millis())
    }

    async fn active(&self, instance: &InstanceId) -> Result<Option<OperationStatus>, StoreError> {
        operations::active(&self.readers.get(), instance, clock::millis())
    }

    async fn begin(&self, begin: Begin) -> Result<Begun, StoreError> {
        column::check_begin(&begin)?;
        let sealer = self.sealer.clone();
        let begun = self
            .writer
            .write_past(
                || faults::reach("B03"),
                move |connection| write::begin(connection, &sealer, &begin, clock::millis()),
            )
            .await;
        match begun {
            // the constraint speaks where the checks before it could not
            Err(StoreError::Write(error)) if is_constraint(&error) => Ok(Begun::Moved),
            begun => begun,
        }
    }

    async fn save(&self, save: Save) -> Result<(), StoreError> {
        column::check_save(&save)?;
        let sealer = self.sealer.clone();
        let point = if save.hold == Hold::End { "B17" } else { "B14" };
        self.writer
            .write_past(
                move || faults::reach(point),
                move |connection| write::save(connection, &sealer, &save, clock::millis()),
            )
            .await
    }

    async fn let_go(&self, lease: &Lease, instance: &InstanceId) -> Result<(), StoreError> {
        let (lease, instance) = (lease.clone(), instance.clone());
        self.writer
            .write(move |connection| operations::let_go(connection, (&lease, &instance), clock::millis()))
            .await
    }

    async fn catalog_since(&self, digest: &str) -> Result<SystemTime, StoreError> {
        let digest = digest.to_owned();
        self.writer.write(move |connection| write::catalog_since(connection, &digest, clock::told())).await
    }

    async fn amend(&self, instance: Instance, event: Event) -> Result<Amended, StoreError> {
        column::check_amend(&instance, &event)?;
        let sealer = self.sealer.clone();
        self.writer
            .write(move |connection| write::amend(connection, &sealer, (&instance, &event), clock::millis()))
            .await
    }

    async fn claim(&self, lease: Duration, limit: usize) -> Result<Vec<(Lease, Operation)>, StoreError> {
        let sealer = self.sealer.clone();
        self.writer
            .write(move |connection| {
                let now = clock::millis();
                let mut claimed = Vec::new();
                while claimed.len() < limit {
                    let claim = (owner_token(), now, now + millis(lease));
                    let claim = (claim.0.as_str(), claim.1, claim.2);
                    match operations::claim(connection, &sealer, claim)? {
                        Some(operation) => claimed.push(operation),
                        None => break,
                    }
                }
                Ok(claimed)
            })
            .await
    }

    async fn take_over(&self) -> Result<u64, StoreError> {
        self.writer.write(|connection| write::take_over(connection, clock::millis())).await
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        let due: Option<i64> = self
            .readers
            .get()
            .prepare_cached("SELECT min(due_at) FROM operations WHERE state = 'in progress'")
            .and_then(|mut get| get.query_row([], |row| row.get(0)))
            .map_err(StoreError::read)?;
        Ok(due.map(|due| Duration::from_millis((due - clock::millis()).max(0).unsigned_abs())))
    }

    async fn forget(&self, older_than: Duration) -> Result<u64, StoreError> {
        self.writer
            .write(move |connection| write::forget(connection, clock::millis() - millis(older_than)))
            .await
    }

    async fn reserve(
        &self,
        account: &AccountKey,
        wanted: u32,
        terms: Terms,
    ) -> Result<(Turn, Circuit), StoreError> {
        let account = account.clone();
        self.writer
            .write(move |connection| {
                budgets::change(connection, &account, |ledger, now| {
                    let (after, turn) = ledger.take(now, wanted, &terms);
                    (after, (turn, after.circuit))
                })
            })
            .await
    }

    async fn hear(&self, account: &AccountKey, heard: Heard, rules: Rules) -> Result<Circuit, StoreError> {
        let account = account.clone();
        self.writer
            .write(move |connection| {
                budgets::change(connection, &account, |ledger, now| {
                    let after = ledger.hear(heard, now, &rules);
                    (after, after.circuit)
                })
            })
            .await
    }

    async fn slow_down(&self, account: &AccountKey, closed_for: Duration) -> Result<(), StoreError> {
        let account = account.clone();
        self.writer
            .write(move |connection| {
                budgets::change(connection, &account, |ledger, now| (ledger.closed_for(now, closed_for), ()))
            })
            .await
    }

    async fn instances(
        &self,
        which: Which,
        after: Option<&InstanceId>,
        limit: usize,
    ) -> Result<Vec<InstanceId>, StoreError> {
        instances::list(&self.readers.get(), which, (after, limit))
    }

    async fn census(&self) -> Result<Census, StoreError> {
        census::take(&self.readers.get(), clock::millis())
    }

    fn statistics(&self) -> Statistics {
        let (commits, writes, waiting) = self.writer.counts();
        let (connections, connections_in_use) = self.readers.counts();
        Statistics { commits, writes, waiting, connections, connections_in_use }
    }

    /// Always 0: every event is chained in the transaction that tells it.
    async fn chain_events(&self, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn reseal(&self, limit: usize) -> Result<Resealed, StoreError> {
        let cursor = self.cursor().clone().towards(self.sealer.ring().current());
        if cursor.is_done {
            return Ok(Resealed { rows: 0, is_done: true });
        }
        let (sealer, from) = (self.sealer.clone(), cursor.clone());
        let Some(table) = cursor.table() else {
            let is_done = cursor.is_clean();
            if is_done {
                self.writer.write(move |connection| reseal::canary(connection, &sealer)).await?;
            }
            *self.cursor() = cursor.over();
            return Ok(Resealed { rows: 0, is_done });
        };
        let page = self
            .writer
            .write(move |connection| reseal::page(connection, &sealer, (table, &from, limit)))
            .await?;
        let rows = page.rows;
        *self.cursor() = cursor.past(page, limit);
        Ok(Resealed { rows, is_done: false })
    }

    async fn replace_keys(&self, ring: Arc<KeyRing>) -> Result<(), StoreError> {
        let canary = schema::read_meta(&self.readers.get(), "canary")?;
        canary.map_or(Ok(()), |canary| Sealer::new(ring.clone()).check_canary(canary))?;
        self.sealer.replace(ring);
        Ok(())
    }

    async fn now(&self) -> Result<SystemTime, StoreError> {
        Ok(SystemTime::now())
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.writer.write(|connection| write::probe(connection, clock::millis())).await
    }
}

fn is_constraint(error: &Cause) -> bool {
    error.downcast_ref().and_then(rusqlite::Error::sqlite_error_code)
        == Some(rusqlite::ErrorCode::ConstraintViolation)
}
