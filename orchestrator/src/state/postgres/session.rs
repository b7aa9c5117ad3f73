//! Running work on the connection: once, or again when the connection was lost, and never twice.
//!
//! ```text
//! BEGIN ─▶ work ─▶ COMMIT ─▶ answer
//!   │        │        └─ no answer: done again, told to look for what it wrote
//!   └────────┴─ connection lost: done again on a new one
//! ```

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex as Plain, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement, Transaction};

use super::connect::connect;
use crate::config::PostgresPlace;
use crate::name::StackName;
use crate::state::StateError;
use crate::state::standing::Gate;

/// How long it is worth trying.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often it is tried in any case: a process that was paused finds its patience gone and its connection closed, and has
/// asked nobody yet.
const LEAST_ATTEMPTS: u32 = 3;
/// How long one try may take: longer than the server lets a statement run.
const ATTEMPT: Duration = Duration::from_secs(70);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Where the database is, and whose state it is to be.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) place: PostgresPlace,
    pub(super) stack: StackName,
    /// Who looks at it.
    pub(super) gate: Gate,
}

impl Place {
    pub(super) fn location(&self) -> String {
        self.place.to_string()
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> StateError {
        StateError::Damaged { location: self.location(), what: what.into() }
    }

    pub(super) fn lost(&self) -> StateError {
        StateError::LockLost { location: self.location() }
    }
}

/// Why work was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The database, or the way to it.
    Database(tokio_postgres::Error),
    /// Nobody answered.
    Silence,
    /// No connection can be made with what we were told.
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// Something else: trying again does not help.
    State(StateError),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StateError> for Trouble {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl Trouble {
    /// Whether it may pass by itself: a lost connection, a server that restarts, a transaction in another's way.
    fn passes(&self) -> bool {
        match self {
            Self::Database(error) => passes(error),
            Self::Silence => true,
            Self::Refused(_) | Self::State(_) => false,
        }
    }

    /// The error that callers get.
    fn told(self, place: &Place, step: &'static str) -> StateError {
        let storage = |source| StateError::Storage { location: place.location(), step, source };
        match self {
            Self::State(error) => error,
            Self::Refused(source) => storage(source),
            Self::Silence => storage("the database did not answer in time".into()),
            Self::Database(error) => match error.code() {
                Some(code) if is_missing(code) => place.damaged(format!("a part is missing: {error}")),
                Some(&SqlState::LOCK_NOT_AVAILABLE) => StateError::Busy { location: place.location() },
                Some(_) => storage(error.into()),
                // A column that holds something else than was written.
                None if error
                    .source()
                    .is_some_and(|source| source.is::<tokio_postgres::types::WrongType>()) =>
                {
                    place.damaged(error.to_string())
                }
                None => storage(error.into()),
            },
        }
    }
}

fn is_missing(code: &SqlState) -> bool {
    [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN, SqlState::INVALID_SCHEMA_NAME].contains(code)
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

/// What a piece of work does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It reads one snapshot.
    Reads,
    /// It writes, at READ COMMITTED: whoever decides first locks the header's row.
    Writes,
}

/// One transaction's worth of work. It may run more than once.
#[async_trait]
pub(super) trait Work: Send + Sync {
    /// What comes of it.
    type Out: Send;
    /// What it does.
    const ACCESS: Access;
    /// As a verb, for errors.
    const STEP: &'static str;

    /// Does it.
    async fn run(&self, session: &Session<'_>) -> Result<Self::Out, Trouble>;
}

/// What the statements of one piece of work run on.
pub(super) struct Session<'s> {
    transaction: Transaction<'s>,
    statements: &'s Plain<HashMap<String, Statement>>,
    pub(super) place: &'s Place,
    /// An earlier try sent its COMMIT and got no answer: what it wrote may be there.
    pub(super) perhaps_written: bool,
}

/// A bound value.
pub(super) type Value<'v> = &'v (dyn ToSql + Sync);

impl Session<'_> {
    /// Runs a statement; how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Trouble> {
        let statement = self.prepared(sql).await?;
        Ok(self.transaction.execute(&statement, values).await?)
    }

