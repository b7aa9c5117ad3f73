//! Running work on a connection: once, or again when the connection was lost, and never twice.
//!
//! ```text
//! BEGIN ─▶ work ─▶ COMMIT ─▶ answer
//!   │        │        └─ no answer: done again, told to look for what it wrote
//!   └────────┴─ connection lost: done again
//! ```

use std::{error::Error as _, sync::Arc, time::Duration};

use deadpool_postgres::{ClientWrapper, HookError, Object, PoolError};
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Row, error::SqlState, types::ToSql};
use tracing::debug;

use super::Core;
use crate::{
    faults::{self, Injected},
    store::{StoreError, seal::Sealer},
};

/// How often work is tried, and for how long at most.
const ATTEMPTS: u32 = 12;
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one try may take: longer than the server lets a statement run.
pub(super) const ATTEMPT: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_millis(1_000);

/// What the statements of one piece of work run on.
pub(super) struct Session {
    client: Client,
    pub(super) sealer: Sealer,
    /// An earlier try sent its COMMIT and got no answer: what it wrote may be there.
    pub(super) perhaps_written: bool,
}

/// A bound value.
pub(super) type Value<'a> = &'a (dyn ToSql + Sync);

impl Session {
    /// Runs a statement; how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Trouble> {
        let statement = self.client.get().prepare_cached(sql).await?;
        Ok(self.client.get().execute(&statement, values).await?)
    }

    /// Runs a query that gives at most one row.
    pub(super) async fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, Trouble> {
        let statement = self.client.get().prepare_cached(sql).await?;
        Ok(self.client.get().query_opt(&statement, values).await?)
    }

    /// Runs a query.
    pub(super) async fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Trouble> {
        let statement = self.client.get().prepare_cached(sql).await?;
        Ok(self.client.get().query(&statement, values).await?)
    }

    /// Runs a script without values.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Trouble> {
        Ok(self.client.get().batch_execute(sql).await?)
    }
}

/// What becomes of a transaction whose work is done.
pub(super) enum Conclusion<T> {
    /// What it wrote is to be kept.
    Commit(T),
    /// Nothing of it is.
    Undo(T),
}

impl<T> Conclusion<T> {
    /// The same about something else.
    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> Conclusion<U> {
        match self {
            Self::Commit(result) => Conclusion::Commit(map(result)),
            Self::Undo(result) => Conclusion::Undo(map(result)),
        }
    }
}

/// Why work was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The database or the way to it.
    Database(tokio_postgres::Error),
    /// No connection could be had.
    Pool(PoolError),
    /// Nobody answered.
    Silence,
    /// Something else: trying again does not help.
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Injected> for Trouble {
    fn from(injected: Injected) -> Self {
        Self::Store(injected.into())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Trouble {
    /// Whether another statement of its transaction failed before it.
    pub(super) fn is_a_consequence(&self) -> bool {
        matches!(self, Self::Database(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION))
    }

    /// Whether it may pass by itself: a lost connection, a server that restarts, a transaction that was in another's way.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Pool(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => {
                passes(error)
            }
            Self::Pool(PoolError::Timeout(_)) | Self::Silence => true,
            Self::Pool(_) | Self::Store(_) => false,
        }
    }

    /// The error that callers of the store get.
    pub(super) fn told(self, tell: impl FnOnce(crate::store::Cause) -> StoreError) -> StoreError {
        match self {
            Self::Database(error) => tell(error.into()),
            Self::Pool(error) => tell(error.into()),
            Self::Silence => tell("the database did not answer in time".into()),
            Self::Store(error) => error,
        }
    }
}

fn passes(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            let own = [
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                // a standby that was the primary until now
                SqlState::READ_ONLY_SQL_TRANSACTION,
            ];
            own.contains(code) || code.code().starts_with("08")
        }
        None => error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

/// A connection that goes back to the pool only when nothing is left half done on it.
struct Client {
    object: Option<Object>,
    is_clean: bool,
}

impl Client {
    fn get(&self) -> &ClientWrapper {
        self.object.as_ref().expect("it is taken out on drop only")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| !self.is_clean) {
            drop(Object::take(object));
        }
    }
}

/// Runs work that only reads.
pub(super) async fn read<T>(
    core: &Core,
    work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<T, Trouble>>,
) -> Result<T, StoreError> {
    let mut patience = Patience::new();
    loop {
        let attempt = async {
            let mut session = session(core, false).await?;
            let result = work(&session).await;
            session.client.is_clean = result.as_ref().map_or_else(|trouble| !trouble.passes(), |_| true);
            result
        };
        match timeout(ATTEMPT, attempt).await.unwrap_or(Err(Trouble::Silence)) {
            Ok(found) => return Ok(found),
            Err(trouble) if trouble.passes() && patience.pause(&trouble).await => {}
            Err(trouble) => return Err(trouble.told(StoreError::Read)),
        }
    }
}

