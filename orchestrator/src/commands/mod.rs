//! What the verbs do. A command takes options, does the work and returns a report; it never prints.
//!
//! ```text
//! rekey                               exchanges the key of everything
//! history · events                    read the journal; events also delivers it
//! plan · apply · teardown · check     read configuration, brokers and state; apply and teardown also write
//! pull                                asks the brokers about everything in state; --reconcile also writes
//! discover · adopt                    asks the brokers what else there is; adopt carries out a plan, as apply does
//! upgrade · rotate                    the same; what is carried out is a plan, as with apply
//! generate · migrate                  write migrations; run them
//! status · outputs · env              read state; status --wait also writes
//! state                               reads it, changes it by hand, moves it to another place
//! catalog · graph · init · derive     read what they name
//!            │
//!   project · anchor · saved · failure     opening everything; why it could not be
//! ```

mod adopt;
mod anchor;
mod apply;
mod catalog;
mod check;
mod derive;
mod discover;
mod env;
mod events;
mod failure;
mod graph;
mod history;
mod init;
pub mod migrations;
mod observe;
mod outputs;
mod plan;
mod project;
mod pull;
mod rekey;
mod saved;
pub mod state;
mod status;
mod upkeep;
mod wait;

pub use adopt::{AdoptOptions, Adoptable, ToDeclare, adoptable};
pub use anchor::Rollback;
pub use apply::{Applied, ApplyOptions, Approval, Prepared, prepare, prepare_saved};
pub use catalog::{Listing, catalog};
pub use check::{Checked, Compared, Extent, Finding, Matter, check};
pub use derive::{Derived, derive};
pub use discover::{Discovered, Found, Scope, discover};
pub use env::{Variables, env, recipient};
pub use events::{Counted, Counts, counts, deliver, entries};
pub use failure::Failure;
pub use graph::graph;
pub use history::{History, history};
pub use init::{Written, init};
pub use observe::{Field, Observed, Patience, Standing, Verdict, Wait};
pub use outputs::{OutputRow, Outputs, Reveal, outputs};
pub use plan::{PlanOptions, Planned, plan};
pub use project::{Project, Settings, duration};
pub use pull::{Line, Pulled, Reconciled, Reconciliation, pull, reconciliation};
pub use rekey::{Rekeyed, rekey};
pub use saved::SavedPlan;
pub use status::{Declared, Status, status};
pub use upkeep::{rotatables, upgrades};
pub use wait::{Waited, Waiting, wait};

use crate::name::InstanceRef;
use crate::reference::written::is_reserved;

/// The ref of an instance that is to be declared.
///
/// # Errors
/// When it is none, or means something else in a configuration.
fn new_reference(text: &str) -> Result<InstanceRef, Failure> {
    if is_reserved(text) {
        let why = format!(
            "no instance can be called '{text}': it means something else in a configuration; choose another ref"
        );
        return Err(Failure::usage(why));
    }
    InstanceRef::new(text).map_err(|error| Failure::usage(error.to_string()))
}
