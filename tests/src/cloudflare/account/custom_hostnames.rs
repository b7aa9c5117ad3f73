//! Customers' host names that a zone serves. Host name and certificate get on with every look; tests can hold them.

use serde_json::{Value, json};

use super::shelf::Thing;
use super::{Account, Worked, identity, zones};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};

const PAGES: PageRule = PageRule { default: 20, least: 5, most: 1000, counts_pages: true, bad_request: 1400 };
/// What the certificate goes through, look by look.
const STEPS: [&str; 4] = ["initializing", "pending_validation", "pending_deployment", "active"];

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?;
    let wanted = call.query_value("hostname");
    let found = account.custom_hostnames.iter().filter(|found| {
        found.hidden["zone"] == zone
            && account.lists(found.born)
            && wanted.is_none_or(|wanted| found.name.eq_ignore_ascii_case(wanted))
    });
    PAGES.cut(call, found.map(shown).collect())
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?.to_owned();
    let name = call.text("hostname").unwrap_or_default().to_lowercase();
    if name.ends_with(".unsold.example") {
        return Err(Refusal::new(403, 1404, "no quota has been allocated for this zone"));
    }
    if name.ends_with(".closed.example") {
        return Err(Refusal::new(403, 1456, "access to custom hostnames has not been granted"));
    }
    if account.custom_hostnames.iter().any(|found| found.hidden["zone"] == zone && found.name == name) {
        return Err(Refusal::new(409, 1406, "duplicate custom hostname found"));
    }
    let (id, ssl) = (identity::uuid(), call.field("ssl"));
    let mut made = json!({ "id": id, "hostname": name, "created_at": identity::now(), "ssl": {
        "id": identity::uuid(), "type": "dv", "method": ssl["method"], "wildcard": ssl["wildcard"] == true,
        "certificate_authority": ssl["certificate_authority"].as_str().unwrap_or("google"),
        "settings": ssl["settings"].as_object().cloned().unwrap_or_default(), "bundle_method": "ubiquitous",
    }});
    for extra in ["custom_origin_server", "custom_metadata"] {
        if !call.field(extra).is_null() {
            made[extra] = call.field(extra).clone();
        }
    }
    let hidden = json!({ "zone": zone, "looks": 0, "held": null });
    let effect = account.custom_hostnames.put(&id, &name, made, hidden);
    Ok(answer(account, &id)?.with(effect))
}

/// Every look brings it on.
pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let id = find(account, call)?;
    let answer = answer(account, &id);
    if let Some(found) = account.custom_hostnames.get_mut(&id) {
        found.hidden["looks"] = json!(found.hidden["looks"].as_u64().unwrap_or_default() + 1);
    }
    answer
}

/// The same certificate once more begins the check again; another one is another order.
pub(super) fn patch(account: &mut Account, call: &Call) -> Worked {
    let id = find(account, call)?;
    let found = account.custom_hostnames.get_mut(&id).ok_or_else(missing)?;
    for extra in ["custom_origin_server", "custom_metadata"] {
        if !call.field(extra).is_null() {
            found.shown[extra] = call.field(extra).clone();
        }
    }
    if let Some(ssl) = call.field("ssl").as_object() {
        let known = |name: &&String| ["method", "wildcard", "certificate_authority"].contains(&name.as_str());
        let is_other = ssl.keys().filter(known).any(|name| found.shown["ssl"][name] != ssl[name]);
        for (name, value) in ssl {
            found.shown["ssl"][name] = value.clone();
        }
        if found.hidden["held"]["recovers"] == true {
            found.hidden["held"] = Value::Null;
            found.hidden["looks"] = json!(0);
        } else if is_other {
            found.hidden["looks"] = json!(0);
        }
    }
    let effect = account.custom_hostnames.get(&id).map(|found| account.custom_hostnames.changed(found));
    let mut answer = answer(account, &id)?;
    answer.effects.extend(effect);
    Ok(answer)
}

/// Answered with the bare id, as the vendor's description says.
pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let id = find(account, call)?;
    let (_, effect) = account.custom_hostnames.take(&id).ok_or_else(missing)?;
    Ok(Answer { deliberate: true, ..Answer::json(200, json!({ "id": id })) }.with(effect))
}

/// Host name and certificate stay in these states, or until they are told to begin again; only tests do that.
pub(super) fn settle(account: &mut Account, call: &Call) -> Worked {
    let id = find(account, call)?;
    let held = json!({
        "status": call.field("status"), "ssl": call.field("ssl"), "recovers": call.field("recovers") == true,
    });
    account.custom_hostnames.get_mut(&id).ok_or_else(missing)?.hidden["held"] = held;
    Ok(Answer::result(Value::Null))
}

fn find(account: &Account, call: &Call) -> Result<String, Refusal> {
    let zone = zones::of(account, call)?;
    let found = account.custom_hostnames.get(call.parameter("custom_hostname_id"));
    found.filter(|found| found.hidden["zone"] == zone).map(|found| found.id.clone()).ok_or_else(missing)
}

fn answer(account: &Account, id: &str) -> Result<Answer, Refusal> {
    let found = account.custom_hostnames.get(id).ok_or_else(missing)?;
    let mut answer = Answer::result(shown(found));
    // a test may hold it in a state that the contract does not know
    answer.deliberate = !found.hidden["held"].is_null();
    Ok(answer)
}

fn shown(found: &Thing) -> Value {
    let looks = usize::try_from(found.hidden["looks"].as_u64().unwrap_or_default()).unwrap_or(usize::MAX);
    let held = &found.hidden["held"];
    let status = held["status"].as_str().unwrap_or(if looks < 2 { "pending" } else { "active" });
    let ssl = held["ssl"].as_str().unwrap_or(STEPS[looks.min(STEPS.len() - 1)]);
    let (mut all, name, digits) = (found.shown.clone(), &found.name, identity::digest(&found.id));
    all["status"] = json!(status);
    all["ssl"]["status"] = json!(ssl);
    all["ownership_verification"] =
        json!({ "type": "txt", "name": format!("_cf-custom-hostname.{name}"), "value": &found.id });
    all["ownership_verification_http"] = json!({
        "http_url": format!("http://{name}/.well-known/cf-custom-hostname-challenge/{}", found.id),
        "http_body": &found.id,
    });
    if !["initializing", "active"].contains(&ssl) {
        all["ssl"]["validation_records"] = if all["ssl"]["method"] == "txt" {
            json!([{ "status": "pending", "txt_name": format!("_acme-challenge.{name}"), "txt_value": &digits[..43] }])
        } else {
            let url = format!("http://{name}/.well-known/pki-validation/{}.txt", &digits[..16]);
            json!([{ "status": "pending", "http_url": url, "http_body": &digits[..32] }])
        };
    }
    all
}

fn missing() -> Refusal {
    Refusal::new(404, 1436, "the custom hostname was not found")
}