/// Runs work in a transaction and returns once it is durable. Work that is told that it is perhaps written looks for
/// what it wrote, and says so instead of writing it again.
pub(super) async fn write<T>(
    core: &Core,
    point: &'static str,
    work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<Conclusion<T>, Trouble>>,
) -> Result<T, StoreError> {
    write_again(core, (point, false), work).await
}

/// The same of work that may be written already, where it says so.
pub(super) async fn write_again<T>(
    core: &Core,
    (point, mut perhaps_written): (&'static str, bool),
    work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<Conclusion<T>, Trouble>>,
) -> Result<T, StoreError> {
    let mut patience = Patience::new();
    loop {
        let mut commit_sent = false;
        let attempt = transaction(core, ("BEGIN", &work), (perhaps_written, &mut commit_sent));
        let outcome = timeout(ATTEMPT, attempt).await.unwrap_or(Err(Trouble::Silence));
        perhaps_written |= commit_sent;
        match outcome {
            Ok(result) => {
                if !commit_sent || faults::pass(point).await.is_ok() {
                    core.counts.committed(u64::from(commit_sent));
                    return Ok(result);
                }
                // an injected fault: the answer to the commit is lost
            }
            Err(trouble) if trouble.passes() && patience.pause(&trouble).await => {}
            Err(trouble) if perhaps_written && trouble.passes() => {
                return Err(trouble.told(|cause| StoreError::Commit(Arc::from(cause))));
            }
            Err(trouble) => return Err(trouble.told(StoreError::Write)),
        }
    }
}

/// Runs work in one transaction, once. Says when its COMMIT is sent.
pub(super) async fn transaction<T>(
    core: &Core,
    (begin, work): (&str, &impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<Conclusion<T>, Trouble>>),
    (perhaps_written, commit_sent): (bool, &mut bool),
) -> Result<T, Trouble> {
    let mut session = session(core, perhaps_written).await?;
    // sent together with the first statement of the work
    let (begun, concluded) = futures_util::join!(session.script(begin), work(&session));
    let concluded = match begun {
        Ok(()) => concluded,
        Err(trouble) => Err(trouble),
    };
    match concluded {
        Ok(Conclusion::Commit(result)) if faults::mutant("answer_before_commit") => {
            tokio::spawn(async move {
                let mut session = session;
                sleep(Duration::from_millis(50)).await;
                // a mistake made on purpose: whether it is durable is told to nobody
                session.client.is_clean = session.script("COMMIT").await.is_ok();
            });
            Ok(result)
        }
        Ok(Conclusion::Commit(result)) => {
            *commit_sent = true;
            session.script("COMMIT").await?;
            session.client.is_clean = true;
            Ok(result)
        }
        Ok(Conclusion::Undo(result)) => {
            session.client.is_clean = session.script("ROLLBACK").await.is_ok();
            Ok(result)
        }
        Err(trouble) => {
            session.client.is_clean = !trouble.passes() && session.script("ROLLBACK").await.is_ok();
            Err(trouble)
        }
    }
}

/// Runs work that reads a lot, in one state of the database and for as long as it takes.
pub(super) async fn look<T>(
    core: &Core,
    work: impl for<'a> Fn(&'a Session) -> BoxFuture<'a, Result<T, Trouble>>,
) -> Result<T, StoreError> {
    let attempt = async {
        let session = session(core, false).await?;
        session
            .script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0")
            .await?;
        // the transaction ends with its connection
        work(&session).await
    };
    attempt.await.map_err(|trouble: Trouble| trouble.told(StoreError::Read))
}

async fn session(core: &Core, perhaps_written: bool) -> Result<Session, Trouble> {
    let object = core.pool.get().await.map_err(Trouble::Pool)?;
    Ok(Session {
        client: Client { object: Some(object), is_clean: false },
        sealer: core.sealer.clone(),
        perhaps_written,
    })
}

/// How much longer it is worth trying.
struct Patience {
    since: Instant,
    attempts: u32,
}

impl Patience {
    fn new() -> Self {
        Self { since: Instant::now(), attempts: 0 }
    }

    /// Waits a little; `false` when it was enough.
    async fn pause(&mut self, trouble: &Trouble) -> bool {
        self.attempts += 1;
        if self.attempts >= ATTEMPTS || self.since.elapsed() > PATIENCE {
            return false;
        }
        debug!(?trouble, attempt = self.attempts, "the database is asked again");
        sleep(Duration::from_millis(10 << self.attempts.min(10)).min(LONGEST_PAUSE)).await;
        true
    }
}
