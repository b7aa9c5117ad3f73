//! What a test may see and do past the vendor's interface.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::snapshot::Snapshot;
use super::account::{pages::Outcome, work_of};
use super::call::{Call, Caller, Payload};
use super::envelope::Body;
use super::exchange::Shared;
use super::faults::Fault;
use super::ledger::Entry;
use super::rate::{Rate, RateLimit};

/// A test's handle on a running fake.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// What can be changed while the fake runs. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a Pages domain needs, at least, to become active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_delay_milliseconds: Option<u64>,
    /// How many reads a Pages domain needs, at least, for each of its two steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_reads: Option<u32>,
    /// How long a new object stays out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eventual_listing_milliseconds: Option<u64>,
    /// How often the interface may be called; the count starts anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Removes the rate limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_rate_limit: bool,
}

/// The vendor refused what somebody else wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}, code {code}: {message}")]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The vendor's code.
    pub code: i64,
    /// The vendor's words.
    pub message: String,
}

impl Control {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Every call so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.ledger_after(0)
    }

    /// How many calls there were so far.
    pub fn ledger_length(&self) -> u64 {
        self.shared.world().ledger.length()
    }

    /// The calls after the one with this sequence number.
    pub fn ledger_after(&self, sequence: u64) -> Vec<Entry> {
        self.shared.world().ledger.after(sequence)
    }

    /// Everything that exists, secrets included.
    pub fn state(&self) -> Snapshot {
        self.shared.world().account.snapshot()
    }

    /// Lets something go wrong.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world().faults.add(fault);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Changes how the fake behaves.
    pub fn change(&self, settings: &Settings) {
        let mut world = self.shared.world();
        let pace = &mut world.account.pace;
        if let Some(delay) = settings.pages_delay_milliseconds {
            pace.pages_delay = Duration::from_millis(delay);
        }
        if let Some(reads) = settings.pages_reads {
            pace.pages_reads = reads;
        }
        if let Some(delay) = settings.eventual_listing_milliseconds {
            pace.eventual_listing = Duration::from_millis(delay);
        }
        if settings.no_rate_limit || settings.rate_limit.is_some() {
            world.rate = Rate::new(settings.rate_limit);
        }
    }

    /// Makes a Worker exist.
    pub fn declare_script(&self, name: &str) {
        self.shared.world().account.declare_script(name, false);
    }

    /// Makes a Worker exist whose newest version is not deployed, so its secrets cannot be changed.
    pub fn declare_undeployed_script(&self, name: &str) {
        self.shared.world().account.declare_script(name, true);
    }

    /// Removes a Worker and its secrets. Says whether it was there.
    pub fn remove_script(&self, name: &str) -> bool {
        self.shared.world().account.remove_script(name)
    }

    /// Makes an active zone exist, with this id.
    pub fn declare_zone(&self, id: &str, name: &str) {
        self.shared.world().account.declare_zone(id, name);
    }

    /// From now on, the registrar takes every order and charges for it, also for a name that is ordered already.
    pub fn make_the_registrar_careless(&self) {
        self.shared.world().account.make_the_registrar_careless();
    }

    /// Makes a Pages project exist.
    ///
    /// # Errors
    /// When the name is taken or not possible.
    pub fn declare_project(&self, name: &str) -> Result<(), Refused> {
        self.somebody("pages.create", &[], json!({"name": name, "production_branch": "main"})).map(drop)
    }

    /// Says how the validation of a Pages domain ends, whether it exists yet or not.
    pub fn end_validation(&self, hostname: &str, outcome: Outcome) {
        self.shared.world().account.end_validation(hostname, outcome);
    }

    /// Somebody else does one of the contract's operations. It is not in the ledger, and the contract, the
    /// faults and the rate limit do not apply. `parameters` are the variable parts of the path without the account.
    ///
    /// # Errors
    /// When the vendor refuses, or there is no such operation.
    pub fn somebody(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        body: Value,
    ) -> Result<Value, Refused> {
        let unknown = || Refused { status: 404, code: 7000, message: format!("no operation {operation}") };
        let work = work_of(operation).ok_or_else(unknown)?;
        let mut call = Call::new("POST", operation, "", b"");
        call.payload = Payload::Json(body);
        call.caller = Caller::Somebody;
        call.parameters =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let worked = work(&mut self.shared.world().account, &call);
        let answer = worked.map_err(|refusal| Refused {
            status: refusal.status,
            code: refusal.code,
            message: refusal.message,
        })?;
        Ok(match answer.body {
            Body::Json(mut body) => body["result"].take(),
            Body::Text { .. } | Body::Empty => Value::Null,
        })
    }
}
