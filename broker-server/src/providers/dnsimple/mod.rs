//! DNSimple: one account, and what can be made in it.

mod client;

pub use client::{Client, ConfigError, DnsimpleConfig};
