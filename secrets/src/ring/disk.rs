//! Key files on disk: private from their first moment, complete or absent, never reached through a link.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{Damage, KeyRingError};

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const LARGEST: u64 = 1 << 20;
/// What a crashed writer leaves behind is swept away once no live writer can still be using it.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Reads a private regular file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyRingError> {
    let read = |source| KeyRingError::Read { path: path.to_owned(), source };
    let file = open(path)?;
    let metadata = file.metadata().map_err(read)?;
    let mode = metadata.mode() & 0o7777;
    if mode & !FILE_MODE != 0 {
        return Err(KeyRingError::Exposed { path: path.to_owned(), mode });
    }
    if metadata.len() > LARGEST {
        return Err(KeyRingError::Damaged { path: path.to_owned(), damage: Damage::TooLarge });
    }
    // one byte more than needed, so that reading to the end does not move the keys to a larger buffer
    let mut text =
        Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1));
    file.take(metadata.len()).read_to_end(&mut text).map_err(read)?;
    Ok(text)
}

/// Writes a file where nothing is yet.
pub(super) fn create(path: &Path, text: &[u8]) -> Result<(), KeyRingError> {
    let target = Target::of(path)?;
    let publish = |temporary: &Path| fs::hard_link(temporary, path); // unlike a rename, it never replaces anything
    target.make_folder().and_then(|()| target.write(text, publish)).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyRingError::Exists { path: path.to_owned() },
        _ => KeyRingError::Write { path: path.to_owned(), source },
    })
}

/// Writes a file in place of the one that is there, if any.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), KeyRingError> {
    let target = Target::of(path)?;
    let publish = |temporary: &Path| fs::rename(temporary, path);
    target
        .make_folder()
        .and_then(|()| target.write(text, publish))
        .map_err(|source| KeyRingError::Write { path: path.to_owned(), source })
}

/// Opens the regular file that has this very name. Looking before and after opening does what `O_NOFOLLOW` would, which
/// the standard library has no name for.
fn open(path: &Path) -> Result<File, KeyRingError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => KeyRingError::Missing { path: path.to_owned() },
        _ => KeyRingError::Read { path: path.to_owned(), source },
    };
    for _ in 0..8 {
        let named = fs::symlink_metadata(path).map_err(refused)?;
        if named.is_symlink() {
            return Err(KeyRingError::Link { path: path.to_owned() });
        }
        if !named.is_file() {
            return Err(KeyRingError::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(refused)?;
        let opened = file.metadata().map_err(refused)?;
        if (opened.dev(), opened.ino()) == (named.dev(), named.ino()) {
            return Ok(file);
        }
    }
    Err(KeyRingError::Unsteady { path: path.to_owned() })
}

/// A path to write to, taken apart.
struct Target<'a> {
    folder: &'a Path,
    name: &'a OsStr,
}

impl<'a> Target<'a> {
    fn of(path: &'a Path) -> Result<Self, KeyRingError> {
        let name = path.file_name().ok_or_else(|| KeyRingError::NotAFile { path: path.to_owned() })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder, name })
    }

    /// Makes the folders that are missing, each private and durable.
    fn make_folder(&self) -> io::Result<()> {
        let missing: Vec<_> = self.folder.ancestors().take_while(|folder| !is_there(folder)).collect();
        for folder in missing.into_iter().rev() {
            match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {} // made just now
                made => made?,
            }
            sync(folder.parent().filter(|parent| is_there(parent)).unwrap_or(Path::new(".")))?;
        }
        Ok(())
    }

    /// Writes a temporary file beside the target, makes it durable, lets `publish` give it its name, and makes that
    /// durable too.
    fn write(&self, text: &[u8], publish: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        self.sweep();
        let temporary = Temporary(self.folder.join(self.temporary_name()?));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&temporary.0)?;
        file.set_permissions(Permissions::from_mode(FILE_MODE))?; // the umask may have taken bits away
        file.write_all(text)?;
        file.sync_all()?;
        publish(&temporary.0)?;
        drop(temporary);
        sync(self.folder)
    }

    fn temporary_name(&self) -> io::Result<PathBuf> {
        let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        Ok(format!("{}{random:016x}.tmp", self.temporary_prefix()).into())
    }

    fn temporary_prefix(&self) -> String {
        format!(".{}.", self.name.to_string_lossy())
    }

    /// Removes what crashed writers left behind. It holds keys, but nothing depends on its being gone.
    fn sweep(&self) {
        let prefix = self.temporary_prefix();
        let ours = |name: &OsStr| {
            let random = name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".tmp")?;
            (random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())
        };
        let stale = |entry: &fs::DirEntry| {
            entry.metadata().ok()?.modified().ok()?.elapsed().ok().filter(|age| *age > STALE)
        };
        for entry in fs::read_dir(self.folder).into_iter().flatten().flatten() {
            if ours(&entry.file_name()).is_some() && stale(&entry).is_some() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A file that is gone, at the latest, when this is dropped. Once renamed it is gone already.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || fs::symlink_metadata(folder).is_ok()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?.sync_all()
}
