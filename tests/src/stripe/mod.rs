//! A stateful Stripe on a loopback port, with a ledger of every call.
//!
//! It knows Stripe; it knows nothing of Open Service Broker.
//!
//! ```text
//! server ──▶ exchange ──▶ resources    what each operation does to the objects of a world (test, live)
//!    │          ├──────▶ keys         answers that are kept under an idempotency key
//!    │          ├──────▶ contract     what may be asked and answered, forms included
//!    │          ├──────▶ table        what our providers say that they ask
//!    │          ├──────▶ faults       what goes wrong on cue
//!    │          └──────▶ ledger       what was asked and what became of it
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

pub use contract::{Contract, ContractError};
pub use control::{Control, Refused};
pub use keys::KeptFailure;
pub use ledger::{Effect, EffectAction, Entry};
pub use options::Options;
pub use server::{StartError, StripeFake};
pub use table::Table;
