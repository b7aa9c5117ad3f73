//! What happened, told to others: one event for each change, at least once, in the order of the journal.
//!
//! ```text
//!   deliver ──▶ file · webhook          appended and flushed · posted, signed, repeated
//!      │
//!   cursor ──▶ event                    how far the file is · CloudEvents 1.0
//! ```
//!
//! The journal is the outbox: an event is durable with the change that it tells. How far a webhook was told is kept with
//! the state: whichever machine comes next goes on from there. A file of events belongs to one machine, and so does the
//! note of how far it is. Where either is lost, everything is told again, and the ids of the events show it.

mod cursor;
mod deliver;
mod event;
mod file;
mod webhook;

pub use deliver::{Outbox, deliver};
pub use event::cloud_event;
