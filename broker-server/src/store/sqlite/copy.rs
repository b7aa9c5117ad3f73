//! A copy of the database in another file.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;
use sutler_secrets::KeyRing;

use super::schema;
use crate::store::{StoreError, seal::Sealer};

/// Copies everything as it is at one moment, compact, into an empty file. Nobody who writes meanwhile waits.
pub(in crate::store) fn copy(path: &Path, to: &Path, ring: Arc<KeyRing>) -> Result<(), StoreError> {
    schema::check_for_reading(path, &Sealer::new(ring))?;
    let name =
        to.to_str().ok_or_else(|| StoreError::write("the name of the copy is not UTF-8".to_owned()))?;
    let connection = schema::connect(path)?;
    // one snapshot: a copy page by page would begin again with every write of another process
    connection
        .execute_batch("PRAGMA busy_timeout = 5000")
        .and_then(|()| connection.execute("VACUUM main INTO ?1", [name]))
        .map(|_| ())
        .map_err(StoreError::write)
}

/// What is wrong with a copy; nothing, as a rule.
pub(in crate::store) fn look_at_copy(path: &Path, ring: Arc<KeyRing>) -> Result<Option<String>, StoreError> {
    schema::check_for_reading(path, &Sealer::new(ring))?;
    let connection: Connection = schema::open_for_reading(path)?;
    let found: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(StoreError::read)?;
    Ok((found != "ok").then_some(found))
}
