//! A certificate authority before which something stands that counts, loses and answers instead.
//!
//! The authority is Pebble, a real one for tests. It cannot be made to fail at a given call, so [`Gate`] stands between it
//! and the broker: TLS ends there, each request is handed on, and what was issued and revoked is written down. Pebble 2.4
//! does not say when a certificate should be renewed (RFC 9773); the gate does, from Pebble's own register.

mod gate;
mod hearing;
mod http;
mod ledger;
mod renewal;

pub use gate::{Gate, GateError};
pub use hearing::Hearing;
pub use ledger::Seen;
