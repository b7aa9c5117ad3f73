//! The entries of Stripe's ledger.

use crate::vendor::ledger;

/// One call to Stripe.
pub type Entry = ledger::Entry<String>;
/// One change to one object; its kind is Stripe's word for the sort of object.
pub type Effect = ledger::Effect<String>;
