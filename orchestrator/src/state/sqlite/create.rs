//! Making a state: complete under a temporary name first, so that its own name never shows a part of one.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use rusqlite::{Connection, Transaction, params};
use uuid::Uuid;

use super::column::Count;
use super::failure::{sql, storage};
use super::file::{APPLICATION, Place, settings};
use crate::state::journal::{Tip, origin};
use crate::state::movable::Birth;
use crate::state::{FORMAT, MOVING, StateError};

const SCHEMA: &str = "
CREATE TABLE header (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    stack TEXT NOT NULL,
    lineage TEXT NOT NULL,
    canary TEXT NOT NULL,
    origin BLOB NOT NULL,   -- hash of the three above and the format
    serial INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    head BLOB NOT NULL,     -- hash of the journal's last entry
    fold BLOB NOT NULL,     -- sum of the records' hashes
    records INTEGER NOT NULL,
    born INTEGER NOT NULL DEFAULT 1   -- the format it was made in: what the origin is made of
) STRICT;
CREATE TABLE lock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fence INTEGER NOT NULL,
    token TEXT,
    info TEXT
) STRICT;
CREATE TABLE record (   -- rows of one run lie side by side: a group of commits touches few pages
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    serial INTEGER NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    run TEXT NOT NULL,
    reference TEXT NOT NULL,
    what TEXT NOT NULL,
    record BLOB,
    fold BLOB NOT NULL,
    hash BLOB NOT NULL,
    format INTEGER NOT NULL DEFAULT 1,   -- the format it was written in: what the hash is made of
    change BLOB,
    ordinal INTEGER NOT NULL DEFAULT 0,
    incarnation INTEGER NOT NULL DEFAULT 0,
    transitions TEXT NOT NULL DEFAULT '[]'
) STRICT;
INSERT INTO lock (id, fence) VALUES (1, 0);
";

/// What format 2 has beyond format 1, but for columns.
const REVISIONS: &str = "
CREATE INDEX journal_of ON journal (reference, sequence);
CREATE TABLE revision (
    serial INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    head BLOB NOT NULL,
    fold BLOB NOT NULL,
    records INTEGER NOT NULL,
    digest BLOB NOT NULL,
    run TEXT NOT NULL,
    at TEXT NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL      -- the names of its chunks
) STRICT;
CREATE TABLE chunk (   -- what revisions hold; they share what is equal
    digest BLOB PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// From format 1. What was written stays as it was, hashes included; a program of that time that is still running can
/// go on reading.
const COLUMNS: &str = "
ALTER TABLE header ADD COLUMN born INTEGER NOT NULL DEFAULT 1;
ALTER TABLE journal ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE journal ADD COLUMN change BLOB;
ALTER TABLE journal ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN transitions TEXT NOT NULL DEFAULT '[]';
";

/// Where a place that is part of a move says so.
pub(super) const STANDING: &str =
    "CREATE TABLE IF NOT EXISTS standing (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;";

/// Brings an older format up to date, as part of the transaction that takes the lock.
pub(super) fn upgrade(transaction: &Transaction<'_>, found: i64) -> rusqlite::Result<()> {
    if found < 2 {
        transaction.execute_batch(COLUMNS)?;
        transaction.execute_batch(REVISIONS)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    Ok(())
}

/// Makes a state with nothing in it, unless there is one by now. Durable when it returns.
pub(super) fn state(place: &Place, birth: &Birth) -> Result<(), StateError> {
    place.make_folder()?;
    let temporary = Temporary::new(place);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary.0);
    let file = file.map_err(|error| storage(place, "create", error))?;
    // The umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(0o600)).map_err(|error| storage(place, "create", error))?;
    drop(file);
    fill(place, birth, &temporary).map_err(sql(place, "create"))?;
    let synced = File::open(&temporary.0).and_then(|file| file.sync_all());
    synced.map_err(|error| storage(place, "create", error))?;
    // Unlike a rename, a link never replaces anything.
    match std::fs::hard_link(&temporary.0, &place.path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(storage(place, "create", error));
        }
        _ => {}
    }
    drop(temporary);
    place.sync_folder()
}

fn fill(place: &Place, birth: &Birth, temporary: &Temporary) -> rusqlite::Result<()> {
    let connection = Connection::open(&temporary.0)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    settings(&connection)?;
    let Birth { born, lineage, ref canary, fence, ref standing } = *birth;
    let origin = origin(born, &place.stack, lineage, canary);
    let Tip { serial, sequence, head, fold } = Tip::start(origin);
    let transaction = connection.unchecked_transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    let format = if standing.is_some() { MOVING } else { FORMAT };
    transaction.pragma_update(None, "user_version", format)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(REVISIONS)?;
    if let Some(standing) = standing {
        transaction.execute_batch(STANDING)?;
        transaction.execute("INSERT INTO standing (id, body) VALUES (1, ?1)", [standing])?;
    }
    transaction.execute("UPDATE lock SET fence = ?1", [Count(fence)])?;
    transaction.execute(
        "INSERT INTO header (id, stack, lineage, canary, origin, serial, sequence, head, fold, records, born) \
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)",
        params![
            place.stack.as_str(),
            lineage.to_string(),
            canary,
            origin,
            Count(serial),
            Count(sequence),
            head,
            fold,
            born
        ],
    )?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

/// A file that is gone, with what SQLite put beside it, when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(place: &Place) -> Self {
        let name = place.path.file_name().unwrap_or_default().to_string_lossy();
        Self(place.folder().join(format!(".{name}.{}.new", Uuid::new_v4().simple())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
    }
}
