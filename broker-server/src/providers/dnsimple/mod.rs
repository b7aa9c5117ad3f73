//! DNSimple: one account, and what can be made in it.

mod calls;
mod client;

pub use calls::calls;
pub use client::{Client, ConfigError, DnsimpleConfig};
