//! A certificate authority before which something stands that counts, loses and answers instead.
//!
//! The authority is Pebble, a real one for tests. It cannot be made to fail at a given call, so [`Gate`] stands between it
//! and the broker: TLS ends there, each request is handed on, and what was issued and revoked is written down.

mod gate;
mod http;
mod ledger;

pub use gate::{Gate, GateError};
pub use ledger::Seen;
