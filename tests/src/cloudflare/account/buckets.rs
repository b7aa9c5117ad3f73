//! R2 buckets with their rules and objects. The same name may exist once in each jurisdiction.

use serde_json::{Value, json};

use super::shelf::Thing;
use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Body, Refusal};

const JURISDICTIONS: [&str; 5] = ["default", "eu", "us", "fedramp", "fedramp-high"];
const CLASSES: [&str; 2] = ["Standard", "InfrequentAccess"];

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let jurisdiction = jurisdiction(call)?;
    let wanted = call.query_value("name_contains").unwrap_or_default();
    let mut found: Vec<&Thing> = account
        .buckets
        .iter()
        .filter(|one| one.shown["jurisdiction"] == jurisdiction && one.name.contains(wanted))
        .filter(|one| account.lists(one.born))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let rows = found.into_iter().map(|bucket| (bucket.name.clone(), bucket.shown.clone())).collect();
    let (rows, cursor) = after(call, rows)?;
    Ok(listed(json!({ "buckets": rows }), cursor))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let jurisdiction = jurisdiction(call)?;
    let name = call.text("name").unwrap_or_default();
    if !is_name(name) {
        return Err(Refusal::new(400, 10005, "the bucket name is not valid"));
    }
    let id = format!("{jurisdiction}/{name}");
    if account.buckets.get(&id).is_some() {
        return Err(Refusal::new(
            409,
            10004,
            "the bucket you tried to create already exists, and you own it",
        ));
    }
    let hint = call.text("locationHint").unwrap_or("weur").to_uppercase();
    let made = json!({
        "name": name, "creation_date": identity::now(), "location": hint, "jurisdiction": jurisdiction,
        "storage_class": call.text("storageClass").unwrap_or("Standard"),
    });
    let default = json!({
        "id": "Default Multipart Abort Rule", "enabled": true, "conditions": { "prefix": "" },
        "abortMultipartUploadsTransition": { "condition": { "type": "Age", "maxAge": 604_800 } },
    });
    let hidden = json!({
        "id": identity::hexadecimal(), "objects": {}, "cors": null, "lifecycle": [default], "r2_dev": false,
        "domains": [],
    });
    let effect = account.buckets.put(&id, name, made.clone(), hidden);
    Ok(Answer::result(made).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(find(account, call)?.shown.clone()))
}

/// How new objects are kept; a header says it.
pub(super) fn patch(account: &mut Account, call: &Call) -> Worked {
    let class = call.header("cf-r2-storage-class").filter(|class| CLASSES.contains(class));
    let class = class.ok_or_else(|| Refusal::new(400, 10012, "the storage class is not valid"))?;
    let found = find(account, call)?;
    found.shown["storage_class"] = json!(class);
    changed(account, call, |bucket| bucket.shown.clone())
}

/// Only an empty bucket can be deleted.
pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let found = find(account, call)?;
    if found.hidden["objects"].as_object().is_some_and(|objects| !objects.is_empty()) {
        return Err(Refusal::new(409, 10008, "the bucket you tried to delete is not empty"));
    }
    let id = found.id.clone();
    account.tags.forget("r2_bucket", &id);
    let (_, effect) = account.buckets.take(&id).ok_or_else(missing)?;
    Ok(Answer::result(json!({})).with(effect))
}

pub(super) fn cors(account: &mut Account, call: &Call) -> Worked {
    match &find(account, call)?.hidden["cors"] {
        Value::Null => Err(Refusal::new(404, 10059, "the CORS configuration does not exist")),
        rules => Ok(Answer::result(json!({ "rules": rules }))),
    }
}

/// Rules without an id get one.
pub(super) fn set_cors(account: &mut Account, call: &Call) -> Worked {
    let mut rules = call.field("rules").clone();
    for rule in rules.as_array_mut().into_iter().flatten() {
        if rule["id"].is_null() {
            rule["id"] = json!(identity::uuid());
        }
    }
    find(account, call)?.hidden["cors"] = rules;
    changed(account, call, |_| json!({}))
}

pub(super) fn drop_cors(account: &mut Account, call: &Call) -> Worked {
    find(account, call)?.hidden["cors"] = Value::Null;
    changed(account, call, |_| json!({}))
}

pub(super) fn lifecycle(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(json!({ "rules": find(account, call)?.hidden["lifecycle"] })))
}

pub(super) fn set_lifecycle(account: &mut Account, call: &Call) -> Worked {
    find(account, call)?.hidden["lifecycle"] = call.field("rules").clone();
    changed(account, call, |_| json!({}))
}

pub(super) fn managed(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(managed_domain(find(account, call)?)))
}

