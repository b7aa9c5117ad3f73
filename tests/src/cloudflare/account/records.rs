//! DNS records of zones, changed in batches of which all or nothing is done.

use serde_json::{Value, json};

use super::shelf::{Shelf, Thing};
use super::{Account, Worked, identity, zones};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};
use crate::cloudflare::ledger::Effect;

const PAGES: PageRule =
    PageRule { default: 100, least: 1, most: 5_000_000, counts_pages: true, bad_request: 1004 };
const MOST: usize = 200;

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?;
    let comment = |record: &Thing| record.shown["comment"].as_str().unwrap_or_default().to_lowercase();
    let exact = call.query_value("comment.exact").map(str::to_lowercase);
    let begins = call.query_value("comment.startswith").map(str::to_lowercase);
    let found = account.records.iter().filter(|record| {
        record.hidden["zone"] == zone
            && account.lists(record.born)
            && exact.as_ref().is_none_or(|exact| comment(record) == *exact)
            && begins.as_ref().is_none_or(|begins| comment(record).starts_with(begins))
    });
    PAGES.cut(call, found.map(|record| record.shown.clone()).collect())
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?;
    let found = account.records.get(call.parameter("dns_record_id"));
    let found = found.filter(|record| record.hidden["zone"] == zone).ok_or_else(missing)?;
    Ok(Answer::result(found.shown.clone()))
}

/// Somebody makes one record; only tests do that.
pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?.to_owned();
    let made = post(&mut account.records, &zone, &asked(call))?;
    Ok(Answer::result(made.0).with(made.1))
}

/// Somebody deletes one record; only tests do that.
pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (_, effect) = account.records.take(call.parameter("dns_record_id")).ok_or_else(missing)?;
    Ok(Answer::result(Value::Null).with(effect))
}

/// Deletes, patches, posts, in this order, on a copy that takes the place of the original when all of it is possible.
pub(super) fn batch(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?.to_owned();
    let mut records = account.records.clone();
    let (mut effects, mut done) = (Vec::new(), json!({}));
    for asked in items(call, "deletes") {
        let (record, effect) = records.take(asked["id"].as_str().unwrap_or_default()).ok_or_else(missing)?;
        effects.push(effect);
        push(&mut done, "deletes", record.shown);
    }
    for asked in items(call, "patches") {
        let (shown, effect) = patch(&mut records, &zone, asked)?;
        effects.push(effect);
        push(&mut done, "patches", shown);
    }
    for asked in items(call, "posts") {
        let (shown, effect) = post(&mut records, &zone, asked)?;
        effects.push(effect);
        push(&mut done, "posts", shown);
    }
    account.records = records;
    let mut answer = Answer::result(done);
    answer.effects = effects;
    Ok(answer)
}

fn items<'a>(call: &'a Call, name: &str) -> impl Iterator<Item = &'a Value> {
    call.field(name).as_array().into_iter().flatten()
}

fn push(done: &mut Value, name: &str, shown: Value) {
    if done[name].is_null() {
        done[name] = json!([]);
    }
    if let Some(list) = done[name].as_array_mut() {
        list.push(shown);
    }
}

fn asked(call: &Call) -> Value {
    match &call.payload {
        crate::cloudflare::call::Payload::Json(body) => body.clone(),
        _ => Value::Null,
    }
}

fn post(records: &mut Shelf, zone: &str, asked: &Value) -> Result<(Value, Effect), Refusal> {
    let (id, now) = (identity::hexadecimal(), identity::now());
    let shown = shown(&id, asked, &now)?;
    check(records, zone, &id, &shown)?;
    if records.iter().filter(|record| record.hidden["zone"] == zone).count() >= MOST {
        return Err(Refusal::new(400, 81_045, "record quota exceeded"));
    }
    let name = shown["name"].as_str().unwrap_or_default().to_owned();
    let effect = records.put(&id, &name, shown.clone(), json!({"zone": zone}));
    Ok((shown, effect))
}

fn patch(records: &mut Shelf, zone: &str, asked: &Value) -> Result<(Value, Effect), Refusal> {
    let id = asked["id"].as_str().unwrap_or_default();
    let found = records.get(id).filter(|record| record.hidden["zone"] == zone).ok_or_else(missing)?;
    let mut merged = found.shown.clone();
    for (name, value) in asked.as_object().into_iter().flatten() {
        merged[name] = value.clone();
    }
    let shown = shown(id, &merged, &identity::now())?;
    check(records, zone, id, &shown)?;
    let found = records.get_mut(id).ok_or_else(missing)?;
    found.shown = shown.clone();
    let found = found.clone();
    Ok((shown, records.changed(&found)))
}

/// A record as the vendor shows it: names in lower case, texts in quotes, proxied ones with a time of its own.
fn shown(id: &str, asked: &Value, now: &str) -> Result<Value, Refusal> {
    let bad = || Refusal {
        chain: Some((9_999, "a field is not valid")),
        ..Refusal::new(400, 1004, "DNS validation error")
    };
    let text = |name: &str| asked[name].as_str().filter(|text| !text.is_empty()).ok_or_else(bad);
    let (name, of, content) = (text("name")?, text("type")?, text("content")?);
    let proxied = asked["proxied"] == true;
    let ttl = if proxied { 1 } else { asked["ttl"].as_u64().unwrap_or(1) };
    if ttl != 1 && !(60..=86_400).contains(&ttl) {
        return Err(bad());
    }
    let content =
        if of == "TXT" && !content.starts_with('"') { format!("\"{content}\"") } else { content.to_owned() };
    let is_proxiable = ["A", "AAAA", "CNAME"].contains(&of);
    let mut shown = json!({
        "id": id, "name": name.trim_end_matches('.').to_lowercase(), "type": of, "content": content, "ttl": ttl,
        "proxied": proxied, "proxiable": is_proxiable, "created_on": now, "modified_on": now,
        "tags": [], "settings": {}, "meta": {},
    });
    for extra in ["comment", "priority"] {
        if !asked[extra].is_null() {
            shown[extra] = asked[extra].clone();
        }
    }
    Ok(shown)
}

/// Neither the same record twice, nor a CNAME beside anything else.
fn check(records: &Shelf, zone: &str, id: &str, new: &Value) -> Result<(), Refusal> {
    for other in records.iter().filter(|other| other.hidden["zone"] == zone && other.id != id) {
        let other = &other.shown;
        if other["name"] != new["name"] {
            continue;
        }
        if other["type"] == new["type"] && other["content"] == new["content"] {
            return Err(Refusal::new(400, 81_058, "an identical record already exists"));
        }
        if other["type"] == "CNAME" || new["type"] == "CNAME" {
            return Err(Refusal::new(400, 81_053, "a record with that host already exists"));
        }
    }
    Ok(())
}

fn missing() -> Refusal {
    Refusal::new(404, 81_044, "record does not exist")
}
