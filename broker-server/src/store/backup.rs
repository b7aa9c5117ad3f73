//! A copy of a store while it is served: whole, private and looked at before it has its name, or not there at all.
//!
//! ```text
//! FILE.partial (0600, locked) ─▶ copy ─▶ to the disk ─▶ opened and checked ─▶ FILE, which was not there
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use sutler_secrets::KeyRing;

use super::{StoreError, sqlite};
use crate::{config::StoreLocation, faults};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The store is in PostgreSQL.
    #[error(
        "the store is in PostgreSQL; copy it with the tools of the database (pg_dump, or a base backup with its log)"
    )]
    OwnTools,
    /// There is a file of that name.
    #[error("{path} is there already and is left alone; name a file that is not there")]
    Exists {
        /// Which one.
        path: String,
    },
    /// Another process makes the same copy.
    #[error("another backup to {path} is under way")]
    Running {
        /// Where to.
        path: String,
    },
    /// The file system would not let us.
    #[error("could not {step} {path}")]
    File {
        /// What was being done.
        step: &'static str,
        /// To which file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The copy is not what the store is.
    #[error("the copy does not pass the check of the database: {found}")]
    Damaged {
        /// What was found.
        found: String,
    },
    /// The store, or its copy, cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<faults::Injected> for BackupError {
    fn from(injected: faults::Injected) -> Self {
        StoreError::from(injected).into()
    }
}

/// Copies the store, as it is at one moment, to a file that is not there yet, while others use it. Gives the size of the
/// copy in bytes. What an earlier attempt that died has left under another name is taken away.
///
/// # Errors
/// When the store is not a file, the copy's name is taken, or anything on the way fails: then there is no copy.
pub fn backup(location: &StoreLocation, ring: Arc<KeyRing>, to: &Path) -> Result<u64, BackupError> {
    let StoreLocation::Sqlite(store) = location else { return Err(BackupError::OwnTools) };
    let copy = Copy::to(to)?;
    let made = copy.make(store, ring).and_then(|()| copy.publish());
    if made.is_err() {
        // the error is what is told; the next attempt takes away what this cannot
        let _ = fs::remove_file(&copy.partial);
    }
    made
}

/// A copy that is not finished.
struct Copy {
    to: PathBuf,
    partial: PathBuf,
    /// Locked as long as we live.
    file: File,
}

impl Copy {
    fn to(to: &Path) -> Result<Self, BackupError> {
        // a relative name could look like a URL to the database
        let to = std::path::absolute(to).map_err(|source| failed("find", to, source))?;
        let mut partial = to.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        if let Ok(found) = fs::symlink_metadata(&to) {
            // whoever made it died before taking away the name it had before
            if identity(&partial) == Some((found.dev(), found.ino())) {
                let _ = fs::remove_file(&partial);
            }
            return Err(BackupError::Exists { path: to.display().to_string() });
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&partial).map_err(|source| failed("write", &partial, source))?;
        let running = || BackupError::Running { path: to.display().to_string() };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(running()),
            Err(TryLockError::Error(source)) => return Err(failed("lock", &partial, source)),
        }
        let ours = file.metadata().map_err(|source| failed("look at", &partial, source))?;
        if identity(&partial) != Some((ours.dev(), ours.ino())) {
            // whoever had it has just finished
            return Err(running());
        }
        file.set_len(0)
            .and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o600)))
            .map_err(|source| failed("prepare", &partial, source))?;
        Ok(Self { to, partial, file })
    }

    fn make(&self, store: &Path, ring: Arc<KeyRing>) -> Result<(), BackupError> {
        faults::reach("B25")?;
        sqlite::copy(store, &self.partial, ring.clone())?;
        faults::reach("B25")?;
        self.file.sync_all().map_err(|source| failed("bring to the disk", &self.partial, source))?;
        if let Some(found) = sqlite::look_at_copy(&self.partial, ring)? {
            return Err(BackupError::Damaged { found });
        }
        Ok(faults::reach("B25")?)
    }

    /// Gives the copy its name, unless somebody else has taken that meanwhile.
    fn publish(&self) -> Result<u64, BackupError> {
        fs::hard_link(&self.partial, &self.to).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path: self.to.display().to_string() },
            _ => failed("name", &self.to, source),
        })?;
        faults::reach("B25")?;
        fs::remove_file(&self.partial).map_err(|source| failed("remove", &self.partial, source))?;
        let folder = self.to.parent().unwrap_or(Path::new("/"));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .and_then(|()| self.file.metadata())
            .map(|copy| copy.len())
            .map_err(|source| failed("bring to the disk", folder, source))
    }
}

/// Which file a name stands for.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

fn failed(step: &'static str, path: &Path, source: io::Error) -> BackupError {
    BackupError::File { step, path: path.display().to_string(), source }
}
