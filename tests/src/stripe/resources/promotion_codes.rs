//! Promotion codes. The text is unique among the active ones, whatever its case.

use serde_json::{Value, json};

use super::{Worked, is_active};
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "promotion_code";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let coupon = call.query_value("coupon");
    world.page(OBJECT, call, |code| {
        is_active(call, code) && coupon.is_none_or(|coupon| code["promotion"]["coupon"] == coupon)
    })
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    let coupon = call.field("promotion")["coupon"].as_str().unwrap_or_default();
    world.get("coupon", coupon).map_err(|refusal| {
        Refusal::new(400, refusal.message).code("resource_missing").param("promotion[coupon]")
    })?;
    let text = call.text("code").map_or_else(|| id("")[..8].to_uppercase(), str::to_owned);
    let is_same = |code: &&Value| {
        code["active"] == true && code["code"].as_str().is_some_and(|code| code.eq_ignore_ascii_case(&text))
    };
    if world.all(OBJECT).any(|code| is_same(&code)) {
        let message = format!("An active promotion code with `code: {text}` already exists.");
        return Err(Refusal::new(400, message));
    }
    let usual = json!({
        "active": true, "code": text, "created": now(), "customer": null, "customer_account": null,
        "expires_at": null, "max_redemptions": null, "metadata": {},
        "restrictions": {
            "first_time_transaction": false, "minimum_amount": null, "minimum_amount_currency": null,
        },
        "times_redeemed": 0,
    });
    world.make(OBJECT, id("promo_"), usual, &call.body.clone().unwrap_or_default())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())
}
