//! Records of zones, and whether all name servers have them.

use serde_json::{Value, json};

use super::domains::NAME_SERVERS;
use super::shelf::Thing;
use super::{Account, Worked, lay_over, now};
use crate::dnsimple::answer::{Answer, Refusal, page};
use crate::vendor::call::Call;

/// The name of the zone that a call is about.
fn zone(account: &Account, call: &Call) -> Result<String, Refusal> {
    let zone = call.parameter("zone");
    let domain = account.domains.named(zone).ok_or_else(|| Refusal::missing("Zone", zone))?;
    Ok(domain.name.clone())
}

fn record<'a>(account: &'a mut Account, call: &Call) -> Result<&'a mut Thing, Refusal> {
    let zone = zone(account, call)?;
    let id = call.parameter("record");
    let found = account.records.get_mut(id).filter(|record| record.name == zone);
    found.ok_or_else(|| Refusal::missing("Record", id))
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let zone = zone(account, call)?;
    let fits = |record: &Value, field: &str| {
        call.query_value(field).is_none_or(|wanted| record[field] == json!(wanted))
    };
    let part = call.query_value("name_like").unwrap_or_default();
    let records = account.records.listed(account.pace.eventual_listing);
    let found = records.filter(|record| record.name == zone).map(|record| &record.shown).filter(|record| {
        let is_like = record["name"].as_str().is_some_and(|name| name.contains(part));
        is_like && fits(record, "name") && fits(record, "type")
    });
    page(call, found.cloned().collect())
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::data(200, record(account, call)?.shown.clone()))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let zone = zone(account, call)?;
    let kind = call.text("type").unwrap_or_default();
    if ["SOA", "DNSKEY"].contains(&kind) {
        return Err(Refusal::field("type", "is not supported"));
    }
    let id = account.number();
    let mut shown = new(id, &zone, kind);
    lay_over(&mut shown, call);
    account.check(&zone, id, &shown)?;
    let effect = account.records.put(id, &zone, shown.clone());
    Ok(Answer::data(201, shown).with(effect))
}

pub(super) fn update(account: &mut Account, call: &Call) -> Worked {
    let zone = zone(account, call)?;
    let found = record(account, call)?;
    if found.shown["system_record"] == json!(true) {
        return Err(Refusal::new(400, "The record is kept by DNSimple"));
    }
    let id = found.id;
    let mut shown = found.shown.clone();
    lay_over(&mut shown, call);
    account.check(&zone, id, &shown)?;
    let found = record(account, call)?;
    found.shown = shown.clone();
    found.looks = 0;
    Ok(Answer::data(200, shown).with(found.changed()))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let found = record(account, call)?;
    if found.shown["system_record"] == json!(true) {
        return Err(Refusal::new(400, "The record is kept by DNSimple"));
    }
    let id = found.id;
    let effect = account.records.take(id).ok_or_else(|| Refusal::missing("Record", "gone"))?;
    Ok(Answer::nothing().with(effect))
}

/// A record is not everywhere at once.
pub(super) fn distribution(account: &mut Account, call: &Call) -> Worked {
    let reads = account.pace.distribution_reads;
    let found = record(account, call)?;
    found.looks = found.looks.saturating_add(1);
    Ok(Answer::data(200, json!({ "distributed": found.looks > reads })))
}

impl Account {
    /// The records that every zone has, and that nobody can change.
    pub(super) fn keep_system_records(&mut self, zone: &str) {
        let soa = format!("{} admin.dnsimple.com 1 86400 7200 604800 300", NAME_SERVERS[0]);
        let servers = NAME_SERVERS.iter().map(|server| ("NS", (*server).to_owned()));
        for (kind, content) in std::iter::once(("SOA", soa)).chain(servers) {
            let id = self.number();
            let mut shown = new(id, zone, kind);
            shown["content"] = json!(content);
            shown["system_record"] = json!(true);
            let _effect = self.records.put(id, zone, shown);
        }
    }

    /// Neither the same record twice, nor a CNAME beside anything else.
    fn check(&self, zone: &str, id: u64, new: &Value) -> Result<(), Refusal> {
        for other in self.records.iter().filter(|other| other.name == zone && other.id != id) {
            let other = &other.shown;
            if other["name"] != new["name"] {
                continue;
            }
            if other["type"] == new["type"] && other["content"] == new["content"] {
                return Err(Refusal::field("content", "has already been taken"));
            }
            if other["type"] == "CNAME" || new["type"] == "CNAME" {
                return Err(Refusal::field("name", "conflicts with a CNAME record"));
            }
        }
        Ok(())
    }
}

fn new(id: u64, zone: &str, kind: &str) -> Value {
    let now = now();
    json!({
        "id": id, "zone_id": zone, "parent_id": null, "name": "", "content": "", "ttl": 3600, "priority": null,
        "type": kind, "regions": ["global"], "system_record": false, "created_at": now, "updated_at": now,
    })
}
