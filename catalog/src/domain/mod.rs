//! The offerings around a domain that need no vendor of their own: ids, plans, parameters and outputs.

pub mod certificate;
pub mod verification;
