//! Why a configuration is refused: where, what, and what to do.

use std::{fmt, io, path::PathBuf};

/// A place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1, where they are known.
    pub at: Option<(u64, u64)>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.at.map_or(Ok(()), |(line, column)| write!(f, ":{line}:{column}"))
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("could not read the configuration {}; name it with -c", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not YAML, or not of the expected form.
    #[error("{position}: {message}")]
    Parse {
        /// Where.
        position: Position,
        /// What, with what would be right.
        message: String,
    },
    /// A value cannot be used.
    #[error("{position}: {message}")]
    Value {
        /// Where.
        position: Position,
        /// What, and what to do.
        message: String,
    },
    /// A secret cannot be read.
    #[error("{position}: could not read the secret from {from}")]
    Secret {
        /// Where.
        position: Position,
        /// The file or the variable.
        from: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}
