//! The sorts of objects that DNSimple's ledger speaks of.

use serde::{Deserialize, Serialize};

use crate::vendor::ledger;

/// One call to DNSimple.
pub type Entry = ledger::Entry<Kind>;
/// One change to one object of DNSimple.
pub type Effect = ledger::Effect<Kind>;

/// The sorts of vendor objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A domain, with its zone.
    Domain,
    /// A record of a zone.
    Record,
    /// A contact.
    Contact,
    /// A registration.
    Registration,
    /// The name servers that the registry is told.
    Delegation,
    /// Money that was taken.
    Charge,
}
