//! The repeatable path: what changed in the configuration, written down once, and done once in every environment.
//!
//! ```text
//! draft · rebase · squash          what a new migration is made of
//! standing · completion            whether an environment stands where a migration begins; when it is done
//! progress · lint                  what a ledger says of a chain; what is dangerous in it
//!    │
//! simulate                         an environment that stands exactly at a snapshot
//! folder ──▶ reading ──▶ chain ──▶ sum · step · snapshot · id · damage
//! ```
//!
//! Nothing here asks a broker or takes a lock on state; only `folder` reads and writes files.

mod chain;
mod completion;
mod damage;
mod draft;
mod folder;
mod id;
mod lint;
mod literal;
mod progress;
mod reading;
mod rebase;
mod simulate;
mod snapshot;
mod squash;
mod standing;
mod step;
mod sum;

pub use chain::{Chain, Entry, NewEntry};
pub use completion::Completion;
pub use damage::Damage;
pub use draft::{Draft, DraftError, Literals, draft};
pub use folder::{Folder, Presence, Writer};
pub use id::MigrationId;
pub use lint::{Danger, lint};
pub use progress::{Disagreement, Progress, Row, progress};
pub use rebase::{Conflict, rebased};
pub use simulate::Catalogs;
pub use snapshot::{Declared, Snapshot, target};
pub use squash::squashed;
pub use standing::{Begun, Environment, Standing, standing};
pub use step::{MigrationStep, StandsFor, StepAction, Steps};
