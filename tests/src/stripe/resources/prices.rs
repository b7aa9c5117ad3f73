//! Prices. They are never deleted, and an archived one keeps its lookup key until another takes it over.

use serde_json::{Value, json};

use super::Worked;
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "price";

/// Without `active`, only active prices are listed.
pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let active = call.query_value("active") != Some("false");
    let product = call.query_value("product");
    let kind = call.query_value("type");
    world.page(OBJECT, call, |price| {
        price["active"] == active
            && product.is_none_or(|product| price["product"] == product)
            && kind.is_none_or(|kind| price["type"] == kind)
    })
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    world
        .get("product", call.text("product").unwrap_or_default())
        .map_err(|refusal| Refusal::new(400, refusal.message).code("resource_missing").param("product"))?;
    let amount = call.field("unit_amount");
    let decimal = call.text("unit_amount_decimal");
    if amount.is_null() == decimal.is_none() {
        return Err(Refusal::new(400, "Exactly one amount is needed.").code("parameters_exclusive"));
    }
    let mut body = call.body.clone().unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("transfer_lookup_key");
    }
    let whole = decimal.and_then(|decimal| decimal.parse::<u64>().ok());
    body["unit_amount"] = if amount.is_null() { json!(whole) } else { amount.clone() };
    body["unit_amount_decimal"] = json!(decimal.map_or_else(|| amount.to_string(), str::to_owned));
    give_up_key(world, call)?;
    let recurring = call.field("recurring");
    let usual = json!({
        "active": true, "billing_scheme": "per_unit", "created": now(), "custom_unit_amount": null,
        "lookup_key": null, "metadata": {}, "nickname": null,
        "recurring": if recurring.is_null() { Value::Null } else { json!({
            "interval_count": 1, "meter": null, "trial_period_days": null, "usage_type": "licensed",
        }) },
        "tax_behavior": "unspecified", "tiers_mode": null, "transform_quantity": null,
        "type": if recurring.is_null() { "one_time" } else { "recurring" },
    });
    let id = call.text("id").map_or_else(|| id("price_"), str::to_owned);
    world.make(OBJECT, id, usual, &body)
}

/// The lookup key is free, or another price gives it up.
fn give_up_key(world: &mut World, call: &Call) -> Result<(), Refusal> {
    let key = call.field("lookup_key");
    let holder = world.all(OBJECT).find(|price| !key.is_null() && price["lookup_key"] == *key);
    let Some(holder) = holder.and_then(|price| price["id"].as_str()).map(str::to_owned) else {
        return Ok(());
    };
    if *call.field("transfer_lookup_key") != true {
        let message = format!("A price (`{holder}`) already uses that lookup key.");
        return Err(Refusal::new(400, message).param("lookup_key"));
    }
    world.change(OBJECT, &holder, &json!({ "lookup_key": "" })).map(drop)
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    Ok(world.get(OBJECT, call.id())?.clone().into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    let price = world.get(OBJECT, call.id())?;
    let product = price["product"].as_str().unwrap_or_default().to_owned();
    let is_default = world.get("product", &product)?["default_price"] == call.id();
    if is_default && *call.field("active") == false {
        let message = "This price cannot be archived because it is the default price of its product.";
        return Err(Refusal::new(400, message).param("active"));
    }
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())
}
