//! The crash campaign: a broker that is killed, lied to and cut off, and the invariants it has to keep all the same.
//!
//! ```text
//! sweep ──▶ case (scenario · troubles) ──▶ lane
//!                                         ┌──proxy──▶ PostgreSQL, or a file
//! lane:  platform ──proxy──▶ broker process ──proxy──▶ vendor fake
//!           └─ history          └─ dump of its store      └─ ledger, objects
//!                   └───────────────┴─────────────────────────┴──▶ checks (pure) ──▶ violations
//! ```
//! Faults inside the broker are those of its test builds; the others are made between the processes.

mod answers;
mod broker;
mod case;
pub mod checks;
mod counts;
mod disturbance;
mod dump;
mod evidence;
mod lane;
mod memory;
mod mutants;
mod parts;
mod platform;
mod proxy;
mod random;
mod scenario;
mod sweep;
mod trouble;

pub use answers::BAD_ANSWERS;
pub use broker::{Broker, BrokerOptions};
pub use case::{Case, Outcome, run_case};
pub use counts::Counts;
pub use dump::{BindingRow, EventRow, InstanceRow, OperationRow, StoreDump};
pub use evidence::{Answer, Asked, Call, Evidence, Exchange, Marks, Violation};
pub use lane::{Lane, LaneOptions};
pub use memory::StoreChoice;
pub use mutants::{HUNTS, Hunt, hunt};
pub use parts::{backups, foreign_in_the_way, migrations};
pub use platform::{End, Mode, Platform, Wish};
pub use proxy::{Act, Proxy, Rule, Seen};
pub use random::Random;
pub use scenario::{Scenario, Story, Thing, Verb};
pub use sweep::{
    Row, Running, answers_of, database, disks, in_minutes, keys, kills, messages, points, restarts, run_rows,
    shuffled,
};
pub use trouble::{Side, Trouble};
pub(crate) use trouble::{cut, rule};

/// Where what explains a failure is kept.
#[must_use]
pub fn failures() -> std::path::PathBuf {
    crate::world::Binaries::workspace().join("target/campaign")
}
