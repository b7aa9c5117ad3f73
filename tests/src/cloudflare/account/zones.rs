//! Zones of the account.

use serde_json::{Value, json};

use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};

const PAGES: PageRule = PageRule { default: 20, least: 5, most: 50, counts_pages: true, bad_request: 1002 };

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let is_here = call.query_value("account.id").is_none_or(|id| id == account.id);
    let wanted = call.query_value("name");
    let found = account.zones.iter().filter(|zone| {
        is_here && account.lists(zone.born) && wanted.is_none_or(|wanted| zone.name == wanted)
    });
    PAGES.cut(call, found.map(|zone| zone.shown.clone()).collect())
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("name").filter(|name| name.contains('.') && !name.ends_with('.'));
    let name = name.ok_or_else(|| Refusal::new(400, 1002, "the domain is not valid"))?;
    if call.field("account")["id"] != json!(account.id) {
        return Err(Refusal::new(400, 1002, "the account is not known"));
    }
    if account.zones.has_name(name) {
        return Err(Refusal::new(400, 1061, "the domain exists already"));
    }
    if name.ends_with(".unregistered.example") {
        return Err(Refusal::new(400, 1099, "the domain is not registered"));
    }
    let id = identity::hexadecimal();
    let made = new(&account.id, &id, name, call.text("type").unwrap_or("full"));
    let effect = account.zones.put(&id, name, made.clone(), Value::Null);
    Ok(Answer::result(made).with(effect))
}

impl Account {
    /// Makes an active zone exist.
    pub(crate) fn declare_zone(&mut self, id: &str, name: &str) {
        let mut made = new(&self.id, id, name, "full");
        made["status"] = json!("active");
        let _effect = self.zones.put(id, name, made, Value::Null);
    }
}

fn new(account: &str, id: &str, name: &str, kind: &str) -> Value {
    let now = identity::now();
    let mut made = json!({
        "id": id, "name": name, "type": kind, "status": "pending", "paused": false, "development_mode": 0,
        "name_servers": ["ada.ns.example.com", "bob.ns.example.com"], "original_name_servers": null,
        "original_registrar": null, "original_dnshost": null, "created_on": now, "modified_on": now,
        "activated_on": null, "account": {"id": account, "name": "the account"},
        "owner": {"id": account, "type": "organization"}, "meta": {"step": 2}, "plan": {"name": "Free"},
    });
    if kind == "partial" {
        made["verification_key"] = json!(identity::digest(id)[..20]);
    }
    made
}

/// All that lies in it goes, too.
pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (zone, effect) = account.zones.take(call.parameter("zone_id")).ok_or_else(missing)?;
    account.records.forget_in(&zone.id);
    account.redirects.forget_in(&zone.id);
    account.custom_hostnames.forget_in(&zone.id);
    Ok(Answer::result(json!({"id": zone.id})).with(effect))
}

/// The registrar names the name servers, or others, and Cloudflare may give the zone others; only tests do that.
pub(super) fn delegate(account: &mut Account, call: &Call) -> Worked {
    let status = call.text("status").unwrap_or("active").to_owned();
    let zone = account.zones.get_mut(call.parameter("zone_id")).ok_or_else(missing)?;
    zone.shown["status"] = json!(status);
    let servers = call.field("name_servers");
    if servers.is_array() {
        zone.shown["name_servers"] = servers.clone();
    }
    Ok(Answer::result(Value::Null))
}

/// The id of the zone that a call is about, if the account has it.
pub(super) fn of<'a>(account: &Account, call: &'a Call) -> Result<&'a str, Refusal> {
    let id = call.parameter("zone_id");
    account.zones.get(id).map(|_| id).ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::new(404, 7003, "could not route; perhaps the object identifier is invalid")
}
