//! The crash campaign of the orchestrator: runs of `sutler` that are killed, lied to and cut off, and what has to be true
//! all the same.
//!
//! ```text
//! sweep ──▶ rows ──▶ case (operation · trouble) ──▶ lane
//!                          ┌──proxy──▶ PostgreSQL, S3 server, or a file
//! lane:  sutler, disturbed ┴──proxy──▶ broker process ──▶ vendor fake
//!           └─ state, sink, events       └─ its store        └─ objects
//!                   └───────────────────────┴───────────────────┴──▶ truth (pure)
//! ```
//! The first run is disturbed. The second one is not, and has to finish the work whatever the first one left; then
//! everything is looked at. Points are those of test builds; system calls are those of any build.

mod bucket;
mod case;
mod damage;
mod declared;
mod disturb;
mod lane;
mod mutants;
mod place;
mod rows;
mod sweep;
mod trouble;
mod truth;

pub use bucket::BucketServer;
pub use case::Case;
pub use damage::Damage;
pub use declared::{Declared, Manner, Operation};
pub use lane::{Lane, LaneOptions, Met};
pub use mutants::{HUNTS, Hunt, Hunted, hunt};
pub use place::{Backend, Servers};
pub use rows::{CALLS, DISK_CALLS, Part, Row, shuffled};
pub use sweep::{Pool, Running, run_case, run_rows};
pub use trouble::{Injection, Trouble};
