//! One call from its arrival to its answer.
//!
//! What a call does and its line in the ledger happen under one lock, so the ledger's order is the true one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::account::{Account, Pace, Worked, access, work_of};
use super::call::Call;
use super::contract::{Contract, Operation};
use super::envelope::{Answer, Body, Refusal};
use super::faults::{Faults, Struck};
use super::ledger::{Entry, Ledger};
use super::options::{Enforcement, Options};
use super::rate::{self, Rate};
use super::server::{BASE_PATH, StartError};
use super::table::Table;

/// The code of an answer that names a violation; the vendor has no such code.
const VIOLATION: i64 = 99_999;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    contract: Contract,
    master_token: String,
    enforcement: Enforcement,
    table: Table,
    world: Mutex<World>,
}

/// What changes while the fake runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) faults: Faults,
    pub(crate) rate: Rate,
    pub(crate) ledger: Ledger,
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
        let pace = Pace {
            pages_delay: options.pages_delay,
            pages_reads: options.pages_reads,
            eventual_listing: options.eventual_listing,
        };
        let world = World {
            account: Account::new(&options.account, pace),
            faults: Faults::new(options.faults),
            rate: Rate::new(options.rate_limit),
            ledger: Ledger::open(options.ledger_file.as_ref()).map_err(StartError::Ledger)?,
        };
        Ok(Self {
            contract: Contract::cloudflare()?,
            master_token: options.master_token,
            enforcement: options.enforcement,
            table: options.table,
            world: Mutex::new(world),
        })
    }

    /// Everything that changes. A panic elsewhere does not take it away.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer the vendor would give, contract included.
    fn answer(&self, world: &mut World, call: &mut Call, struck: &Struck, entry: &mut Entry) -> Answer {
        if let Err(left) = world.rate.admit() {
            return rate::refused(left);
        }
        let Some((operation, parameters)) = self.contract.find(call) else {
            entry.contract_violations.push(format!("outside_the_contract: {} {}", call.method, call.path));
            return Refusal::new(404, 7000, "no route for that URI").into();
        };
        if !self.table.allows(call) {
            let found = format!("outside_the_table: no provider says that it makes {}", operation.id);
            entry.contract_violations.push(found.clone());
            return Refusal::new(500, VIOLATION, found).into();
        }
        entry.operation = Some(operation.id.clone());
        call.parameters = parameters;
        let mut answer = self.work(world, call, operation, entry).unwrap_or_else(Answer::from);
        entry.outcome.append(&mut answer.effects);
        struck.alter(&mut answer);
        if answer.deliberate {
            return answer;
        }
        let found = self.contract.answer_violations(operation, &answer);
        self.violation(found, entry).map_or(answer, Answer::from)
    }

    fn work(&self, world: &mut World, call: &mut Call, operation: &Operation, entry: &mut Entry) -> Worked {
        self.admit(world, call, operation, entry)?;
        if let Some(violation) = self.violation(operation.request_violations(call), entry) {
            return Err(violation);
        }
        let work = work_of(&operation.id);
        work.map_or_else(
            || Err(Refusal::new(405, 10405, "not done by this fake")),
            |work| work(&mut world.account, call),
        )
    }

    /// Lets the caller in, to this account.
    fn admit(
        &self,
        world: &World,
        call: &mut Call,
        operation: &Operation,
        entry: &mut Entry,
    ) -> Result<(), Refusal> {
        call.caller = access::authenticate(&world.account, &self.master_token, call, operation)?;
        entry.authenticated_as = call.caller.label();
        // what lies in a zone is looked for there
        let is_here =
            !call.parameters.contains_key("account_id") || call.parameter("account_id") == world.account.id;
        if is_here { Ok(()) } else { Err(Refusal::new(404, 7003, "no such route: is the identifier right?")) }
    }

    /// Records violations; gives the refusal they lead to, if any.
    fn violation(&self, found: Vec<String>, entry: &mut Entry) -> Option<Refusal> {
        let message = found.join("; ");
        entry.contract_violations.extend(found);
        let wanted = !message.is_empty() && self.enforcement == Enforcement::Strict;
        wanted.then(|| Refusal::new(500, VIOLATION, format!("contract violation: {message}")))
    }

    /// Does the work of a call and writes it down.
    fn settle(&self, mut call: Call, struck: &Struck) -> Delivery {
        let mut entry = Entry::of(&call);
        entry.faults = struck.names();
        let mut world = self.world();
        let answer = if struck.drops_request() {
            None
        } else if let Some(canned) = struck.canned(false) {
            Some(canned)
        } else {
            let answer = self.answer(&mut world, &mut call, struck, &mut entry);
            Some(struck.canned(true).unwrap_or(answer))
        };
        entry.status = answer.as_ref().map(|answer| answer.status);
        entry.error_codes = answer.as_ref().map(codes).unwrap_or_default();
        let answer = answer.filter(|_| !struck.drops_response());
        entry.answered = answer.is_some();
        if let Err(error) = world.ledger.append(entry) {
            tracing::error!(%error, "the ledger cannot be written");
            let body = json!({"success": false, "errors": [{"code": VIOLATION, "message": "ledger lost"}], "messages": []});
            return Delivery::Answer(Answer::json(500, body));
        }
        answer.map_or(Delivery::Cut, Delivery::Answer)
    }
}

/// One call, start to end. It is carried through even when the caller has gone.
pub(crate) async fn exchange(shared: Arc<Shared>, call: Call) -> Delivery {
    let below = call.path.strip_prefix(BASE_PATH).unwrap_or(&call.path);
    let struck = shared.world().faults.strike(&call.method, below);
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

fn codes(answer: &Answer) -> Vec<i64> {
    let Body::Json(body) = &answer.body else { return Vec::new() };
    let errors = body["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["code"].as_i64()).collect()
}
