//! One account: the objects in it, and what each operation does to them.

mod contacts;
mod domains;
mod records;
mod registrar;
mod shelf;
mod whoami;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::ledger::Kind;
use super::options::Pace;
use crate::vendor::call::Call;
pub use registrar::{Charge, Ending};
use shelf::Shelf;
pub use shelf::Thing;

/// What an operation comes to.
pub(crate) type Worked = Result<Answer, Refusal>;
/// An operation.
pub(crate) type Work = fn(&mut Account, &Call) -> Worked;

/// Everything that exists.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) pace: Pace,
    /// The last number that was given to anything.
    last: u64,
    domains: Shelf,
    records: Shelf,
    contacts: Shelf,
    registrations: Shelf,
    /// The name servers of the domains that are registered here.
    delegations: HashMap<String, Vec<String>>,
    /// Names that somebody else has.
    pub(crate) taken: HashSet<String>,
    /// What a name costs that does not cost the usual, and whether it is a premium one.
    pub(crate) prices: HashMap<String, (f64, bool)>,
    pub(crate) endings: HashMap<String, Ending>,
    pub(crate) charges: Vec<Charge>,
}

impl Account {
    /// An account with nothing in it.
    pub(crate) fn new(id: u64, pace: Pace) -> Self {
        Self {
            id,
            pace,
            last: 0,
            domains: Shelf::of(Kind::Domain),
            records: Shelf::of(Kind::Record),
            contacts: Shelf::of(Kind::Contact),
            registrations: Shelf::of(Kind::Registration),
            delegations: HashMap::new(),
            taken: HashSet::new(),
            prices: HashMap::new(),
            endings: HashMap::new(),
            charges: Vec::new(),
        }
    }

    /// A number that nothing else has.
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// What everybody may see: all but the records that DNSimple keeps itself.
    pub(crate) fn things(&self) -> Vec<Thing> {
        let shelves = [&self.domains, &self.records, &self.contacts, &self.registrations];
        let all = shelves.into_iter().flat_map(Shelf::iter);
        all.filter(|thing| thing.shown["system_record"] != json!(true)).cloned().collect()
    }

    /// Changes the state of a domain past the vendor's interface.
    pub(crate) fn set_state(&mut self, name: &str, state: &str) {
        if let Some(domain) = self.domains.named_mut(name) {
            domain.shown["state"] = json!(state);
        }
    }
}

/// What does an operation of the contract.
pub(crate) fn work_of(operation: &str) -> Option<Work> {
    Some(match operation {
        "whoami.get" => whoami::get,
        "domains.list" => domains::list,
        "domains.create" => domains::create,
        "domains.get" => domains::get,
        "domains.delete" => domains::delete,
        "zones.list" => domains::list_zones,
        "zones.get" => domains::get_zone,
        "zones.activate" => domains::activate,
        "zones.deactivate" => domains::deactivate,
        "records.list" => records::list,
        "records.create" => records::create,
        "records.get" => records::get,
        "records.update" => records::update,
        "records.delete" => records::delete,
        "records.distribution" => records::distribution,
        "contacts.list" => contacts::list,
        "contacts.create" => contacts::create,
        "contacts.get" => contacts::get,
        "contacts.update" => contacts::update,
        "contacts.delete" => contacts::delete,
        "registrar.check" => registrar::check,
        "registrar.prices" => registrar::prices,
        "registrar.register" => registrar::register,
        "registrar.registration" => registrar::registration,
        "registrar.auto_renewal_on" => registrar::auto_renewal_on,
        "registrar.auto_renewal_off" => registrar::auto_renewal_off,
        "registrar.delegation" => registrar::delegation,
        "registrar.delegate" => registrar::delegate,
        _ => return None,
    })
}

/// The time as DNSimple writes it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Lays the fields of a body over an object.
fn lay_over(shown: &mut Value, call: &Call) {
    let fields = match &call.payload {
        crate::vendor::call::Payload::Json(Value::Object(fields)) => fields.clone(),
        _ => serde_json::Map::new(),
    };
    for (name, value) in fields {
        shown[name] = value;
    }
    shown["updated_at"] = json!(now());
}

#[cfg(test)]
mod tests {
    use super::work_of;
    use crate::vendor::contract::Contract;

    #[test]
    fn every_operation_of_the_contract_is_done() {
        let contract = Contract::dnsimple().unwrap();
        for operation in contract.operations() {
            assert!(work_of(&operation.id).is_some(), "{}", operation.id);
        }
    }
}
