//! One call from its arrival to its answer.
//!
//! What a call does and its line in the ledger happen under one lock, so the ledger's order is the true one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::answer::{Done, Refusal};
use super::call::Call;
use super::contract::{Contract, Operation};
use super::keys::Keys;
use super::ledger::{Entry, Ledger};
use super::options::Options;
use super::resources::{account, work_of};
use super::server::StartError;
use super::world::World;
use crate::cloudflare::envelope::Answer;
use crate::cloudflare::faults::{Faults, Struck};
use crate::cloudflare::rate::Rate;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) contract: Contract,
    options: Options,
    state: Mutex<State>,
}

/// What changes while the fake runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) test: Side,
    pub(crate) live: Side,
    pub(crate) faults: Faults,
    rate: Rate,
    pub(crate) ledger: Ledger,
}

/// One mode: objects and keys of its own.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) world: World,
    pub(crate) keys: Keys,
}

/// How a call ends.
#[derive(Debug)]
pub(crate) enum Delivery {
    Answer(Answer),
    /// The connection is closed without an answer.
    Cut,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Result<Self, StartError> {
        let side =
            |is_live| Side { world: World::new(is_live, options.eventual_listing), keys: Keys::default() };
        let state = State {
            test: side(false),
            live: side(true),
            faults: Faults::default(),
            rate: Rate::new(options.rate_limit),
            ledger: Ledger::open(options.ledger_file.as_deref()).map_err(StartError::Ledger)?,
        };
        Ok(Self { contract: Contract::stripe()?, options, state: Mutex::new(state) })
    }

    /// Everything that changes. A panic elsewhere does not take it away.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that Stripe would give, contract included.
    fn answer(&self, state: &mut State, call: &mut Call, entry: &mut Entry) -> Answer {
        if state.rate.admit().is_err() {
            return Refusal::new(429, "Request rate limit exceeded.").code("rate_limit").into();
        }
        let Some((operation, parameters)) = self.contract.find(call) else {
            entry.contract_violations.push(format!("outside_the_contract: {} {}", call.method, call.path));
            let message = format!("Unrecognized request URL ({}: {}).", call.method, call.path);
            return Refusal::new(404, message).into();
        };
        if !self.options.table.allows(call) {
            let found = format!("outside_the_table: no provider says that it makes {}", operation.id);
            return violation(vec![found], entry);
        }
        entry.operation = Some(operation.id.clone());
        call.parameters = parameters;
        self.contract.type_body(operation, call);
        let side = match self.side(state, call) {
            Ok(side) => side,
            Err(refusal) => return refusal.into(),
        };
        let found = operation.request_violations(call);
        if !found.is_empty() {
            return violation(found, entry);
        }
        let answer = self.keyed(side, operation, call, entry);
        match self.contract.answer_violations(operation, &answer) {
            found if found.is_empty() => answer,
            found => violation(found, entry),
        }
    }

    /// Lets the caller in, to the mode that its key is of.
    fn side<'s>(&self, state: &'s mut State, call: &Call) -> Result<&'s mut Side, Refusal> {
        let key = call.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        match key {
            Some(key) if key == self.options.test_key => Ok(&mut state.test),
            Some(key) if Some(key) == self.options.live_key.as_deref() => Ok(&mut state.live),
            Some(_) => Err(Refusal::new(401, "Invalid API Key provided: sk_test_****")),
            None => Err(Refusal::new(401, "You did not provide an API key.")),
        }
    }

    /// Does the work, unless an answer is kept under the call's key.
    fn keyed(&self, side: &mut Side, operation: &Operation, call: &Call, entry: &mut Entry) -> Answer {
        if call.key.is_some() && call.method != "GET" {
            match side.keys.replay(call) {
                Ok(None) => {}
                Ok(Some(kept)) => {
                    entry.replayed = true;
                    return kept;
                }
                Err(refusal) => return refusal.into(),
            }
        }
        let failure = side.keys.failure(&operation.id);
        let worked = match &failure {
            Some(failure) if !failure.after_work => Err(Refusal::broken(500)),
            _ => self.work(&mut side.world, operation, call),
        };
        let is_kept = worked.as_ref().err().is_none_or(|refusal| !refusal.is_of_validation());
        let answer = match worked {
            Ok(Done { body, effects }) => {
                entry.effects = effects;
                Answer::json(200, body)
            }
            Err(refusal) => refusal.into(),
        };
        let answer = if failure.is_some() { Refusal::broken(500).into() } else { answer };
        if is_kept {
            side.keys.keep(call, &answer);
        }
        answer
    }

    fn work(&self, world: &mut World, operation: &Operation, call: &Call) -> Result<Done, Refusal> {
        if operation.id == "account.get" {
            return Ok(account(&self.options.account));
        }
        match work_of(&operation.id) {
            Some(work) => work(world, call),
            None => Err(Refusal::new(405, "not done by this fake")),
        }
    }

    /// Does the work of a call and writes it down.
    fn settle(&self, mut call: Call, struck: &Struck) -> Delivery {
        let mut entry = Entry::of(&call);
        entry.faults = struck.names();
        let mut state = self.state();
        let answer = if struck.drops_request() {
            None
        } else if let Some(canned) = struck.canned(false) {
            Some(canned)
        } else {
            let mut answer = self.answer(&mut state, &mut call, &mut entry);
            struck.alter(&mut answer);
            Some(struck.canned(true).unwrap_or(answer))
        };
        entry.status = answer.as_ref().map(|answer| answer.status);
        let answer = answer.filter(|_| !struck.drops_response());
        entry.answered = answer.is_some();
        if let Err(error) = state.ledger.append(entry) {
            tracing::error!(%error, "a call is missing from the ledger's file");
        }
        answer.map_or(Delivery::Cut, |mut answer| {
            answer.headers.push(("request-id".to_owned(), super::world::id("req_")));
            Delivery::Answer(answer)
        })
    }
}

/// A breach of the contract, which Stripe would not answer like this.
fn violation(found: Vec<String>, entry: &mut Entry) -> Answer {
    let message = format!("contract violation: {}", found.join("; "));
    entry.contract_violations.extend(found);
    Answer::json(500, json!({ "error": { "type": "contract_violation", "message": message } }))
}

/// One call, start to end. It is carried through even when the caller has gone.
pub(crate) async fn exchange(shared: Arc<Shared>, call: Call) -> Delivery {
    let struck = shared.state().faults.strike(&call.method, &call.path);
    wait(struck.delay(false)).await;
    let delivery = shared.settle(call, &struck);
    wait(struck.delay(true)).await;
    delivery
}

/// The clock ticks in milliseconds, so even no time at all would take one.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}
