//! Payment links. They are never deleted.

use serde_json::json;

use super::{Worked, is_active};
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id};

const OBJECT: &str = "payment_link";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    let mut done = world.page(OBJECT, call, |link| is_active(call, link))?;
    done.body["data"].as_array_mut().into_iter().flatten().for_each(conceal);
    Ok(done)
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    for item in call.field("line_items").as_array().into_iter().flatten() {
        let price = item["price"].as_str().unwrap_or_default();
        if world.get("price", price).is_err() {
            let message = format!("No such price: '{price}'");
            return Err(Refusal::new(400, message).code("resource_missing").param("line_items[0][price]"));
        }
    }
    let usual = json!({
        "active": true,
        "after_completion": { "type": "hosted_confirmation", "hosted_confirmation": { "custom_message": null } },
        "allow_promotion_codes": false, "automatic_tax": { "enabled": false }, "billing_address_collection": "auto",
        "currency": "usd", "inactive_message": null, "metadata": {}, "restrictions": null,
        "url": format!("https://buy.stripe.com/{}", id("test_")),
    });
    let mut done = world.make(OBJECT, id("plink_"), usual, &call.body.clone().unwrap_or_default())?;
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

/// Told only to those who ask for it.
fn conceal(link: &mut serde_json::Value) {
    if let Some(fields) = link.as_object_mut() {
        fields.shift_remove("line_items");
    }
}
