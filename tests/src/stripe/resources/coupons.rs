//! Coupons, with ids of the caller's choice.

use serde_json::json;

use super::Worked;
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "coupon";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let mut done = world.page(OBJECT, call, |_| true)?;
    done.body["data"].as_array_mut().into_iter().flatten().for_each(conceal);
    Ok(done)
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    if call.field("percent_off").is_null() == call.field("amount_off").is_null() {
        return Err(
            Refusal::new(400, "Exactly one of amount_off and percent_off.").code("parameters_exclusive")
        );
    }
    let usual = json!({
        "amount_off": null, "created": now(), "currency": null, "duration_in_months": null, "max_redemptions": null,
        "metadata": {}, "name": null, "percent_off": null, "redeem_by": null, "times_redeemed": 0, "valid": true,
    });
    let chosen = call.text("id").map_or_else(|| id("")[..8].to_owned(), str::to_owned);
    let mut done = world.make(OBJECT, chosen, usual, &call.body.clone().unwrap_or_default())?;
    conceal(&mut done.body);
    Ok(done)
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    let mut shown = world.get(OBJECT, call.id())?.clone();
    conceal(&mut shown);
    Ok(shown.into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    let mut done = world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())?;
    conceal(&mut done.body);
    Ok(done)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Worked {
    world.delete(OBJECT, call.id())
}

/// Told only to those who ask for it.
fn conceal(coupon: &mut serde_json::Value) {
    if let Some(fields) = coupon.as_object_mut() {
        fields.shift_remove("applies_to");
    }
}
