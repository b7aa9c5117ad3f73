//! The broker's store as rows, read by somebody who is not the broker. Sealed columns stay sealed.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};
use serde::Serialize;

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
    /// Reads a store in a file, whether somebody uses it or not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_sqlite(path: &Path) -> Result<Self, WorldError> {
        Self::read_sqlite(path).map_err(|error| WorldError::new("reading the broker's store", error))
    }

    fn read_sqlite(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // all of it from one moment
        connection.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        let installation: Vec<u8> =
            connection
                .query_row("SELECT value FROM meta WHERE name = 'installation'", [], |row| row.get(0))?;
        Ok(Self {
            installation: String::from_utf8_lossy(&installation).into_owned(),
            instances: rows(&connection, "SELECT id, state, service FROM instances", |row| {
                Ok(InstanceRow { id: row.get(0)?, state: row.get(1)?, service: row.get(2)? })
            })?,
            bindings: rows(&connection, "SELECT instance, id, state FROM bindings", |row| {
                Ok(BindingRow { instance: row.get(0)?, id: row.get(1)?, state: row.get(2)? })
            })?,
            operations: rows(
                &connection,
                "SELECT id, instance, binding, work, state, owner, fence, ended_at IS NOT NULL,
                 change IS NOT NULL OR checkpoint IS NOT NULL FROM operations ORDER BY sequence",
                operation,
            )?,
            events: rows(
                &connection,
                "SELECT kind, instance, operation FROM events ORDER BY sequence",
                |row| Ok(EventRow { kind: row.get(0)?, instance: row.get(1)?, operation: row.get(2)? }),
            )?,
        })
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
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], read)?.collect()
}
