//! DNS for brokers: questions to given servers, signed changes (RFC 2136 with TSIG), who answers for a name.
//!
//! ```text
//! challenge ──▶ (each way to change a zone)
//! authority ──▶ ask ──▶ message ── exchange ──▶ name server
//! validation ───┘│          │
//!         update ┘         key · data · name
//! ```
//!
//! Everything is bounded: an exchange by its time limit and by the size of a message, a search by the labels of a name.
//! What is no clear answer of the server that was asked is an error and never "not there".

mod ask;
mod authority;
mod challenge;
mod data;
mod error;
mod exchange;
mod key;
mod message;
mod name;
mod resolvers;
pub mod rules;
#[cfg(test)]
mod tests;
mod update;
mod validation;

pub use ask::{Answer, Asker, Found, Reply};
pub use authority::{Authorities, Authority, Finder, Reach};
pub use challenge::{Challenges, LABEL as CHALLENGE_LABEL, acme_name};
pub use data::{Data, DataError, RecordType};
pub use error::DnsError;
pub use key::{Algorithm, KeyError, TsigKey};
pub use name::{DnsName, NameError};
pub use resolvers::system_resolvers;
pub use update::{Change, Prerequisite, Unmet, Update, Updated};
pub use validation::{AnchorError, Anchors, Validator, Validity, Whole};
