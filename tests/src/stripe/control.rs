//! What tests may see and do past the vendor's interface.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::answer::Refusal;
use super::call::Call;
use super::exchange::Shared;
use super::keys::KeptFailure;
use super::ledger::Entry;
use super::resources::work_of;
use crate::vendor::faults::Fault;

/// A handle on a running fake.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// Why somebody could not do what they wanted.
#[derive(Debug, Clone, thiserror::Error)]
#[error("HTTP status {status}: {message}")]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// In the vendor's words.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status, message: refusal.message }
    }
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Everything in test mode, archived objects and secrets included, oldest first.
    pub fn objects(&self) -> Vec<Value> {
        self.shared.world().account.test.world.everything()
    }

    /// Everything in live mode.
    pub fn live_objects(&self) -> Vec<Value> {
        self.shared.world().account.live.world.everything()
    }

    /// Every call so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.ledger_after(0)
    }

    /// The calls after the first `skipped`.
    pub fn ledger_after(&self, skipped: u64) -> Vec<Entry> {
        self.shared.world().ledger.after(skipped)
    }

    /// Something goes wrong, from now on.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world().faults.add(fault);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// The next call of an operation fails, and the failure is kept under its key.
    pub fn fail(&self, operation: &str, after_work: bool) {
        let failure = KeptFailure { operation: operation.to_owned(), after_work };
        self.shared.world().account.test.keys.fail(failure);
    }

    /// A day passes: no idempotency key is known any more.
    pub fn forget_keys(&self) {
        self.shared.world().account.test.keys.forget();
    }

    /// How long a new object stays out of lists, from now on.
    pub fn list_after(&self, delay: Duration) {
        self.shared.world().account.test.world.list_after(delay);
    }

    /// Somebody else does something in test mode, as in the dashboard. `id` is the object's, if the operation has one.
    ///
    /// # Errors
    /// When Stripe refuses it.
    pub fn somebody(&self, operation: &str, id: &str, body: Value) -> Result<Value, Refused> {
        let work = work_of(operation).ok_or_else(|| Refusal::new(404, "there is no such operation"))?;
        let mut call = Call::new("POST", "/v1/somebody", "", b"");
        call.body = Ok(body);
        call.parameters = [("id".to_owned(), id.to_owned())].into();
        Ok(work(&mut self.shared.world().account.test.world, &call)?.body)
    }
}
