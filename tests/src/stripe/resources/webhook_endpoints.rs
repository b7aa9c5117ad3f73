//! Webhook endpoints. A signing secret is shown once, by the call that made it.

use serde_json::{Value, json};

use super::Worked;
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "webhook_endpoint";
/// For each mode.
const MOST: usize = 16;

/// Stripe connects to what the public can reach.
fn check_url(call: &Call) -> Result<(), Refusal> {
    match call.text("url") {
        Some(url) if !url.starts_with("https://") => {
            let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
            Err(Refusal::new(400, message).code("url_invalid").param("url"))
        }
        _ => Ok(()),
    }
}

/// What is sent to nobody is shown as its status.
fn body(call: &Call) -> Value {
    let mut body = call.body.clone().unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("connect");
        if let Some(disabled) = fields.shift_remove("disabled") {
            let status = if disabled == true { "disabled" } else { "enabled" };
            fields.insert("status".to_owned(), json!(status));
        }
    }
    body
}

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    world.page(OBJECT, call, |_| true).map(|mut done| {
        for listed in done.body["data"].as_array_mut().into_iter().flatten() {
            conceal(listed);
        }
        done
    })
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    check_url(call)?;
    if world.all(OBJECT).count() >= MOST {
        let message = format!("You have reached the maximum of {MOST} test webhook endpoints.");
        return Err(Refusal::new(400, message));
    }
    let usual = json!({
        "api_version": null, "application": null, "created": now(), "description": null, "metadata": {},
        "status": "enabled", "secret": format!("whsec_{}", uuid::Uuid::new_v4().simple()),
    });
    world.make(OBJECT, id("we_"), usual, &body(call))
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    let mut shown = world.get(OBJECT, call.id())?.clone();
    conceal(&mut shown);
    Ok(shown.into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    check_url(call)?;
    let mut done = world.change(OBJECT, call.id(), &body(call))?;
    conceal(&mut done.body);
    Ok(done)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Worked {
    world.delete(OBJECT, call.id())
}

fn conceal(shown: &mut Value) {
    if let Some(fields) = shown.as_object_mut() {
        fields.shift_remove("secret");
    }
}
