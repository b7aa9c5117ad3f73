//! One process per store: an advisory lock on a file beside the database, which dies with its process.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::store::StoreError;

/// Held as long as the store is open.
pub(super) struct ProcessLock {
    file: File,
}

impl ProcessLock {
    /// Takes the lock, or says that somebody else has it.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = beside(database);
        let failed = |source| StoreError::Lock { path: path.display().to_string(), source };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: database.display().to_string() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for ProcessLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread has just forked has the descriptor, and with it the lock,
        // until it executes its program. What fails here is left to the closing.
        let _ = self.file.unlock();
    }
}

/// Makes the database file private before SQLite, whose other files take over its mode, opens it.
pub(super) fn make_private(database: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(database)
        .map(|_| ())
        .map_err(|source| StoreError::Lock { path: database.display().to_string(), source })
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_let_go_although_a_forked_child_still_has_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("broker.db");
        let lock = ProcessLock::take(&database).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert!(matches!(ProcessLock::take(&database), Err(StoreError::InUse { .. })));
        drop(lock);
        assert!(ProcessLock::take(&database).is_ok());
        drop(inherited);
    }
}
