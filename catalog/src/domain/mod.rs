//! Domains: services that more than one vendor can do, each vendor with plans of its own.

pub mod amount;
pub mod record;
pub mod registration;
