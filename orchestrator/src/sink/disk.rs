//! The file itself: never reached through a link, replaced in one step, durable when that returns.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::sink::SinkError;

const LARGEST: u64 = 64 << 20;
const ATTEMPTS: u32 = 8;
/// What a crashed writer leaves behind is swept away once no live writer can still be using it.
const STALE: Duration = Duration::from_secs(60 * 60);

/// What the file holds; nothing when there is none.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SinkError> {
    Ok(look(path)?.bytes)
}

/// Replaces the file by what `change` makes of it, unless that is nothing. Somebody else who writes to it meanwhile
/// loses nothing: `change` is asked again.
pub(super) fn edit(
    path: &Path,
    mut change: impl FnMut(&[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError>,
) -> Result<(), SinkError> {
    for _ in 0..ATTEMPTS {
        let seen = look(path)?;
        let Some(text) = change(&seen.bytes)? else { return Ok(()) };
        if replace(path, &seen, &text).map_err(|source| SinkError::Write { path: path.into(), source })? {
            return Ok(());
        }
    }
    Err(SinkError::Unsteady { path: path.into() })
}

/// A file as it was read.
struct Seen {
    bytes: Zeroizing<Vec<u8>>,
    identity: Option<Identity>,
    mode: u32,
}

/// Tells whether it was written to, or replaced.
#[derive(PartialEq)]
struct Identity(u64, u64, u64, i64, i64);

impl Identity {
    fn of(found: &fs::Metadata) -> Self {
        Self(found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec())
    }
}

fn look(path: &Path) -> Result<Seen, SinkError> {
    let failed = |source| SinkError::Read { path: path.into(), source };
    for _ in 0..ATTEMPTS {
        let named = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Seen { bytes: Zeroizing::default(), identity: None, mode: 0o600 });
            }
            named => named.map_err(failed)?,
        };
        let refused = |what| Err(SinkError::NotAFile { path: path.into(), what });
        match named.file_type() {
            kind if kind.is_symlink() => return refused("a symbolic link"),
            kind if kind.is_dir() => return refused("a folder"),
            kind if !kind.is_file() => return refused("no regular file"),
            _ => {}
        }
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file.map_err(failed)?,
        };
        let opened = file.metadata().map_err(failed)?;
        if opened.len() > LARGEST {
            return Err(SinkError::TooLarge { path: path.into(), limit: LARGEST });
        }
        // Looking before and after opening does what O_NOFOLLOW would, which the standard library has no name for.
        if (opened.dev(), opened.ino()) == (named.dev(), named.ino()) {
            let length = usize::try_from(opened.len()).unwrap_or_default();
            let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
            file.take(opened.len()).read_to_end(&mut bytes).map_err(failed)?;
            let (identity, mode) = (Some(Identity::of(&opened)), opened.mode() & 0o7777);
            return Ok(Seen { bytes, identity, mode });
        }
    }
    Err(SinkError::Unsteady { path: path.into() })
}

/// Replaces the file if it is still the one that was seen.
fn replace(path: &Path, seen: &Seen, text: &[u8]) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    sweep(folder, &name);
    let temporary = Temporary(folder.join(format!("{}{}.tmp", prefix(&name), Uuid::new_v4().simple())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary.0)?;
    file.set_permissions(Permissions::from_mode(seen.mode))?; // whatever the umask says
    file.write_all(text)?;
    file.sync_all()?;
    let now = match fs::symlink_metadata(path) {
        Ok(found) => Some(Identity::of(&found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if now != seen.identity {
        return Ok(false);
    }
    fs::rename(&temporary.0, path)?;
    drop(temporary);
    File::open(folder)?.sync_all()?;
    Ok(true)
}

fn prefix(name: &str) -> String {
    format!(".{}.sutler-", name.trim_start_matches('.'))
}

/// Removes what crashed writers left behind.
fn sweep(folder: &Path, name: &str) {
    let prefix = prefix(name);
    let is_stale = |entry: &fs::DirEntry| {
        let age = entry.metadata().and_then(|found| found.modified()).map(|then| then.elapsed());
        matches!(age, Ok(Ok(age)) if age > STALE)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(".tmp"));
        if ours && is_stale(&entry) {
            let _ = fs::remove_file(entry.path());
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
