//! Queues, with the messages and the Workers that tests give them.

use serde_json::{Value, json};

use super::shelf::Thing;
use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};

const PAGES: PageRule = PageRule { default: 20, least: 1, most: 100, counts_pages: true, bad_request: 10026 };
const JURISDICTIONS: [&str; 3] = ["eu", "fedramp", "us"];

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let wanted = call.query_value("name").unwrap_or_default();
    let found = account.queues.iter().filter(|one| one.name.contains(wanted) && account.lists(one.born));
    PAGES.cut(call, found.map(shown).collect())
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("queue_name").unwrap_or_default();
    let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if name.is_empty() || name.len() > 63 || !name.bytes().all(known) {
        return Err(Refusal::new(400, 11003, "the name of the queue is not valid"));
    }
    let jurisdiction = call.field("jurisdiction");
    if !jurisdiction.is_null() && !JURISDICTIONS.iter().any(|known| jurisdiction == known) {
        return Err(Refusal::new(400, 10026, "could not parse the request body"));
    }
    if account.queues.has_name(name) {
        return Err(Refusal::new(409, 11009, "a queue of this name exists already"));
    }
    let (id, now) = (identity::hexadecimal(), identity::now());
    let made = json!({
        "queue_id": id, "queue_name": name, "created_on": now, "modified_on": now,
        "settings": {"delivery_delay": 0, "delivery_paused": false, "message_retention_period": 345_600},
    });
    let hidden = json!({"jurisdiction": jurisdiction, "messages": 0, "consumers": []});
    let effect = account.queues.put(&id, name, made, hidden);
    let made = account.queues.get(&id).map(shown).unwrap_or_default();
    Ok(Answer::result(made).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(shown(account.queues.get(call.parameter("queue_id")).ok_or_else(missing)?)))
}

/// What is not named stays as it is.
pub(super) fn patch(account: &mut Account, call: &Call) -> Worked {
    let id = call.parameter("queue_id");
    let found = account.queues.get_mut(id).ok_or_else(missing)?;
    let settings = call.field("settings").as_object().into_iter().flatten();
    for (name, value) in settings {
        if !is_setting(name, value) {
            return Err(Refusal::new(400, 100_127, "the settings of the queue are not valid"));
        }
        found.shown["settings"][name] = value.clone();
    }
    let found = found.clone();
    Ok(Answer::result(shown(&found)).with(account.queues.changed(&found)))
}

/// What is in it is lost.
pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (found, effect) = account.queues.take(call.parameter("queue_id")).ok_or_else(missing)?;
    account.tags.forget("queue", &found.id);
    Ok(Answer::result(Value::Null).with(effect))
}

pub(super) fn metrics(account: &mut Account, call: &Call) -> Worked {
    let found = account.queues.get(call.parameter("queue_id")).ok_or_else(missing)?;
    let messages = &found.hidden["messages"];
    Ok(Answer::result(json!({
        "backlog_count": messages, "backlog_bytes": messages, "oldest_message_timestamp_ms": 0,
    })))
}

/// A Worker sends a message; only tests do that.
pub(super) fn send(account: &mut Account, call: &Call) -> Worked {
    let found = account.queues.get_mut(call.parameter("queue_id")).ok_or_else(missing)?;
    found.hidden["messages"] = json!(found.hidden["messages"].as_u64().unwrap_or(0) + 1);
    Ok(Answer::result(Value::Null))
}

/// A Worker takes messages from now on; only tests do that.
pub(super) fn consume(account: &mut Account, call: &Call) -> Worked {
    let found = account.queues.get_mut(call.parameter("queue_id")).ok_or_else(missing)?;
    if let Some(consumers) = found.hidden["consumers"].as_array_mut() {
        consumers.push(json!({"type": "worker", "script_name": call.text("script_name")}));
    }
    Ok(Answer::result(Value::Null))
}

fn shown(queue: &Thing) -> Value {
    let mut shown = queue.shown.clone();
    let consumers = &queue.hidden["consumers"];
    shown["producers"] = json!([]);
    shown["producers_total_count"] = json!(0);
    shown["consumers_total_count"] = json!(consumers.as_array().map_or(0, Vec::len));
    shown["consumers"] = consumers.clone();
    shown
}

fn is_setting(name: &str, value: &Value) -> bool {
    let number = value.as_u64();
    match name {
        "delivery_delay" => number.is_some_and(|seconds| seconds <= 86_400),
        "message_retention_period" => number.is_some_and(|seconds| (60..=1_209_600).contains(&seconds)),
        "delivery_paused" => value.is_boolean(),
        _ => false,
    }
}

fn missing() -> Refusal {
    Refusal::new(404, 11000, "there is no such queue")
}
