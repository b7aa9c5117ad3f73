//! Texts that people read, kept in files. `UPDATE_GOLDEN=1` writes them anew.

use std::{fs, path::PathBuf};

/// A file below the crate's tests.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Compares with a file, or writes it.
pub(crate) fn check(file: &str, text: &str) {
    compare(path("golden").join(file), text);
}

/// Compares with the file at a path, or writes it.
pub(crate) fn compare(path: PathBuf, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}
