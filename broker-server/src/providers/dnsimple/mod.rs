//! DNSimple: one account, and what can be made in it.

mod calls;
mod client;
mod domain_zone;
mod object;
mod record;
mod registrar;

pub use calls::calls;
pub use client::{Client, ConfigError, DnsimpleConfig};
pub use domain_zone::DomainZone;
pub use record::{DomainRecord, Proofs};
pub use registrar::registration;
