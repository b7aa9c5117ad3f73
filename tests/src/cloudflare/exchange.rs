//! One call from its arrival to its answer.
//!
//! What a call does and its line in the ledger happen under one lock, so the ledger's order is the true one.

use std::sync::{Arc, MutexGuard};

use super::account::{Account, Pace, Worked, access, work_of};
use super::envelope::{self, Answer, Refusal};
use super::ledger::{Entry, Kind};
use super::options::{Enforcement, Options};
use super::server::BASE_PATH;
use crate::vendor::call::Call;
use crate::vendor::contract::{Contract, Operation};
use crate::vendor::exchange::{Delivery, Desk};
use crate::vendor::faults::{Faults, Struck};
use crate::vendor::ledger::Ledger;
use crate::vendor::rate::Rate;
use crate::vendor::server::StartError;
use crate::vendor::table::Table;

/// The code of an answer that names a violation; the vendor has no such code.
const VIOLATION: i64 = 99_999;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    contract: Arc<Contract>,
    s3_contract: Arc<Contract>,
    master_token: String,
    enforcement: Enforcement,
    table: Table,
    desk: Desk<Account, Kind>,
}

/// What changes while the fake runs.
pub(crate) type World = crate::vendor::exchange::World<Account, Kind>;

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
            s3_contract: Contract::cloudflare_s3()?,
            master_token: options.master_token,
            enforcement: options.enforcement,
            table: options.table,
            desk: Desk::new(world),
        })
    }

    /// The contract with the S3 interface.
    pub(super) fn s3_contract(&self) -> &Contract {
        &self.s3_contract
    }

    /// What may be called.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// What a violation leads to.
    pub(super) fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Where calls are dealt with.
    pub(super) fn desk(&self) -> &Desk<Account, Kind> {
        &self.desk
    }

    /// Everything that changes.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.desk.world()
    }

    /// The answer the vendor would give, contract included.
    fn answer(&self, world: &mut World, call: &mut Call, struck: &Struck, entry: &mut Entry) -> Answer {
        if let Err(left) = world.rate.admit() {
            return envelope::too_many(left);
        }
        let Some((operation, parameters)) = self.contract.find(call) else {
            entry.contract_violations.push(format!("outside_the_contract: {} {}", call.method, call.path));
            return Refusal::new(404, 7000, "no route for that URI").into();
        };
        if !self.table.allows(&call.method, &call.segments(BASE_PATH).unwrap_or_default()) {
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
}

/// One call, start to end.
pub(crate) async fn exchange(shared: &Shared, mut call: Call) -> Delivery<Kind> {
    let below = call.path.strip_prefix(BASE_PATH).unwrap_or(&call.path).to_owned();
    let entry = Entry::of(&call);
    let work = |world: &mut World, struck: &Struck, entry: &mut Entry| {
        shared.answer(world, &mut call, struck, entry)
    };
    shared.desk.exchange(&below, entry, work).await
}
