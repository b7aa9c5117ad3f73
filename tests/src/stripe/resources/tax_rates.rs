//! Tax rates. They are never deleted.

use serde_json::json;

use super::{Worked, is_active};
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "tax_rate";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    world.page(OBJECT, call, |rate| is_active(call, rate))
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    let usual = json!({
        "active": true, "country": null, "created": now(), "description": null, "effective_percentage": null,
        "flat_amount": null, "jurisdiction": null, "jurisdiction_level": null, "metadata": {}, "rate_type": "percentage",
        "state": null, "tax_type": null,
    });
    world.make(OBJECT, id("txr_"), usual, &call.body.clone().unwrap_or_default())
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    Ok(world.get(OBJECT, call.id())?.clone().into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())
}
