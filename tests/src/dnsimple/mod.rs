//! A stateful DNSimple on a loopback port, with a ledger of every call.
//!
//! It knows DNSimple; it knows nothing of Open Service Broker.
//!
//! ```text
//! server ──▶ exchange ──▶ account      the objects, and what each operation does to them
//!    │          ├──────▶ contract     what may be asked and answered
//!    │          └──────▶ vendor       faults, rate, ledger: what every fake has
//!    └──▶ control ──────▶ (all of these, for tests)
//! ```

mod account;
mod answer;
mod contract;
mod control;
mod control_http;
mod exchange;
mod ledger;
mod options;
mod server;
mod table;

pub use account::{Charge, Ending, Thing};
pub use control::{Control, Refused};
pub use ledger::{Effect, Entry, Kind};
pub use options::{Options, Pace};
pub use server::{BASE_PATH, DnsimpleFake};

pub use crate::vendor::contract::Contract;
pub use crate::vendor::faults::{CannedAnswer, Fault, FaultAction};
pub use crate::vendor::ledger::{EffectAction, LedgerFile};
pub use crate::vendor::rate::RateLimit;
pub use crate::vendor::schemas::ContractError;
pub use crate::vendor::server::StartError;
pub use crate::vendor::table::Table;