    /// Runs a query that gives at most one row.
    pub(super) async fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, Trouble> {
        let statement = self.prepared(sql).await?;
        Ok(self.transaction.query_opt(&statement, values).await?)
    }

    /// Runs a query.
    pub(super) async fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Trouble> {
        let statement = self.prepared(sql).await?;
        Ok(self.transaction.query(&statement, values).await?)
    }

    /// Runs a script without values.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Trouble> {
        Ok(self.transaction.batch_execute(sql).await?)
    }

    async fn prepared(&self, sql: &str) -> Result<Statement, Trouble> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.transaction.prepare(sql).await?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// The one connection of a backend, made when it is needed.
pub(super) struct Database {
    pub(super) place: Place,
    connection: Mutex<Option<Connection>>,
}

struct Connection {
    client: Client,
    statements: Plain<HashMap<String, Statement>>,
}

impl Database {
    pub(super) fn new(place: Place) -> Self {
        Self { place, connection: Mutex::new(None) }
    }

    /// Does the work in a transaction of its own and returns once it is durable.
    pub(super) async fn run<W: Work>(&self, work: &W) -> Result<W::Out, StateError> {
        let mut connection = self.connection.lock().await;
        self.run_on(&mut connection, work).await
    }

    /// The same, after looking whether it is still to be done, once the connection is ours.
    pub(super) async fn run_if<W: Work>(
        &self,
        work: impl FnOnce() -> Option<W>,
    ) -> Option<(W, Result<W::Out, StateError>)> {
        let mut connection = self.connection.lock().await;
        let work = work()?;
        let done = self.run_on(&mut connection, &work).await;
        Some((work, done))
    }

    async fn run_on<W: Work>(
        &self,
        connection: &mut Option<Connection>,
        work: &W,
    ) -> Result<W::Out, StateError> {
        let (since, mut attempts, mut perhaps_written) = (Instant::now(), 0_u32, false);
        loop {
            let mut commit_sent = false;
            // taken out: a caller that gives up in the middle leaves no connection with half a transaction
            let mut taken = connection.take();
            let attempt = self.attempt(&mut taken, work, (perhaps_written, &mut commit_sent));
            let outcome = timeout(ATTEMPT, attempt).await.unwrap_or(Err(Trouble::Silence));
            perhaps_written |= commit_sent;
            match outcome {
                Ok(done) => {
                    *connection = taken;
                    return Ok(done);
                }
                Err(trouble)
                    if trouble.passes() && (attempts < LEAST_ATTEMPTS || since.elapsed() < PATIENCE) =>
                {
                    tracing::debug!(?trouble, attempts, "the database is asked again");
                    attempts += 1;
                    sleep(Duration::from_millis(5 << attempts.min(10)).min(LONGEST_PAUSE)).await;
                }
                Err(trouble) => {
                    if !trouble.passes() {
                        *connection = taken;
                    }
                    return Err(trouble.told(&self.place, W::STEP));
                }
            }
        }
    }

    async fn attempt<W: Work>(
        &self,
        connection: &mut Option<Connection>,
        work: &W,
        (perhaps_written, commit_sent): (bool, &mut bool),
    ) -> Result<W::Out, Trouble> {
        if connection.as_ref().is_none_or(|connection| connection.client.is_closed()) {
            let client = connect(&self.place.place).await?;
            *connection = Some(Connection { client, statements: Plain::default() });
        }
        let Some(Connection { client, statements }) = connection.as_mut() else {
            return Err(Trouble::Silence);
        };
        let begin = client.build_transaction();
        let begin = match W::ACCESS {
            Access::Reads => {
                begin.read_only(true).isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            }
            Access::Writes => begin.isolation_level(tokio_postgres::IsolationLevel::ReadCommitted),
        };
        let transaction = begin.start().await?;
        let session = Session { transaction, statements, place: &self.place, perhaps_written };
        match work.run(&session).await {
            Ok(done) => {
                *commit_sent = W::ACCESS == Access::Writes;
                session.transaction.commit().await?;
                Ok(done)
            }
            Err(trouble) => {
                if !trouble.passes() {
                    session.transaction.rollback().await?;
                }
                Err(trouble)
            }
        }
    }
}
