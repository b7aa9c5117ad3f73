//! What tests may see and do past the vendor's interface.

use std::sync::Arc;

use serde_json::{Value, json};

use super::account::{Charge, Ending, Thing, work_of};
use super::answer::Refusal;
use super::exchange::Shared;
use super::ledger::Entry;
use super::options::Pace;
use crate::vendor::answer::Body;
use crate::vendor::call::{Call, Caller, Payload};
use crate::vendor::faults::Fault;

/// A test's handle on a running fake.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// The vendor refused what somebody else wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP status {status}: {message}")]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The vendor's words.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status, message: refusal.message }
    }
}

impl Control {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Every call so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.ledger_after(0)
    }

    /// The calls after the one with this sequence number.
    pub fn ledger_after(&self, sequence: u64) -> Vec<Entry> {
        self.shared.world().ledger.after(sequence)
    }

    /// How many calls there were so far.
    pub fn ledger_length(&self) -> u64 {
        self.shared.world().ledger.length()
    }

    /// Everything that exists, oldest first; the records that DNSimple keeps itself are left out.
    pub fn things(&self) -> Vec<Thing> {
        self.shared.world().account.things()
    }

    /// Every time that money was taken.
    pub fn charges(&self) -> Vec<Charge> {
        self.shared.world().account.charges.clone()
    }

    /// Lets something go wrong.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world().faults.add(fault);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// How fast the account shows what is done to it, from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.shared.world().account.pace = pace;
    }

    /// Somebody at another account, or another registrar, has the name.
    pub fn take_elsewhere(&self, name: &str) {
        self.shared.world().account.taken.insert(name.to_owned());
    }

    /// Nobody has the name any more.
    pub fn let_go_elsewhere(&self, name: &str) {
        self.shared.world().account.taken.remove(name);
    }

    /// A name costs this much, in dollars, whatever others cost; a premium one has to be confirmed with its price.
    pub fn price(&self, name: &str, price: f64, is_premium: bool) {
        self.shared.world().account.prices.insert(name.to_owned(), (price, is_premium));
    }

    /// Says how the registration of a name ends, whether it exists yet or not.
    pub fn end_registration(&self, name: &str, ending: Ending) {
        self.shared.world().account.endings.insert(name.to_owned(), ending);
    }

    /// The registration of a name has run out.
    pub fn expire(&self, name: &str) {
        self.shared.world().account.set_state(name, "expired");
    }

    /// Somebody else does one of the contract's operations, as in the dashboard. It is not in the ledger, and the
    /// contract, the faults and the rate limit do not apply. `parameters` are the variable parts of the path without the
    /// account.
    ///
    /// # Errors
    /// When the vendor refuses, or there is no such operation.
    pub fn somebody(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        body: Value,
    ) -> Result<Value, Refused> {
        let work =
            work_of(operation).ok_or_else(|| Refusal::new(404, format!("no operation {operation}")))?;
        let mut call = Call::new("POST", operation, "", b"");
        call.payload = Payload::Json(body);
        call.caller = Caller::Somebody;
        let parameters = parameters.iter();
        call.parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = work(&mut self.shared.world().account, &call)?;
        Ok(match answer.body {
            Body::Json(mut body) => body["data"].take(),
            Body::Text { .. } | Body::Empty => json!(null),
        })
    }
}
