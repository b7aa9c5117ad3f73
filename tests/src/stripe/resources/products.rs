//! Products. Archiving one does not archive its prices; deleting one that ever had a price is refused.

use serde_json::{Value, json};

use super::{Worked, is_active};
use crate::stripe::answer::Refusal;
use crate::stripe::call::Call;
use crate::stripe::world::{World, id, now};

const OBJECT: &str = "product";

pub(super) fn list(world: &mut World, call: &Call) -> Worked {
    world.page(OBJECT, call, |product| is_active(call, product))
}

pub(super) fn create(world: &mut World, call: &Call) -> Worked {
    let usual = json!({
        "active": true, "created": now(), "default_price": null, "description": null, "images": [],
        "marketing_features": [], "metadata": {}, "package_dimensions": null, "shippable": null,
        "statement_descriptor": null, "tax_code": null, "type": "service", "unit_label": null, "updated": now(),
        "url": null,
    });
    let chosen = call.text("id").map_or_else(|| id("prod_"), str::to_owned);
    world.make(OBJECT, chosen, usual, &call.body.clone().unwrap_or_default())
}

pub(super) fn get(world: &mut World, call: &Call) -> Worked {
    Ok(world.get(OBJECT, call.id())?.clone().into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Worked {
    if let Some(price) = call.text("default_price").filter(|price| !price.is_empty()) {
        let named = world.get("price", price)?;
        if named["product"] != call.id() || named["active"] != true {
            let message = "The price must be active and of this product.";
            return Err(Refusal::new(400, message).param("default_price"));
        }
    }
    world.change(OBJECT, call.id(), &call.body.clone().unwrap_or_default())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Worked {
    let has_price = |world: &World| world.all("price").any(|price: &Value| price["product"] == call.id());
    if has_price(world) {
        let message = "This product cannot be deleted because it has one or more user-created prices.";
        return Err(Refusal::new(400, message));
    }
    world.delete(OBJECT, call.id())
}
