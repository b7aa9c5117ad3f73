//! What we believe exists: records of instances, the journal of their changes, and the right to change them.
//!
//! ```text
//!            session                      load, check the key, lock, load again
//!               │
//!   ┌────── backend ─────────────────┐    the contract; each below keeps it
//! sqlite · postgres · s3 · memory   contract
//!   └───┬────────────────────────────┘
//!    journal · revision · lock · seal · error
//!               │
//!    transition · record · status
//! ```

use std::sync::Arc;

use crate::config::{Config, StateUrl};

mod backend;
mod book;
mod error;
mod few;
mod journal;
mod lock;
mod memory;
mod postgres;
mod prepare;
pub mod record;
mod rename;
mod revision;
mod s3;
mod seal;
mod session;
mod sqlite;
pub mod status;
mod transition;

#[cfg(test)]
mod contract;
#[cfg(test)]
pub(crate) mod samples;

pub use backend::{Change, Effect, Extent, Lineage, Seed, State, StateBackend};
pub use error::{Kind, StateError};
pub use journal::{Entry, Hash};
pub use lock::{Claim, Holder, Lock, LockInfo};
pub use memory::MemoryBackend;
pub use postgres::PostgresBackend;
pub use rename::renaming;
pub use revision::{KEPT, Revision, Snapshot, restoring};
pub use s3::BucketBackend;
pub use seal::{Secrecy, Vault};
pub use session::{Begin, Notice, Session, begin};
pub use sqlite::SqliteBackend;
pub use transition::{Seen, Transition, fields};

/// The format of everything stored; what is newer is refused.
const FORMAT: i64 = 2;

/// The backend that a configuration names. Opens nothing yet, creates nothing.
#[must_use]
pub fn open(config: &Config) -> Arc<dyn StateBackend> {
    let stack = config.stack.clone();
    match &config.state {
        StateUrl::Sqlite(path) => Arc::new(SqliteBackend::new(path.clone(), stack)),
        StateUrl::Postgres(place) => Arc::new(PostgresBackend::new(place.clone(), stack)),
        StateUrl::Bucket(place) => Arc::new(BucketBackend::new(place.clone(), stack)),
        StateUrl::Memory => Arc::new(MemoryBackend::new(stack)),
    }
}
