//! Configurations of the customer portal. They are never deleted, and the default one stays in use.

use serde_json::json;

use super::{Worked, is_active};
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "billing_portal.configuration";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    world.page(OBJECT, call, |portal| is_active(call, portal))
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    let usual = json!({
        "active": true, "application": null,
        "business_profile": { "headline": null, "privacy_policy_url": null, "terms_of_service_url": null },
        "created": now(), "default_return_url": null,
        "features": {
            "customer_update": { "allowed_updates": [], "enabled": false },
            "invoice_history": { "enabled": false },
            "payment_method_update": { "enabled": false },
            "subscription_cancel": { "enabled": false, "mode": "at_period_end" },
        },
        "is_default": false, "login_page": { "enabled": false, "url": null }, "metadata": {}, "name": null,
        "updated": now(),
    });
    let done = world.make(OBJECT, id("bpc_"), usual, &call.body.clone().unwrap_or_default())?;
    let made = done.body["id"].as_str().unwrap_or_default().to_owned();
    with_login(world, &made).map(|shown| super::Done { body: shown.body, effects: done.effects })
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    Ok(world.get(OBJECT, call.id())?.clone().into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    if *call.field("active") == false && world.get(OBJECT, call.id())?["is_default"] == true {
        let message = "You cannot deactivate your default configuration.";
        return Err(Refusal::new(400, message).param("active"));
    }
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())?;
    with_login(world, call.id())
}

/// A login page has an address.
fn with_login(world: &mut World, id: &str) -> Worked {
    let enabled = world.get(OBJECT, id)?["login_page"]["enabled"] == true;
    let url = if enabled { format!("https://billing.stripe.com/p/login/{id}") } else { String::new() };
    world.change(OBJECT, id, &json!({ "login_page": { "url": url } }))
}
