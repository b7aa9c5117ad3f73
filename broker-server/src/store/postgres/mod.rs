//! The store in PostgreSQL, for any number of processes: conditional writes on owner and fence that share commits, claims
//! that skip what others hold, the database's clock, and no promise that rests on a connection.

mod audit;
mod bindings;
mod budgets;
mod census;
mod events;
mod expenses;
mod group;
mod instances;
mod operations;
mod pool;
mod reseal;
mod row;
mod schema;
#[cfg(test)]
mod tests;
mod transact;
mod write;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use deadpool_postgres::Pool;
use futures_util::{FutureExt, future::BoxFuture};
use sutler_secrets::KeyRing;
use sutler_spec::{BindingId, InstanceId};
use tokio::runtime::Runtime;
use tracing::info;
use uuid::Uuid;

use self::{
    group::{Groups, Write, Written},
    row::Reading,
    transact::{Conclusion, Session, Trouble},
};
use super::{
    Amended, AuditReport, Begin, Begun, BrokerStore, Census, Event, Resealed, Save, Statistics, StoreError,
    Subject, Which, column, reseal::Cursor, seal::Sealer,
};
use crate::{
    binding::Binding,
    budget::{AccountKey, Ledger, Terms, Turn},
    circuit::{Circuit, Heard, Rules},
    config::PostgresAddress,
    instance::Instance,
    operation::{Lease, Operation, OperationId, OperationStatus, owner_token},
};

/// A PostgreSQL database, shared by any number of processes.
pub struct PostgresStore {
    core: Core,
    groups: Groups,
    installation: String,
    /// Connections live here: no caller's runtime ends under them, and no caller that gives up leaves half a
    /// transaction behind.
    runtime: Option<Runtime>,
}

#[derive(Clone)]
struct Core {
    pool: Pool,
    sealer: Sealer,
    counts: Arc<Counts>,
    cursor: Arc<Mutex<Cursor>>,
}

impl Core {
    fn new(address: &PostgresAddress, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        Ok(Self {
            pool: pool::pool(address)?,
            sealer: Sealer::new(ring),
            counts: Arc::default(),
            cursor: Arc::default(),
        })
    }
}

/// What this process did, for metrics.
#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    writes: AtomicU64,
    waiting: AtomicU64,
}

impl Counts {
    /// A transaction of so many writes; of none, where nothing was to be written.
    fn committed(&self, writes: u64) {
        self.commits.fetch_add(writes.min(1), Ordering::Relaxed);
        self.writes.fetch_add(writes, Ordering::Relaxed);
    }
}

impl PostgresStore {
    /// Connects, brings the schema up to date, and checks the keys before anything is written. Blocks until then.
    ///
    /// # Errors
    /// When the database cannot be reached, its schema is newer than this program, or it was sealed with other keys.
    pub fn open(address: &PostgresAddress, ring: Arc<KeyRing>) -> Result<Self, StoreError> {
        let runtime = start_runtime(address)?;
        let core = Core::new(address, ring)?;
        let (opening, schema) = (core.clone(), address.schema.clone());
        let opened = wait_for(&runtime, address, async move {
            transact::write(&opening, "", move |session| {
                let schema = schema.clone();
                async move { schema::open(session, &schema).await }.boxed()
            })
            .await
        });
        match opened {
            Ok(opened) => {
                if let Some(version) = opened.migrated {
                    info!(version, store = %address, "the schema was brought up to date");
                }
                *core.cursor.lock().unwrap_or_else(PoisonError::into_inner) =
                    opened.canary.map(Cursor::proven).unwrap_or_default();
                let groups = Groups::start(&core, address.connections, runtime.handle());
                Ok(Self { core, groups, installation: opened.installation, runtime: Some(runtime) })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.core.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work that reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<T, Trouble>> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let core = self.core.clone();
        self.run(async move { transact::read(&core, work).await }).await
    }

    /// Does work that writes.
    async fn write<T: Send + 'static>(
        &self,
        work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<Conclusion<T>, Trouble>>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, StoreError> {
        let core = self.core.clone();
        self.run(async move { transact::write(&core, "", work).await }).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let runtime = self.runtime.as_ref().ok_or(StoreError::Closed)?;
        runtime.spawn(work).await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // whoever drops a store may be in a runtime itself, where nothing may block
            runtime.shutdown_background();
        }
    }
}

fn start_runtime(address: &PostgresAddress) -> Result<Runtime, StoreError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("sutler-store")
        .enable_all()
        .build()
        .map_err(|error| StoreError::Open { store: address.to_string(), source: error.into() })
}

/// Waits for work without being in a runtime, or while being in another one.
fn wait_for<T: Send + 'static>(
    runtime: &Runtime,
    address: &PostgresAddress,
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, done) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        // nobody listens any more: the process is ending
        let _ = sender.send(work.await);
    });
    match done.recv().map_err(|_| StoreError::Closed).flatten() {
        Err(StoreError::Write(source) | StoreError::Read(source)) => {
            Err(StoreError::Open { store: address.to_string(), source })
        }
        done => done,
    }
}

