//! Why the store did not do what was asked, whichever database it is in.

use std::{error::Error, sync::Arc};

/// What the database said.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be opened or reached.
    #[error("could not open the store {store}")]
    Open {
        /// Which one: a path, or an address without secrets.
        store: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The lock file cannot be made.
    #[error("could not lock the store at {path}")]
    Lock {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the store open.
    #[error(
        "the store at {path} is in use by another process; stop it first, or give this one a store of its own"
    )]
    InUse {
        /// Where.
        path: String,
    },
    /// The file is where other machines may have it, too.
    #[error(
        "the store at {path} is on a network file system ({kind}), where two machines could write it at once; put it on \
         a local disk, or use PostgreSQL"
    )]
    Network {
        /// Where.
        path: String,
        /// What the file system is called.
        kind: String,
    },
    /// The schema was written by a newer version.
    #[error("the store has schema version {found}, this program knows up to {known}; use the newer program")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// The key ring is not the one the store was sealed with.
    #[error("the store was sealed with other keys; use the key ring that belongs to it")]
    WrongKeys(#[source] sutler_secrets::OpenError),
    /// A schema migration failed.
    #[error("could not migrate the store to schema version {version}")]
    Migrate {
        /// The version it was to become.
        version: i64,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A row could not be read.
    #[error("could not read from the store")]
    Read(#[source] Cause),
    /// A row could not be written.
    #[error("could not write to the store")]
    Write(#[source] Cause),
    /// The transaction may or may not be durable.
    #[error("could not commit to the store")]
    Commit(#[source] Arc<dyn Error + Send + Sync>),
    /// A sealed column does not open.
    #[error("could not open the sealed column {column}")]
    Unseal {
        /// Table and column.
        column: &'static str,
        /// Why.
        #[source]
        source: sutler_secrets::OpenError,
    },
    /// A column holds what no version of ours wrote.
    #[error("the column {column} holds an unknown value")]
    Damaged {
        /// Table and column.
        column: &'static str,
    },
    /// A text that no store keeps: it has a NUL character (S-16).
    #[error("the column {column} cannot hold a NUL character")]
    Nul {
        /// Table and column.
        column: &'static str,
    },
    /// A purchase would break a limit of what may be spent in a month; nothing was written.
    #[error("{0}")]
    Overspent(Box<crate::expense::Exceeded>),
    /// The lease was lost: somebody else goes on, or the operation has ended.
    #[error("the lease on the operation was lost")]
    LeaseLost,
    /// The writer has stopped.
    #[error("the store has been closed")]
    Closed,
}

impl StoreError {
    /// A row could not be read.
    pub(super) fn read(source: impl Into<Cause>) -> Self {
        Self::Read(source.into())
    }

    /// A row could not be written.
    pub(super) fn write(source: impl Into<Cause>) -> Self {
        Self::Write(source.into())
    }
}
