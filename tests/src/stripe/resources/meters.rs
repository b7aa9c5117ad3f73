//! Billing meters. The event name is unique among the active ones; there is no metadata.

use serde_json::{Value, json};

use super::Worked;
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "billing.meter";

/// No two active meters count the same events.
fn check_name(world: &World, name: &Value) -> Result<(), Refusal> {
    if world.all(OBJECT).any(|meter| meter["status"] == "active" && meter["event_name"] == *name) {
        let message = format!(
            "An active meter already exists for event name {name}. To create a new meter with the same event name, first \
             deactivate the currently active meter."
        );
        return Err(Refusal::new(400, message));
    }
    Ok(())
}

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let status = call.query_value("status");
    world.page(OBJECT, call, |meter| status.is_none_or(|status| meter["status"] == status))
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    check_name(world, call.field("event_name"))?;
    let usual = json!({
        "created": now(), "customer_mapping": { "event_payload_key": "stripe_customer_id", "type": "by_id" },
        "event_time_window": null, "status": "active", "status_transitions": { "deactivated_at": null },
        "updated": now(), "value_settings": { "event_payload_key": "value" },
    });
    world.make(OBJECT, id("mtr_"), usual, &call.body.clone().unwrap_or_default())
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    Ok(world.get(OBJECT, call.id())?.clone().into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())
}

pub(super) fn deactivate(world: &mut World, call: &Call) -> Worked {
    let at = json!({ "deactivated_at": now() });
    world.change(OBJECT, call.id(), &json!({ "status": "inactive", "status_transitions": at }))
}

pub(super) fn reactivate(world: &mut World, call: &Call) -> Worked {
    let name = world.get(OBJECT, call.id())?["event_name"].clone();
    check_name(world, &name)?;
    world.change(OBJECT, call.id(), &json!({ "status": "active" }))
}
