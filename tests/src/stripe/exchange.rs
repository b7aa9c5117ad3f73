//! One call from its arrival to its answer.
//!
//! What a call does and its line in the ledger happen under one lock, so the ledger's order is the true one.

use std::sync::{Arc, MutexGuard};

use serde_json::json;

use super::answer::{Answer, Done, Refusal};
use super::call::Call;
use super::contract::{Contract, Operation};
use super::keys::Keys;
use super::ledger::Entry;
use super::options::Options;
use super::resources::{account, work_of};
use super::world::World;
use crate::vendor::exchange::{self, Delivery, Desk};
use crate::vendor::faults::{Faults, Struck};
use crate::vendor::ledger::Ledger;
use crate::vendor::rate::Rate;
use crate::vendor::server::StartError;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) contract: Arc<Contract>,
    options: Options,
    desk: Desk<Sides, String>,
}

/// What changes while the fake runs.
type State = exchange::World<Sides, String>;

/// The two modes.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) test: Side,
    pub(crate) live: Side,
}

/// One mode: objects and keys of its own.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) world: World,
    pub(crate) keys: Keys,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Result<Self, StartError> {
        let side =
            |is_live| Side { world: World::new(is_live, options.eventual_listing), keys: Keys::default() };
        let state = State {
            account: Sides { test: side(false), live: side(true) },
            faults: Faults::default(),
            rate: Rate::new(options.rate_limit),
            ledger: Ledger::open(options.ledger_file.as_ref()).map_err(StartError::Ledger)?,
        };
        Ok(Self { contract: Contract::stripe()?, options, desk: Desk::new(state) })
    }

    /// Everything that changes.
    pub(crate) fn world(&self) -> MutexGuard<'_, State> {
        self.desk.world()
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
        if !self.options.table.allows(&call.method, &call.segments()) {
            let found = format!("outside_the_table: no provider says that it makes {}", operation.id);
            return violation(vec![found], entry);
        }
        entry.operation = Some(operation.id.clone());
        call.parameters = parameters;
        self.contract.type_body(operation, call);
        let side = match self.side(&mut state.account, call) {
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
    fn side<'s>(&self, sides: &'s mut Sides, call: &Call) -> Result<&'s mut Side, Refusal> {
        let key = call.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        match key {
            Some(key) if key == self.options.test_key => Ok(&mut sides.test),
            Some(key) if Some(key) == self.options.live_key.as_deref() => Ok(&mut sides.live),
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
                entry.outcome = effects;
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
}

/// A breach of the contract, which Stripe would not answer like this.
fn violation(found: Vec<String>, entry: &mut Entry) -> Answer {
    let message = format!("contract violation: {}", found.join("; "));
    entry.contract_violations.extend(found);
    Answer::json(500, json!({ "error": { "type": "contract_violation", "message": message } }))
}

/// One call, start to end.
pub(crate) async fn exchange(shared: &Shared, mut call: Call) -> Delivery<String> {
    let path = call.path.clone();
    let entry = call.entry();
    let work = |state: &mut State, struck: &Struck, entry: &mut Entry| {
        let mut answer = shared.answer(state, &mut call, entry);
        struck.alter(&mut answer);
        answer
    };
    match shared.desk.exchange(&path, entry, work).await {
        Delivery::Answer(answer) => Delivery::Answer(answer.header("request-id", super::world::id("req_"))),
        Delivery::Cut => Delivery::Cut,
    }
}
