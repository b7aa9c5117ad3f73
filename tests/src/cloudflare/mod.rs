//! A stateful Cloudflare on a loopback port, with a ledger of every call.
//!
//! It knows Cloudflare; it knows nothing of Open Service Broker.
//!
//! ```text
//! server ──▶ exchange ──▶ account      the objects, and what each operation does to them
//!    │          ├──────▶ contract     what may be asked and answered
//!    │          ├──────▶ table        what our providers say that they ask
//!    │          ├──────▶ faults       what goes wrong on cue
//!    │          ├──────▶ rate         how often one may ask
//!    │          └──────▶ ledger       what was asked and what became of it
//!    └──▶ control ──────▶ (all of these, for tests)
//! ```

mod account;
mod call;
mod contract;
mod control;
mod control_http;
pub(crate) mod envelope;
mod exchange;
pub(crate) mod faults;
mod ledger;
mod options;
pub(crate) mod rate;
mod server;
mod table;

pub use account::pages::{Ending, Outcome, ValidationMethod};
pub use account::snapshot::{
    DatabaseState, DomainState, ProjectState, ScriptState, Snapshot, TagState, ThingState, TokenState,
};
pub use contract::{Contract, ContractError};
pub use control::{Control, Refused, Settings};
pub use faults::{CannedAnswer, Fault, FaultAction};
pub use ledger::{Effect, EffectAction, Entry, Kind};
pub use options::{Enforcement, LedgerFile, Options};
pub use rate::RateLimit;
pub use server::{BASE_PATH, CloudflareFake, StartError};
pub use table::Table;