/// Follows the audit chain, whoever else uses the store.
pub(super) fn verify_audit(address: &PostgresAddress, ring: Arc<KeyRing>) -> Result<AuditReport, StoreError> {
    look(address, ring, |session| {
        async move {
            let installation = schema::read_meta(session, "installation").await?.unwrap_or_default();
            let installation =
                String::from_utf8(installation).map_err(column::damaged("meta.installation"))?;
            audit::verify(session, &installation).await
        }
        .boxed()
    })
}

/// How many sealed values need each key.
pub(super) fn keys_in_use(
    address: &PostgresAddress,
    ring: Arc<KeyRing>,
) -> Result<BTreeMap<String, u64>, StoreError> {
    look(address, ring, |session| async move { reseal::keys_in_use(session).await }.boxed())
}

/// Reads from a store without opening it.
fn look<T: Send + 'static>(
    address: &PostgresAddress,
    ring: Arc<KeyRing>,
    work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<T, Trouble>> + Send + Sync + 'static,
) -> Result<T, StoreError> {
    let runtime = start_runtime(address)?;
    let core = Core::new(address, ring)?;
    let found = wait_for(&runtime, address, async move { transact::look(&core, work).await });
    runtime.shutdown_background();
    found
}

#[async_trait]
impl BrokerStore for PostgresStore {
    fn installation(&self) -> &str {
        &self.installation
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        let id = id.clone();
        self.read(move |session| {
            let id = id.clone();
            async move { instances::get(session, &id).await }.boxed()
        })
        .await
    }

    async fn binding(&self, instance: &InstanceId, id: &BindingId) -> Result<Option<Binding>, StoreError> {
        let key = (instance.clone(), id.clone());
        self.read(move |session| {
            let key = key.clone();
            async move { bindings::get(session, (&key.0, &key.1)).await }.boxed()
        })
        .await
    }

    async fn bindings(&self, instance: &InstanceId) -> Result<Vec<BindingId>, StoreError> {
        let instance = instance.clone();
        self.read(move |session| {
            let instance = instance.clone();
            async move { bindings::of(session, &instance).await }.boxed()
        })
        .await
    }

    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError> {
        let id = id.clone();
        self.read(move |session| {
            let id = id.clone();
            async move { operations::get(session, &id).await }.boxed()
        })
        .await
    }

    async fn status(
        &self,
        subject: &Subject,
        named: Option<&OperationId>,
    ) -> Result<Option<OperationStatus>, StoreError> {
        let asked = (subject.clone(), named.cloned());
        self.read(move |session| {
            let asked = asked.clone();
            async move { operations::status(session, &asked.0, asked.1.as_ref()).await }.boxed()
        })
        .await
    }

    async fn active(&self, instance: &InstanceId) -> Result<Option<OperationStatus>, StoreError> {
        let instance = instance.clone();
        self.read(move |session| {
            let instance = instance.clone();
            async move { operations::active(session, &instance).await }.boxed()
        })
        .await
    }

    async fn begin(&self, begin: Begin) -> Result<Begun, StoreError> {
        column::check_begin(&begin)?;
        match self.groups.write(Write::Begin(Box::new(begin))).await? {
            Written::Begun(begun) => Ok(begun),
            Written::Saved => Err(StoreError::Closed),
        }
    }

    async fn save(&self, save: Save) -> Result<(), StoreError> {
        column::check_save(&save)?;
        let name = Uuid::now_v7().to_string();
        self.groups.write(Write::Save(Box::new(save), name)).await.map(|_| ())
    }

    async fn let_go(&self, lease: &Lease, instance: &InstanceId) -> Result<(), StoreError> {
        let held = Arc::new((lease.clone(), instance.clone()));
        self.write(move |session| {
            let held = held.clone();
            async move { operations::let_go(session, (&held.0, &held.1)).await.map(Conclusion::Commit) }
                .boxed()
        })
        .await
    }

    async fn catalog_since(&self, digest: &str) -> Result<SystemTime, StoreError> {
        let digest = Arc::<str>::from(digest);
        self.write(move |session| {
            let digest = digest.clone();
            async move { write::catalog_since(session, &digest).await.map(Conclusion::Commit) }.boxed()
        })
        .await
    }

    async fn amend(&self, instance: Instance, event: Event) -> Result<Amended, StoreError> {
        column::check_amend(&instance, &event)?;
        let amend = Arc::new((instance, event, Uuid::now_v7().to_string()));
        self.write(move |session| {
            let amend = amend.clone();
            async move { write::amend(session, (&amend.0, &amend.1, &amend.2)).await }.boxed()
        })
        .await
    }

    async fn claim(&self, lease: Duration, limit: usize) -> Result<Vec<(Lease, Operation)>, StoreError> {
        let owner = Arc::<str>::from(owner_token());
        self.write(move |session| {
            let owner = owner.clone();
            async move { write::claim(session, (&owner, lease, limit)).await }.boxed()
        })
        .await
    }

