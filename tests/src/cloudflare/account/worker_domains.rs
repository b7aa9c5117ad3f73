//! Host names of Workers.

use serde_json::{Value, json};

use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Refusal};

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let wanted = call.query_value("hostname");
    let found = account
        .worker_domains
        .iter()
        .filter(|domain| account.lists(domain.born) && wanted.is_none_or(|wanted| domain.name == wanted));
    Ok(Answer::result(found.map(|domain| domain.shown.clone()).collect()))
}

/// Makes it, or gives it to another Worker if told to.
pub(super) fn put(account: &mut Account, call: &Call) -> Worked {
    let hostname = call.text("hostname").unwrap_or_default();
    let service = call.text("service").unwrap_or_default();
    if !account.scripts.exists(service) {
        return Err(Refusal::new(404, 10007, "there is no such Worker"));
    }
    let zone = account.zones.get(call.text("zone_id").unwrap_or_default());
    let zone = zone.filter(|zone| hostname == zone.name || hostname.ends_with(&format!(".{}", zone.name)));
    let zone = zone.ok_or_else(|| Refusal::new(400, 100_117, "the host name is not in the zone"))?;
    let (zone_id, zone_name) = (zone.id.clone(), zone.name.clone());
    let present = account.worker_domains.iter().find(|domain| domain.name == hostname).cloned();
    if let Some(present) = present {
        let is_same = present.shown["service"] == service;
        if !is_same && call.field("override_existing_origin") != true {
            return Err(Refusal::new(409, 100_116, "the host name is in use by another Worker"));
        }
        let Some(found) = account.worker_domains.get_mut(&present.id) else { return Err(missing()) };
        found.shown["service"] = json!(service);
        let found = found.clone();
        let answer = Answer::result(found.shown.clone());
        return Ok(if is_same { answer } else { answer.with(account.worker_domains.changed(&found)) });
    }
    let in_dns = |record: &&super::shelf::Thing| record.hidden["zone"] == zone_id && record.name == hostname;
    if account.records.iter().any(|record| in_dns(&record)) {
        return Err(Refusal::new(409, 100_116, "the host name has a DNS record"));
    }
    let id = identity::hexadecimal();
    let made = json!({
        "id": id, "hostname": hostname, "service": service, "zone_id": zone_id, "zone_name": zone_name,
        "cert_id": identity::uuid(), "environment": "production",
    });
    let effect = account.worker_domains.put(&id, hostname, made.clone(), Value::Null);
    Ok(Answer::result(made).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let found = account.worker_domains.get(call.parameter("domain_id")).ok_or_else(missing)?;
    Ok(Answer::result(found.shown.clone()))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (_, effect) = account.worker_domains.take(call.parameter("domain_id")).ok_or_else(missing)?;
    Ok(Answer::result(Value::Null).with(effect))
}

fn missing() -> Refusal {
    Refusal::new(404, 100_114, "there is no such domain")
}
