//! One call from its arrival to its answer, as DNSimple would give it.

use std::sync::{Arc, MutexGuard};

use serde_json::json;

use super::account::{Account, Worked, work_of};
use super::answer::{self, Answer, Refusal};
use super::ledger::{Entry, Kind};
use super::options::Options;
use super::server::BASE_PATH;
use crate::vendor::call::{Call, Caller};
use crate::vendor::contract::{Contract, Operation};
use crate::vendor::exchange::{Delivery, Desk};
use crate::vendor::faults::{Faults, Struck};
use crate::vendor::ledger::Ledger;
use crate::vendor::rate::Rate;
use crate::vendor::server::StartError;
use crate::vendor::table::Table;

/// What DNSimple says when nobody says otherwise.
const USUAL_LIMIT: (u32, u32) = (2_400, 2_399);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    contract: Arc<Contract>,
    token: String,
    table: Table,
    desk: Desk<Account, Kind>,
}

/// What changes while the fake runs.
pub(crate) type World = crate::vendor::exchange::World<Account, Kind>;

impl Shared {
    pub(crate) fn new(options: Options) -> Result<Self, StartError> {
        let world = World {
            account: Account::new(options.account, options.pace),
            faults: Faults::new(options.faults),
            rate: Rate::new(options.rate_limit),
            ledger: Ledger::open(options.ledger_file.as_ref()).map_err(StartError::Ledger)?,
        };
        Ok(Self {
            contract: Contract::dnsimple()?,
            token: options.token,
            table: options.table,
            desk: Desk::new(world),
        })
    }

    /// Everything that changes.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.desk.world()
    }

    /// The answer that DNSimple would give, contract included.
    fn answer(&self, world: &mut World, call: &mut Call, struck: &Struck, entry: &mut Entry) -> Answer {
        if let Err(left) = world.rate.admit() {
            return answer::too_many(left);
        }
        let Some((operation, parameters)) = self.contract.find(call) else {
            entry.contract_violations.push(format!("outside_the_contract: {} {}", call.method, call.path));
            return Refusal::new(404, "Not Found").into();
        };
        if !self.table.allows(&call.method, &call.segments(BASE_PATH).unwrap_or_default()) {
            let found = format!("outside_the_table: no provider says that it makes {}", operation.id);
            return violation(vec![found], entry);
        }
        entry.operation = Some(operation.id.clone());
        call.parameters = parameters;
        let found = operation.request_violations(call);
        if !found.is_empty() {
            return violation(found, entry);
        }
        let mut answer = self.work(world, call, operation, entry).unwrap_or_else(Answer::from);
        entry.outcome.append(&mut answer.effects);
        struck.alter(&mut answer);
        if answer.deliberate {
            return answer;
        }
        match self.contract.answer_violations(operation, &answer) {
            found if found.is_empty() => answer,
            found => violation(found, entry),
        }
    }

    fn work(&self, world: &mut World, call: &mut Call, operation: &Operation, entry: &mut Entry) -> Worked {
        call.caller = self.caller(call)?;
        entry.authenticated_as = call.caller.label();
        let account = call.parameters.get("account_id");
        if account.is_some_and(|account| *account != world.account.id.to_string()) {
            return Err(Refusal::missing("Account", call.parameter("account_id")));
        }
        let work = work_of(&operation.id).ok_or_else(|| Refusal::new(405, "not done by this fake"))?;
        work(&mut world.account, call)
    }

    /// Lets the caller in.
    fn caller(&self, call: &Call) -> Result<Caller, Refusal> {
        match call.header("authorization").and_then(|header| header.strip_prefix("Bearer ")) {
            Some(token) if token == self.token => Ok(Caller::Master),
            _ => Err(Refusal::new(401, "Authentication failed")),
        }
    }
}

/// A breach of the contract, which DNSimple would not answer like this.
fn violation(found: Vec<String>, entry: &mut Entry) -> Answer {
    let message = format!("contract violation: {}", found.join("; "));
    entry.contract_violations.extend(found);
    Answer::json(500, json!({ "message": message }))
}

/// One call, start to end.
pub(crate) async fn exchange(shared: &Shared, mut call: Call) -> Delivery<Kind> {
    let below = call.path.strip_prefix(BASE_PATH).unwrap_or(&call.path).to_owned();
    let entry = Entry::of(&call);
    let work = |world: &mut World, struck: &Struck, entry: &mut Entry| {
        let answer = shared.answer(world, &mut call, struck, entry);
        let (limit, left) = world.rate.left().unwrap_or(USUAL_LIMIT);
        answer.header("x-ratelimit-limit", limit).header("x-ratelimit-remaining", left)
    };
    shared.desk.exchange(&below, entry, work).await
}
