//! Entitlement features. Archived ones keep their lookup key.

use serde_json::json;

use super::Worked;
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id};

const OBJECT: &str = "entitlements.feature";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let archived = call.query_value("archived") == Some("true");
    let key = call.query_value("lookup_key");
    world.page(OBJECT, call, |feature| {
        feature["active"] != archived && key.is_none_or(|key| feature["lookup_key"] == key)
    })
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    let key = call.field("lookup_key");
    if world.all(OBJECT).any(|feature| feature["lookup_key"] == *key) {
        let message = "A feature with this lookup key already exists.";
        return Err(Refusal::new(400, message).code("resource_already_exists").param("lookup_key"));
    }
    let usual = json!({ "active": true, "metadata": {} });
    world.make(OBJECT, id("feat_"), usual, &call.body.clone().unwrap_or_default())
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    Ok(world.get(OBJECT, call.id())?.clone().into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())
}