    /// Always 0: a process never knows that it is alone, and what another one holds is claimed when its lease is over.
    async fn take_over(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.read(move |session| async move { next_due(session).await }.boxed()).await
    }

    async fn forget(&self, older_than: Duration) -> Result<u64, StoreError> {
        self.write(move |session| async move { write::forget(session, older_than).await }.boxed()).await
    }

    async fn reserve(
        &self,
        account: &AccountKey,
        wanted: u32,
        terms: Terms,
    ) -> Result<(Turn, Circuit), StoreError> {
        let account = account.clone();
        self.write(move |session| {
            let account = account.clone();
            async move {
                let take = |ledger: Ledger, now| {
                    let (after, turn) = ledger.take(now, wanted, &terms);
                    (after, (turn, after.circuit))
                };
                budgets::change(session, &account, take).await
            }
            .boxed()
        })
        .await
    }

    async fn hear(&self, account: &AccountKey, heard: Heard, rules: Rules) -> Result<Circuit, StoreError> {
        let account = account.clone();
        self.write(move |session| {
            let account = account.clone();
            async move {
                let hear = |ledger: Ledger, now| {
                    let after = ledger.hear(heard, now, &rules);
                    (after, after.circuit)
                };
                budgets::change(session, &account, hear).await
            }
            .boxed()
        })
        .await
    }

    async fn slow_down(&self, account: &AccountKey, closed_for: Duration) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |session| {
            let account = account.clone();
            async move {
                let close = |ledger: Ledger, now| (ledger.closed_for(now, closed_for), ());
                budgets::change(session, &account, close).await
            }
            .boxed()
        })
        .await
    }

    async fn instances(
        &self,
        which: Which,
        after: Option<&InstanceId>,
        limit: usize,
    ) -> Result<Vec<InstanceId>, StoreError> {
        let after = after.cloned();
        self.read(move |session| {
            let after = after.clone();
            async move { instances::list(session, which, (after.as_ref(), limit)).await }.boxed()
        })
        .await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        self.read(|session| async move { census::take(session).await }.boxed()).await
    }

    fn statistics(&self) -> Statistics {
        let (pool, counts) = (self.core.pool.status(), &self.core.counts);
        Statistics {
            commits: counts.commits.load(Ordering::Relaxed),
            writes: counts.writes.load(Ordering::Relaxed),
            waiting: pool.waiting as u64 + counts.waiting.load(Ordering::Relaxed),
            connections: pool.size as u64,
            connections_in_use: pool.size.saturating_sub(pool.available) as u64,
        }
    }

    async fn chain_events(&self, limit: usize) -> Result<usize, StoreError> {
        self.write(move |session| async move { audit::chain(session, limit).await }.boxed()).await
    }

    async fn reseal(&self, limit: usize) -> Result<Resealed, StoreError> {
        let cursor = self.cursor().clone().towards(self.core.sealer.ring().current());
        if cursor.is_done {
            return Ok(Resealed { rows: 0, is_done: true });
        }
        let Some(table) = cursor.table() else {
            let is_done = cursor.is_clean();
            if is_done {
                self.write(|session| async move { reseal::canary(session).await }.boxed()).await?;
            }
            *self.cursor() = cursor.over();
            return Ok(Resealed { rows: 0, is_done });
        };
        let from = Arc::new(cursor.clone());
        let page = self
            .write(move |session| {
                let from = from.clone();
                async move { reseal::page(session, (table, &from, limit)).await }.boxed()
            })
            .await?;
        let rows = page.rows;
        *self.cursor() = cursor.past(page, limit);
        Ok(Resealed { rows, is_done: false })
    }

    async fn replace_keys(&self, ring: Arc<KeyRing>) -> Result<(), StoreError> {
        let canary =
            self.read(|session| async move { schema::read_meta(session, "canary").await }.boxed()).await?;
        canary.map_or(Ok(()), |canary| Sealer::new(ring.clone()).check_canary(canary))?;
        self.core.sealer.replace(ring);
        Ok(())
    }

    async fn now(&self) -> Result<SystemTime, StoreError> {
        self.read(|session| async move { now(session).await }.boxed()).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|session| async move { write::probe(session).await }.boxed()).await
    }
}

async fn now(session: &Session) -> Result<SystemTime, Trouble> {
    let row = session.row("SELECT clock_timestamp()", &[]).await?;
    let now: Option<SystemTime> = row.map(|row| row.column(0)).transpose()?;
    Ok(now.ok_or(StoreError::Damaged { column: "clock_timestamp" })?)
}

async fn next_due(session: &Session) -> Result<Option<Duration>, Trouble> {
    let sql = "SELECT (extract(epoch FROM min(due_at) - clock_timestamp()) * 1000)::bigint FROM operations
               WHERE state = 'in progress'";
    let due: Option<i64> = session.row(sql, &[]).await?.map(|row| row.column(0)).transpose()?.flatten();
    Ok(due.map(|due| Duration::from_millis(due.max(0).unsigned_abs())))
}
