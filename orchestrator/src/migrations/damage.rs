//! What is wrong with the files of migrations: where, what, and what to do about it.

use std::path::{Path, PathBuf};

/// Something that is not as `sutler` wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}; {next}", place(.path, *.line))]
pub struct Damage {
    /// The file or folder.
    pub path: PathBuf,
    /// The line, counted from 1, where there is one to point at.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl Damage {
    /// Damage of a whole file or folder.
    pub(super) fn of(path: &Path, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, what: what.into(), next: next.into() }
    }

    /// Damage at a line.
    pub(super) fn at((path, line): (&Path, usize), what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of(path, what, next) }
    }
}

fn place(path: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    }
}
