//! Domains, hosted or registered, and the zone that each of them has.

use serde_json::{Value, json};

use super::shelf::Thing;
use super::{Account, Worked, now};
use crate::dnsimple::answer::{Answer, Refusal, page};
use crate::dnsimple::ledger::Effect;
use crate::vendor::call::Call;

/// Whose zones DNSimple serves.
pub(super) const NAME_SERVERS: [&str; 4] =
    ["ns1.dnsimple.com", "ns2.dnsimple-edge.net", "ns3.dnsimple.com", "ns4.dnsimple-edge.org"];

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    page(call, wanted(account, call).map(|domain| seen(&domain.shown)).collect())
}

fn wanted<'a>(account: &'a Account, call: &Call) -> impl Iterator<Item = &'a Thing> {
    let part = call.query_value("name_like").unwrap_or_default().to_owned();
    let mut found: Vec<&Thing> = account
        .domains
        .listed(account.pace.eventual_listing)
        .filter(|domain| domain.name.contains(&part))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.into_iter()
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    account.let_orders_go_on(call.parameter("domain"));
    let domain = account.domains.named(call.parameter("domain")).ok_or_else(|| missing(call, "domain"))?;
    Ok(Answer::data(200, seen(&domain.shown)))
}

/// A domain whose zone is to be hosted; nothing is registered.
pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("name").unwrap_or_default();
    if name.ends_with(".invalid") {
        return Err(Refusal::field("name", "is an invalid domain"));
    }
    if account.domains.named(name).is_some() || account.taken.contains(name) {
        return Err(Refusal::field("name", "has already been taken"));
    }
    let (shown, effect) = account.add(name, Value::Null);
    Ok(Answer::data(201, seen(&shown)).with(effect))
}

/// Final: the zone and all its records go, too.
pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let domain = account.domains.named(call.parameter("domain")).ok_or_else(|| missing(call, "domain"))?;
    let (id, name) = (domain.id, domain.name.clone());
    account.records.forget_of(&name);
    account.registrations.forget_of(&name);
    account.delegations.remove(&name);
    let effect = account.domains.take(id).ok_or_else(|| missing(call, "domain"))?;
    Ok(Answer::nothing().with(effect))
}

pub(super) fn list_zones(account: &mut Account, call: &Call) -> Worked {
    page(call, wanted(account, call).map(zone).collect())
}

pub(super) fn get_zone(account: &mut Account, call: &Call) -> Worked {
    let domain = account.domains.named(call.parameter("zone")).ok_or_else(|| missing(call, "zone"))?;
    Ok(Answer::data(200, zone(domain)))
}

pub(super) fn activate(account: &mut Account, call: &Call) -> Worked {
    switch(account, call, true)
}

pub(super) fn deactivate(account: &mut Account, call: &Call) -> Worked {
    switch(account, call, false)
}

fn switch(account: &mut Account, call: &Call, active: bool) -> Worked {
    let domain = account.domains.named_mut(call.parameter("zone")).ok_or_else(|| missing(call, "zone"))?;
    domain.shown["hidden"]["active"] = json!(active);
    Ok(Answer::data(200, zone(domain)).with(domain.changed()))
}

impl Account {
    /// Adds a domain with its zone.
    pub(super) fn add(&mut self, name: &str, registrant: Value) -> (Value, Effect) {
        let (id, zone) = (self.number(), self.number());
        let now = now();
        let shown = json!({
            "id": id, "account_id": self.id, "registrant_id": registrant, "name": name, "unicode_name": name,
            "state": "hosted", "auto_renew": false, "private_whois": false, "trustee": false,
            "expires_on": null, "expires_at": null, "created_at": now, "updated_at": now,
            "hidden": { "zone_id": zone, "active": true },
        });
        let effect = self.domains.put(id, name, shown.clone());
        self.keep_system_records(name);
        (shown, effect)
    }
}

/// A domain without what the fake keeps beside it.
fn seen(shown: &Value) -> Value {
    let mut shown = shown.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.shift_remove("hidden");
    }
    shown
}

fn zone(domain: &Thing) -> Value {
    let of = &domain.shown;
    json!({
        "id": of["hidden"]["zone_id"], "account_id": of["account_id"], "name": domain.name, "reverse": false,
        "secondary": false, "last_transferred_at": null, "active": of["hidden"]["active"],
        "created_at": of["created_at"], "updated_at": of["updated_at"],
    })
}

fn missing(call: &Call, what: &str) -> Refusal {
    let shown = if what == "zone" { "Zone" } else { "Domain" };
    Refusal::missing(shown, call.parameter(what))
}
