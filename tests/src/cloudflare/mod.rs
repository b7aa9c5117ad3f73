//! A stateful Cloudflare on a loopback port, with a ledger of every call.
//!
//! It knows Cloudflare; it knows nothing of Open Service Broker.
//!
//! ```text
//! server ──▶ exchange ──▶ account      the objects, and what each operation does to them
//!    ├─────▶ s3 ─┤                      the same for R2's S3 interface
//!    │          ├──────▶ contract     what may be asked and answered
//!    │          └──────▶ vendor       faults, rate, ledger: what every fake has
//!    └──▶ control ──────▶ (all of these, for tests)
//! ```

mod account;
mod contract;
mod control;
mod control_http;
pub(crate) mod envelope;
mod exchange;
mod ledger;
mod options;
mod s3;
mod server;
mod table;

pub use account::pages::{Ending, Outcome, ValidationMethod};
pub use account::snapshot::{
    DatabaseState, DomainState, ProjectState, ScriptState, Snapshot, TagState, ThingState, TokenState,
};
pub use control::{Control, Refused, Settings};
pub use ledger::{Effect, Entry, Kind};
pub use options::{Enforcement, Options};
pub use s3::S3_BASE_PATH;
pub use server::{BASE_PATH, CloudflareFake};

use crate::vendor::call;
pub use crate::vendor::contract::Contract;
pub use crate::vendor::faults::{CannedAnswer, Fault, FaultAction};
pub use crate::vendor::ledger::{EffectAction, LedgerFile};
pub use crate::vendor::rate::RateLimit;
pub use crate::vendor::schemas::ContractError;
pub use crate::vendor::server::StartError;
pub use crate::vendor::table::Table;
