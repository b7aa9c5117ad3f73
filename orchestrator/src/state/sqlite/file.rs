//! Where the file is, and how it is opened: never through a link, never when it cannot be a state of ours.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::failure::{damaged, sql, storage};
use crate::name::StackName;
use crate::state::standing::Gate;
use crate::state::{MOVING, StateError};

/// `Sutl`: what marks an SQLite file as a state of ours.
pub(super) const APPLICATION: i64 = 0x5375_746c;
/// The oldest format that can be read; the next lock brings it up to date.
const OLDEST: i64 = 1;
/// How long to wait for another process to finish a write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which file, and whose state it is to be.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) stack: StackName,
    /// Who looks at it.
    pub(super) gate: Gate,
}

impl Place {
    pub(super) fn new(path: PathBuf, stack: StackName, gate: Gate) -> Self {
        Self { path, stack, gate }
    }

    pub(super) fn location(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    /// Whether there is a state. What cannot be one is an error.
    pub(super) fn exists(&self) -> Result<bool, StateError> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) if found.is_symlink() => {
                Err(storage(self, "open", io::Error::other("it is a symbolic link, which is not followed")))
            }
            Ok(found) if !found.is_file() => {
                Err(storage(self, "open", io::Error::other("it is not a regular file")))
            }
            Ok(found) if found.len() == 0 => Err(damaged(self, "it is empty")),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.leftovers().map(|()| false),
            Err(error) => Err(storage(self, "open", error)),
        }
    }

    /// A write-ahead log without its file would be read into whatever file came next.
    fn leftovers(&self) -> Result<(), StateError> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        match std::fs::symlink_metadata(log) {
            Ok(_) => Err(damaged(self, "the file is gone, but its write-ahead log (-wal) is still there")),
            Err(_) => Ok(()),
        }
    }

    /// How much is in the write-ahead log.
    pub(super) fn log_length(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        std::fs::metadata(log).map_or(0, |log| log.len())
    }

    /// The folder it is in.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Makes the folder, private, where there is none.
    pub(super) fn make_folder(&self) -> Result<(), StateError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(self.folder());
        made.map_err(|error| storage(self, "create the folder of", error))
    }

    /// Makes what happened to names in the folder durable.
    pub(super) fn sync_folder(&self) -> Result<(), StateError> {
        let synced = File::open(self.folder()).and_then(|folder| folder.sync_all());
        synced.map_err(|error| storage(self, "make durable", error))
    }

    /// Opens it and sees that it is a state of a format we know.
    pub(super) fn open(&self) -> Result<Connection, StateError> {
        let folder = self.folder().canonicalize().map_err(|error| storage(self, "open", error))?;
        let name = self.path.file_name().ok_or_else(|| damaged(self, "it has no name"))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(folder.join(name), flags).map_err(sql(self, "open"))?;
        connection.busy_timeout(PATIENCE).map_err(sql(self, "open"))?;
        self.recognize(&connection)?;
        settings(&connection).map_err(sql(self, "open"))?;
        self.warn_if_exposed();
        Ok(connection)
    }

    fn recognize(&self, connection: &Connection) -> Result<(), StateError> {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let application = number("application_id").map_err(sql(self, "read"))?;
        if application != APPLICATION {
            return Err(damaged(self, "it is an SQLite database, but not one of Sutler's"));
        }
        self.format(connection).map(|_| ())
    }

    /// The format it has at this moment: one that we can read.
    pub(super) fn format(&self, connection: &Connection) -> Result<i64, StateError> {
        let found = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        match found.map_err(sql(self, "read"))? {
            found if found > MOVING => {
                Err(StateError::NewerFormat { location: self.location(), found, known: MOVING })
            }
            found if found >= OLDEST => Ok(found),
            _ => Err(damaged(self, "its format number is none that ever was")),
        }
    }

    fn warn_if_exposed(&self) {
        let mode = std::fs::metadata(&self.path).map(|found| found.permissions().mode() & 0o077);
        if mode.unwrap_or(0) != 0 {
            tracing::warn!(path = %self.path.display(), "others can read the state file; run chmod 600 on it");
        }
    }
}

/// Durable at every commit (FULL), and no other surprises.
pub(super) fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "mmap_size", 1_i64 << 28)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}
