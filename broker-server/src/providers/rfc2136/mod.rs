//! A zone on the operator's own name server, changed by signed messages (RFC 2136 with TSIG).
//!
//! ```text
//! record ── known · decide ─┐
//! challenge ────────────────┴─▶ server ──▶ providers::dns
//! ```

mod challenge;
mod config;
mod credential;
mod decide;
mod known;
mod record;
mod server;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, Rfc2136Config};
pub use record::Record;
pub use server::Server;
