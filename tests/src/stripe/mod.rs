//! A stateful Stripe on a loopback port, with a ledger of every call.
//!
//! It knows Stripe; it knows nothing of Open Service Broker.
//!
//! ```text
//! server ──▶ exchange ──▶ resources    what each operation does to the objects of a world (test, live)
//!    │          ├──────▶ keys         answers that are kept under an idempotency key
//!    │          ├──────▶ contract     what may be asked and answered, forms included
//!    │          └──────▶ vendor       faults, rate, ledger: what every fake has
//!    └──▶ control ──────▶ (all of these, for tests)
//!            └─────── control_http, the same for a process of its own
//! ```

mod answer;
mod call;
mod contract;
mod control;
mod control_http;
mod exchange;
mod form;
mod keys;
mod ledger;
mod options;
mod resources;
mod server;
mod table;
mod world;

pub use contract::Contract;
pub use control::{Control, Refused};
pub use keys::KeptFailure;
pub use ledger::{Effect, Entry};
pub use options::Options;
pub use server::StripeFake;

pub use crate::vendor::faults::{CannedAnswer, Fault, FaultAction};
pub use crate::vendor::ledger::{EffectAction, LedgerFile};
pub use crate::vendor::rate::RateLimit;
pub use crate::vendor::schemas::ContractError;
pub use crate::vendor::server::StartError;
pub use crate::vendor::table::Table;
