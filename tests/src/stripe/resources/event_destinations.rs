//! Event destinations, by the second version of the API. What is not asked for is not told.

use serde_json::{Value, json};

use super::Worked;
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id};

const OBJECT: &str = "v2.core.event_destination";
const SECRET: &str = "webhook_endpoint.signing_secret";
const URL: &str = "webhook_endpoint.url";

/// Lists have no type, and say where the next page is.
pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let limit = call.query_value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20_usize);
    let skipped = call.query_value("page").and_then(|page| page.strip_prefix("page_")?.parse().ok());
    let skipped: usize = skipped.unwrap_or(0);
    let all = world.listed(OBJECT);
    let next = (all.len() > skipped + limit)
        .then(|| format!("/v2/core/event_destinations?limit={limit}&page=page_{}", skipped + limit));
    let asked = call.query_value("include[0]") == Some(URL);
    let shown = |object: Value| told(object, asked, false);
    let data: Vec<Value> = all.into_iter().skip(skipped).take(limit).map(shown).collect();
    Ok(json!({ "data": data, "next_page_url": next, "previous_page_url": null }).into())
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    let usual = json!({
        "created": jiff::Timestamp::now().to_string(), "description": "", "events_from": ["@self"], "metadata": {},
        "status": "enabled",
        "updated": jiff::Timestamp::now().to_string(),
        "webhook_endpoint": { "signing_secret": format!("whsec_{}", uuid::Uuid::new_v4().simple()) },
    });
    let mut body = call.body.clone().unwrap_or_default();
    let asked = |what: &str| {
        call.field("include").as_array().into_iter().flatten().any(|asked| asked.as_str() == Some(what))
    };
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("include");
    }
    let mut done = world.make(OBJECT, id("ed_"), usual, &body)?;
    done.body = told(done.body, asked(URL), asked(SECRET));
    Ok(done)
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    let shown = world.get(OBJECT, call.id()).map_err(not_found)?.clone();
    Ok(told(shown, call.query_value("include[0]") == Some(URL), false).into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    let mut done =
        world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default()).map_err(not_found)?;
    done.body = told(done.body, false, false);
    Ok(done)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Worked {
    let mut done = world.delete(OBJECT, call.id()).map_err(not_found)?;
    done.body = json!({ "id": call.id(), "object": OBJECT });
    Ok(done)
}

/// Version 2 has another word for it.
fn not_found(refusal: Refusal) -> Refusal {
    refusal.code("not_found")
}

fn told(mut shown: Value, url: bool, secret: bool) -> Value {
    if let Some(endpoint) = shown["webhook_endpoint"].as_object_mut() {
        for (name, asked) in [("url", url), ("signing_secret", secret)] {
            if !asked {
                endpoint.insert(name.to_owned(), Value::Null);
            }
        }
    }
    shown
}
