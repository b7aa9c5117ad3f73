//! Namespaces of Workers KV, with the keys that tests put into them.

use serde_json::{Value, json};

use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Body, PageRule, Refusal};

const PAGES: PageRule =
    PageRule { default: 20, least: 1, most: 1000, counts_pages: false, bad_request: 10012 };
const FEWEST_KEYS: usize = 10;

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let mut listed: Vec<_> = account.namespaces.iter().filter(|one| account.lists(one.born)).collect();
    match call.query_value("order") {
        Some("id") => listed.sort_by(|a, b| a.id.cmp(&b.id)),
        Some("title") => listed.sort_by(|a, b| a.name.cmp(&b.name)),
        _ => {}
    }
    if call.query_value("direction") == Some("desc") {
        listed.reverse();
    }
    let shown = listed.into_iter().map(|one| one.shown.clone()).collect();
    PAGES.cut(call, shown)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let title = call.text("title").filter(|title| !title.is_empty());
    let title = title.ok_or_else(|| Refusal::new(400, 10019, "the title is required"))?;
    if account.namespaces.has_name(title) {
        return Err(Refusal::new(400, 10014, "a namespace with this title exists already"));
    }
    let id = identity::hexadecimal();
    let shown = json!({"id": id, "title": title, "supports_url_encoding": true});
    let hidden = json!({"jurisdiction": call.field("jurisdiction"), "keys": []});
    let effect = account.namespaces.put(&id, title, shown.clone(), hidden);
    Ok(Answer::result(shown).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let found = account.namespaces.get(call.parameter("namespace_id")).ok_or_else(missing)?;
    Ok(Answer::result(found.shown.clone()))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (found, effect) = account.namespaces.take(call.parameter("namespace_id")).ok_or_else(missing)?;
    account.tags.forget("kv_namespace", &found.id);
    Ok(Answer::result(Value::Null).with(effect))
}

pub(super) fn keys(account: &mut Account, call: &Call) -> Worked {
    let found = account.namespaces.get(call.parameter("namespace_id")).ok_or_else(missing)?;
    let limit = call.query_value("limit").and_then(|text| text.parse().ok()).unwrap_or(1000);
    if limit < FEWEST_KEYS {
        return Err(Refusal::new(400, 10012, "invalid query parameter: limit"));
    }
    let keys = found.hidden["keys"].as_array().into_iter().flatten().take(limit);
    let keys: Vec<Value> = keys.map(|name| json!({"name": name})).collect();
    let info = json!({"count": keys.len(), "cursor": ""});
    let mut answer = Answer::result(Value::Array(keys));
    if let Body::Json(body) = &mut answer.body {
        body["result_info"] = info;
    }
    Ok(answer)
}

/// A key is written; only tests do that.
pub(super) fn write(account: &mut Account, call: &Call) -> Worked {
    let found = account.namespaces.get_mut(call.parameter("namespace_id")).ok_or_else(missing)?;
    if let Some(keys) = found.hidden["keys"].as_array_mut() {
        keys.push(json!(call.parameter("key_name")));
    }
    Ok(Answer::result(Value::Null))
}

fn missing() -> Refusal {
    Refusal::new(404, 10013, "there is no such namespace")
}
