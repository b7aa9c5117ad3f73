//! What the verbs do. A command takes options, does the work and returns a report; it never prints.
//!
//! ```text
//! plan · apply · teardown · check     read configuration, brokers and state; apply and teardown also write
//! status · outputs · env              read state; status --wait also writes
//! state                               reads it, and changes it by hand
//! catalog · graph · init              read what they name
//!            │
//!   project · failure                 opening everything; why it could not be
//! ```

mod apply;
mod catalog;
mod check;
mod env;
mod failure;
mod graph;
mod init;
mod outputs;
mod plan;
mod project;
pub mod state;
mod status;
mod wait;

pub use apply::{Applied, ApplyOptions, Approval, Prepared, prepare};
pub use catalog::{Listing, catalog};
pub use check::{Checked, Extent, Finding, Verdict, check};
pub use env::{Variables, env};
pub use failure::Failure;
pub use graph::graph;
pub use init::{Written, init};
pub use outputs::{OutputRow, Reveal, outputs};
pub use plan::{PlanOptions, Planned, plan};
pub use project::{Project, Settings, duration};
pub use status::{Declared, Status, status};
pub use wait::{Waited, Waiting, wait};
