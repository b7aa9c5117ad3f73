//! Hyperdrive configurations. The database behind one is tried before it is made or changed.

use serde_json::{Value, json};

use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};

const PAGES: PageRule = PageRule { default: 20, least: 1, most: 100, counts_pages: false, bad_request: 2007 };
/// A host that nothing answers from.
const UNREACHABLE: &str = "unreachable.example.com";

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let found = account.hyperdrives.iter().filter(|one| account.lists(one.born));
    PAGES.cut(call, found.map(|one| one.shown.clone()).collect())
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("name").filter(|name| !name.is_empty()).ok_or_else(|| bad("name"))?;
    let (origin, password) = origin(call.field("origin"))?;
    if account.hyperdrives.has_name(name) {
        return Err(Refusal::new(409, 2017, "a configuration of this name exists already"));
    }
    let (id, now) = (identity::hexadecimal(), identity::now());
    let limit = call.field("origin_connection_limit").as_u64().unwrap_or(60);
    let made = json!({
        "id": id, "name": name, "origin": origin, "caching": caching(call.field("caching")),
        "origin_connection_limit": limit, "created_on": now, "modified_on": now,
    });
    let effect = account.hyperdrives.put(&id, name, made.clone(), json!({"password": password}));
    Ok(Answer::result(made).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let found = account.hyperdrives.get(call.parameter("hyperdrive_id")).ok_or_else(missing)?;
    Ok(Answer::result(found.shown.clone()))
}

/// What is not named stays as it is; an origin is named as a whole.
pub(super) fn patch(account: &mut Account, call: &Call) -> Worked {
    let changed = match call.field("origin") {
        Value::Null => None,
        asked => Some(origin(asked)?),
    };
    let found = account.hyperdrives.get_mut(call.parameter("hyperdrive_id")).ok_or_else(missing)?;
    if let Some((origin, password)) = changed {
        found.shown["origin"] = origin;
        found.hidden["password"] = json!(password);
    }
    if !call.field("caching").is_null() {
        found.shown["caching"] = caching(call.field("caching"));
    }
    if let Some(limit) = call.field("origin_connection_limit").as_u64() {
        found.shown["origin_connection_limit"] = json!(limit);
    }
    let found = found.clone();
    Ok(Answer::result(found.shown.clone()).with(account.hyperdrives.changed(&found)))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (_, effect) = account.hyperdrives.take(call.parameter("hyperdrive_id")).ok_or_else(missing)?;
    Ok(Answer::result(Value::Null).with(effect))
}

/// The origin as it is shown, and its password.
fn origin(asked: &Value) -> Result<(Value, String), Refusal> {
    let password = asked["password"].as_str().filter(|password| !password.is_empty());
    let password = password.ok_or_else(|| bad("origin.password"))?;
    for name in ["scheme", "host", "database", "user"] {
        asked[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| bad(name))?;
    }
    match asked["host"].as_str() {
        Some(UNREACHABLE) => return Err(Refusal::new(400, 2011, "could not connect to the origin")),
        Some("localhost" | "127.0.0.1") => {
            return Err(Refusal::new(400, 2009, "the host is a private one"));
        }
        _ => {}
    }
    let mut shown = asked.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("password");
    }
    Ok((shown, password.to_owned()))
}

fn caching(asked: &Value) -> Value {
    if asked["disabled"] == true {
        return json!({"disabled": true});
    }
    let number = |name: &str, default: u64| asked[name].as_u64().unwrap_or(default);
    json!({
        "disabled": false, "max_age": number("max_age", 60),
        "stale_while_revalidate": number("stale_while_revalidate", 15),
    })
}

fn missing() -> Refusal {
    Refusal::new(404, 2006, "there is no such configuration")
}

fn bad(name: &str) -> Refusal {
    Refusal::new(400, 2007, format!("invalid property: {name}"))
}