pub(super) fn set_managed(account: &mut Account, call: &Call) -> Worked {
    find(account, call)?.hidden["r2_dev"] = call.field("enabled").clone();
    changed(account, call, managed_domain)
}

fn managed_domain(bucket: &Thing) -> Value {
    let id = &bucket.hidden["id"];
    let domain = format!("pub-{}.r2.dev", id.as_str().unwrap_or_default());
    json!({ "bucketId": id, "domain": domain, "enabled": bucket.hidden["r2_dev"] })
}

pub(super) fn objects(account: &mut Account, call: &Call) -> Worked {
    let found = find(account, call)?;
    let wanted = call.query_value("prefix").unwrap_or_default();
    let mut rows: Vec<(String, Value)> = Vec::new();
    for (key, object) in found.hidden["objects"].as_object().into_iter().flatten() {
        if key.starts_with(wanted) {
            rows.push((key.clone(), object.clone()));
        }
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let (rows, cursor) = after(call, rows)?;
    Ok(listed(json!(rows), cursor))
}

/// Somebody with a key writes an object; only tests do that.
pub(super) fn put_object(account: &mut Account, call: &Call) -> Worked {
    let key = call.parameter("object_key").to_owned();
    let object = json!({
        "key": key, "etag": identity::hexadecimal(), "size": 5, "last_modified": identity::now(),
        "storage_class": "Standard",
    });
    find(account, call)?.hidden["objects"][&key] = object;
    Ok(Answer::result(Value::Null))
}

pub(super) fn delete_object(account: &mut Account, call: &Call) -> Worked {
    let key = call.parameter("object_key").to_owned();
    let found = find(account, call)?;
    let removed = found.hidden["objects"].as_object_mut().and_then(|objects| objects.remove(&key));
    removed.ok_or_else(|| Refusal::new(404, 10007, "the specified key does not exist"))?;
    changed(account, call, |_| json!({ "key": key }))
}

/// The bucket of a call, in the jurisdiction that its header names.
pub(super) fn find<'account>(
    account: &'account mut Account,
    call: &Call,
) -> Result<&'account mut Thing, Refusal> {
    let id = format!("{}/{}", jurisdiction(call)?, call.parameter("bucket_name"));
    account.buckets.get_mut(&id).ok_or_else(missing)
}

/// The answer to a change, and its line in the ledger.
pub(super) fn changed(account: &mut Account, call: &Call, answer: impl Fn(&Thing) -> Value) -> Worked {
    let found = find(account, call)?.clone();
    Ok(Answer::result(answer(&found)).with(account.buckets.changed(&found)))
}

/// A test names the jurisdiction as a part of the path.
fn jurisdiction(call: &Call) -> Result<String, Refusal> {
    let named = call.header("cf-r2-jurisdiction").or_else(|| {
        let named = call.parameter("jurisdiction");
        (!named.is_empty()).then_some(named)
    });
    let named = named.unwrap_or("default");
    if JURISDICTIONS.contains(&named) {
        Ok(named.to_owned())
    } else {
        Err(Refusal::new(400, 10012, "the jurisdiction is not valid"))
    }
}

/// The rows behind the cursor, as many as asked for, and where the next ones begin.
fn after(call: &Call, rows: Vec<(String, Value)>) -> Result<(Vec<Value>, String), Refusal> {
    let per_page = call.query_value("per_page").map_or(Ok(20), str::parse::<usize>).ok();
    let per_page = per_page.filter(|count| (1..=1_000).contains(count));
    let per_page = per_page.ok_or_else(|| Refusal::new(400, 10012, "per_page is not valid"))?;
    let seen = call.query_value("cursor").unwrap_or_default();
    let rest: Vec<(String, Value)> = rows.into_iter().filter(|(name, _)| name.as_str() > seen).collect();
    let is_last = rest.len() <= per_page;
    let page: Vec<(String, Value)> = rest.into_iter().take(per_page).collect();
    let cursor =
        if is_last { String::new() } else { page.last().map(|row| row.0.clone()).unwrap_or_default() };
    Ok((page.into_iter().map(|(_, row)| row).collect(), cursor))
}

fn listed(result: Value, cursor: String) -> Answer {
    let mut answer = Answer::result(result);
    if let Body::Json(body) = &mut answer.body {
        body["result_info"] = json!({ "cursor": cursor });
    }
    answer
}

fn is_name(name: &str) -> bool {
    let is_end =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_end(Some(byte)) || *byte == b'-')
        && is_end(bytes.first())
        && is_end(bytes.last())
}

fn missing() -> Refusal {
    Refusal::new(404, 10006, "the specified bucket does not exist")
}
