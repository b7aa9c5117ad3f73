//! The broker's store as rows, read by somebody who is not the broker. Sealed columns stay sealed.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};
use serde::Serialize;
use tokio_postgres::Client;

use crate::world::WorldError;

/// All rows that checkers look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoreDump {
    /// Names the installation.
    pub installation: String,
    /// Instances.
    pub instances: Vec<InstanceRow>,
    /// Bindings.
    pub bindings: Vec<BindingRow>,
    /// Operations, oldest first.
    pub operations: Vec<OperationRow>,
    /// Events, oldest first.
    pub events: Vec<EventRow>,
}

/// An instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InstanceRow {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: String,
    /// Its offering.
    pub service: String,
}

/// A binding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BindingRow {
    /// Its instance.
    pub instance: String,
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: String,
}

/// An operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OperationRow {
    /// Its id.
    pub id: String,
    /// Its instance.
    pub instance: String,
    /// Its binding.
    pub binding: Option<String>,
    /// What it does.
    pub work: String,
    /// How it stands.
    pub state: String,
    /// Who works on it.
    pub owner: Option<String>,
    /// How often it was claimed.
    pub fence: i64,
    /// Whether it has a time of its end.
    pub ended: bool,
    /// Whether something sealed is left in it.
    pub sealed: bool,
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EventRow {
    /// What happened.
    pub kind: String,
    /// To which instance.
    pub instance: String,
    /// By which operation.
    pub operation: Option<String>,
}

impl StoreDump {
    /// Reads a store in a file, whether somebody uses it or not. Operations and events are those of these instances.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_sqlite(path: &Path, instances: &[String]) -> Result<Self, WorldError> {
        Self::read_sqlite(path, instances)
            .map_err(|error| WorldError::new("reading the broker's store", error))
    }

    fn read_sqlite(path: &Path, instances: &[String]) -> rusqlite::Result<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // all of it from one moment
        connection.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        let installation: Vec<u8> = connection.query_row(INSTALLATION, [], |row| row.get(0))?;
        let instances = serde_json::json!(instances).to_string();
        let these = "IN (SELECT value FROM json_each(?1))";
        Ok(Self {
            installation: String::from_utf8_lossy(&installation).into_owned(),
            instances: rows(&connection, INSTANCES, None, |row| {
                Ok(InstanceRow { id: row.get(0)?, state: row.get(1)?, service: row.get(2)? })
            })?,
            bindings: rows(&connection, BINDINGS, None, |row| {
                Ok(BindingRow { instance: row.get(0)?, id: row.get(1)?, state: row.get(2)? })
            })?,
            operations: rows(&connection, &operations(these), Some(&instances), operation)?,
            events: rows(&connection, &events(these), Some(&instances), |row| {
                Ok(EventRow { kind: row.get(0)?, instance: row.get(1)?, operation: row.get(2)? })
            })?,
        })
    }

    /// Reads a store in the schema that the client is set to. Operations and events are those of these instances.
    ///
    /// # Errors
    /// When the server does not answer, or there is no store.
    pub(super) async fn of_postgres(
        client: &Client,
        instances: &[String],
    ) -> Result<Self, tokio_postgres::Error> {
        // all of it from one moment
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let installation: Vec<u8> = client.query_one(INSTALLATION, &[]).await?.try_get(0)?;
        let mut store =
            Self { installation: String::from_utf8_lossy(&installation).into_owned(), ..Self::default() };
        for row in client.query(INSTANCES, &[]).await? {
            store.instances.push(InstanceRow {
                id: row.try_get(0)?,
                state: row.try_get(1)?,
                service: row.try_get(2)?,
            });
        }
        for row in client.query(BINDINGS, &[]).await? {
            store.bindings.push(BindingRow {
                instance: row.try_get(0)?,
                id: row.try_get(1)?,
                state: row.try_get(2)?,
            });
        }
        for row in client.query(&operations("= ANY($1)"), &[&instances]).await? {
            store.operations.push(OperationRow {
                id: row.try_get(0)?,
                instance: row.try_get(1)?,
                binding: row.try_get(2)?,
                work: row.try_get(3)?,
                state: row.try_get(4)?,
                owner: row.try_get(5)?,
                fence: row.try_get(6)?,
                ended: row.try_get(7)?,
                sealed: row.try_get(8)?,
            });
        }
        for row in client.query(&events("= ANY($1)"), &[&instances]).await? {
            store.events.push(EventRow {
                kind: row.try_get(0)?,
                instance: row.try_get(1)?,
                operation: row.try_get(2)?,
            });
        }
        client.batch_execute("COMMIT").await?;
        Ok(store)
    }

    /// Whether no operation is in progress.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.operations.iter().all(|operation| operation.state != "in progress")
    }

    /// The operation of this id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&OperationRow> {
        self.operations.iter().find(|operation| operation.id == id)
    }
}

fn operation(row: &Row<'_>) -> rusqlite::Result<OperationRow> {
    Ok(OperationRow {
        id: row.get(0)?,
        instance: row.get(1)?,
        binding: row.get(2)?,
        work: row.get(3)?,
        state: row.get(4)?,
        owner: row.get(5)?,
        fence: row.get(6)?,
        ended: row.get(7)?,
        sealed: row.get(8)?,
    })
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    instances: Option<&str>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map(rusqlite::params_from_iter(instances), read)?.collect()
}

const INSTALLATION: &str = "SELECT value FROM meta WHERE name = 'installation'";
const INSTANCES: &str = "SELECT id, state, service FROM instances";
const BINDINGS: &str = "SELECT instance, id, state FROM bindings";

fn operations(these: &str) -> String {
    format!(
        "SELECT id, instance, binding, work, state, owner, fence, ended_at IS NOT NULL,
         change IS NOT NULL OR checkpoint IS NOT NULL FROM operations WHERE instance {these} ORDER BY sequence"
    )
}

fn events(these: &str) -> String {
    format!("SELECT kind, instance, operation FROM events WHERE instance {these} ORDER BY sequence")
}
