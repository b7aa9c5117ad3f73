//! One call from its arrival to its answer.
//!
//! What a call does and its line in the ledger happen under one lock, so the ledger's order is the true one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::answer::Answer;
use super::faults::{Faults, Struck};
use super::ledger::{Entry, Ledger};
use super::rate::Rate;

/// What changes while a fake runs.
#[derive(Debug)]
pub(crate) struct World<Account, Kind> {
    pub(crate) account: Account,
    pub(crate) faults: Faults,
    pub(crate) rate: Rate,
    pub(crate) ledger: Ledger<Kind>,
}

/// How a call ends.
#[derive(Debug)]
pub(crate) enum Delivery<Kind> {
    Answer(Answer<Kind>),
    /// The connection is closed without an answer.
    Cut,
}

/// Where one call is dealt with at a time.
#[derive(Debug)]
pub(crate) struct Desk<Account, Kind>(Mutex<World<Account, Kind>>);

impl<Account, Kind: Clone + Serialize> Desk<Account, Kind> {
    pub(crate) fn new(world: World<Account, Kind>) -> Self {
        Self(Mutex::new(world))
    }

    /// Everything that changes. A panic elsewhere does not take it away.
    pub(crate) fn world(&self) -> MutexGuard<'_, World<Account, Kind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call, start to end: what strikes it, what it does (`work`), and its line in the ledger. `below` is its path
    /// behind the base path.
    pub(crate) async fn exchange<Work>(&self, below: &str, entry: Entry<Kind>, work: Work) -> Delivery<Kind>
    where
        Work: FnOnce(&mut World<Account, Kind>, &Struck, &mut Entry<Kind>) -> Answer<Kind>,
    {
        let struck = self.world().faults.strike(&entry.method, below);
        wait(struck.delay(false)).await;
        let delivery = self.settle(entry, &struck, work);
        wait(struck.delay(true)).await;
        delivery
    }

    /// Does the work of a call and writes it down.
    fn settle<Work>(&self, mut entry: Entry<Kind>, struck: &Struck, work: Work) -> Delivery<Kind>
    where
        Work: FnOnce(&mut World<Account, Kind>, &Struck, &mut Entry<Kind>) -> Answer<Kind>,
    {
        entry.faults = struck.names();
        let mut world = self.world();
        let answer = if struck.drops_request() {
            None
        } else if let Some(canned) = struck.canned(false) {
            Some(canned)
        } else {
            let answer = work(&mut world, struck, &mut entry);
            Some(struck.canned(true).unwrap_or(answer))
        };
        entry.status = answer.as_ref().map(|answer| answer.status);
        entry.error_codes = answer.as_ref().map(Answer::codes).unwrap_or_default();
        let answer = answer.filter(|_| !struck.drops_response());
        entry.answered = answer.is_some();
        if let Err(error) = world.ledger.append(entry) {
            tracing::error!(%error, "the ledger cannot be written");
            return Delivery::Answer(Answer::json(500, json!({ "message": "the fake's ledger is lost" })));
        }
        answer.map_or(Delivery::Cut, Delivery::Answer)
    }
}

/// The clock ticks in milliseconds, so even no time at all would take one.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}
