//! The files a configuration was read from, and whether they are still what they were (S-03).

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What tells that a file was written again, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), length: metadata.len(), inode: metadata.ino() })
    }
}

/// Some files, as they were when they were last looked at.
#[derive(Debug, Clone, Default)]
pub struct Watched(Vec<(PathBuf, Option<Stamp>)>);

impl Watched {
    /// Watches one more; before it is read, so that no change is missed.
    pub fn add(&mut self, path: impl Into<PathBuf>) {
        let path = path.into();
        let stamp = Stamp::of(&path);
        self.0.push((path, stamp));
    }

    /// Whether one of them is not what it was.
    #[must_use]
    pub fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, stamp)| Stamp::of(path) != *stamp)
    }

    /// Takes them as they are now.
    pub fn look_again(&mut self) {
        for (path, stamp) in &mut self.0 {
            *stamp = Stamp::of(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_replaced_or_removed_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut watched = Watched::default();
        std::fs::write(&path, "a").unwrap();
        watched.add(&path);
        assert!(!watched.have_changed());
        std::fs::write(&path, "ab").unwrap();
        assert!(watched.have_changed());
        watched.look_again();
        assert!(!watched.have_changed());
        std::fs::write(folder.path().join("other"), "ab").unwrap();
        std::fs::rename(folder.path().join("other"), &path).unwrap();
        assert!(watched.have_changed());
        watched.look_again();
        std::fs::remove_file(&path).unwrap();
        assert!(watched.have_changed());
    }
}
