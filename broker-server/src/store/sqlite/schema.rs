//! Opening a database: settings, schema versions, whose it is.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, config::DbConfig};
use uuid::Uuid;

use super::audit;
use crate::{
    faults,
    store::{Cause, StoreError, seal::Sealer},
};

/// One script per schema version, in order; the n-th makes version n.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
];

/// Opens the connection that writes, brings the schema up to date, and checks the keys before anything is written.
pub(super) fn open_for_writing(path: &Path, sealer: &Sealer) -> Result<(Connection, String), StoreError> {
    let connection = connect(path)?;
    let opened = |source: rusqlite::Error| StoreError::Open {
        store: path.display().to_string(),
        source: source.into(),
    };
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(opened)?;
    check_keys(&connection, version, sealer)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000;
             -- what a savepoint may have to undo: a group of writes has one each, and would write a file for them
             PRAGMA temp_store = MEMORY;",
        )
        .map_err(opened)?;
    migrate(&connection, version)?;
    let installation = identify(&connection, sealer)?;
    audit::begin(&connection, sealer, &installation)?;
    Ok((connection, installation))
}

/// Opens a connection that only reads.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection
        .execute_batch(
            // no mmap: every reader would count the whole file as its memory
            "PRAGMA query_only = ON; PRAGMA cache_size = -2000; PRAGMA busy_timeout = 5000;",
        )
        .map_err(|source: rusqlite::Error| StoreError::Open {
            store: path.display().to_string(),
            source: source.into(),
        })?;
    Ok(connection)
}

/// Checks that a store is there, of this program's version, and sealed with these keys. Its installation.
pub(super) fn check_for_reading(path: &Path, sealer: &Sealer) -> Result<String, StoreError> {
    let opened = |source: Cause| StoreError::Open { store: path.display().to_string(), source };
    // opening would make it
    std::fs::metadata(path).map_err(|error| opened(error.into()))?;
    let connection = open_for_reading(path)?;
    let version = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| opened(error.into()))?;
    check_keys(&connection, version, sealer)?;
    if usize::try_from(version).is_ok_and(|version| version == MIGRATIONS.len()) {
        let id = read_meta(&connection, "installation")?.unwrap_or_default();
        return String::from_utf8(id).map_err(|_| StoreError::Damaged { column: "meta.installation" });
    }
    let older = format!("it has schema version {version}, which this program does not read; serve it once");
    Err(opened(older.into()))
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let opened = |source: rusqlite::Error| StoreError::Open {
        store: path.display().to_string(),
        source: source.into(),
    };
    let connection = Connection::open(path).map_err(opened)?;
    // a plan does not depend on values: otherwise a statement whose table has a partial index is prepared anew each time
    // a value is bound, which costs more than all the rest of a read
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(opened)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn migrate(connection: &Connection, found: i64) -> Result<(), StoreError> {
    for (script, version) in MIGRATIONS.iter().zip(1..).skip_while(|(_, version)| *version <= found) {
        // without its end, all of it is undone when the connection is dropped
        connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {script}"))
            .and_then(|()| Ok(faults::reach("B22")?))
            .and_then(|()| connection.execute_batch(&format!("PRAGMA user_version = {version}; COMMIT;")))
            .map_err(|source| StoreError::Migrate { version, source: source.into() })?;
    }
    Ok(())
}

/// Refuses a newer schema and foreign keys, without having written a byte.
fn check_keys(connection: &Connection, found: i64, sealer: &Sealer) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if found == 0 {
        return Ok(());
    }
    match read_meta(connection, "canary")? {
        Some(canary) => sealer.check_canary(canary),
        None => Ok(()),
    }
}

/// The installation id, made with the canary in one transaction when there is none.
fn identify(connection: &Connection, sealer: &Sealer) -> Result<String, StoreError> {
    if let Some(id) = read_meta(connection, "installation")? {
        return String::from_utf8(id).map_err(|_| StoreError::Damaged { column: "meta.installation" });
    }
    let id = Uuid::new_v4().simple().to_string();
    connection
        .execute(
            "INSERT INTO meta (name, value) VALUES ('installation', ?1), ('canary', ?2)",
            (id.as_bytes(), sealer.canary()),
        )
        .map_err(StoreError::write)?;
    Ok(id)
}

pub(super) fn read_meta(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(StoreError::read)
}
