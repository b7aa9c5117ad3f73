//! What we believe exists: records of instances, the journal of their changes, and the right to change them.
//!
//! ```text
//!            session · relocation         load, check the key, lock, load again; from one place to another
//!               │
//!   ┌────── backend ─────────────────┐    the contract; each below keeps it
//! sqlite · postgres · s3 · memory   contract
//!   └───┬────────────────────────────┘
//!    journal · revision · lock · seal · error
//!               │
//!    transition · record · ledger · status
//! ```

use std::sync::Arc;

use crate::config::{Config, StateUrl};
use crate::name::StackName;

mod backend;
mod book;
mod error;
mod few;
mod journal;
mod ledger;
mod lock;
mod memory;
mod movable;
mod postgres;
mod prepare;
pub mod record;
pub mod relocation;
mod rename;
mod revision;
mod s3;
mod seal;
mod session;
mod sqlite;
mod standing;
pub mod status;
mod transition;

#[cfg(test)]
mod contract;
#[cfg(test)]
pub(crate) mod samples;

pub use backend::{Change, Effect, Extent, Lineage, Seed, State, StateBackend};
pub use error::{Kind, StateError};
pub use journal::{Entry, Hash};
pub use ledger::{AppliedBy, LedgerEntry, LedgerKey, LedgerKind, LedgerOutcome};
pub use lock::{Claim, Holder, Lock, LockInfo};
pub use memory::MemoryBackend;
pub use movable::{Movable, Remaining};
pub use postgres::PostgresBackend;
pub use rename::renaming;
pub use revision::{KEPT, Revision, Snapshot, restoring};
pub use s3::BucketBackend;
pub use seal::{Secrecy, Vault};
pub use session::{Begin, Notice, Session, begin};
pub use sqlite::SqliteBackend;
pub use standing::{Copied, Move, Next, Obstacle, Remains, Side, Standing, current, next};
pub use transition::{Seen, Transition, fields};

/// The format of everything stored; what is newer is refused.
const FORMAT: i64 = 2;
/// The format of a place that is part of a move: what says so is in it. Programs that know nothing of moves refuse it.
const MOVING: i64 = 3;

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

/// The place with this address, for moving a state from or to it. Nothing for a state that is not kept.
#[must_use]
pub fn open_to_move(url: &StateUrl, stack: &StackName) -> Option<Arc<dyn Movable>> {
    let stack = stack.clone();
    match url {
        StateUrl::Sqlite(path) => Some(Arc::new(SqliteBackend::to_move(path.clone(), stack))),
        StateUrl::Postgres(place) => Some(Arc::new(PostgresBackend::to_move(place.clone(), stack))),
        StateUrl::Bucket(place) => Some(Arc::new(BucketBackend::to_move(place.clone(), stack))),
        StateUrl::Memory => None,
    }
}
