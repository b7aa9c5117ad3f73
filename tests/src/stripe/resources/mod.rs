//! What each operation does.

mod coupons;
mod event_destinations;
mod features;
mod meters;
mod payment_links;
mod portals;
mod prices;
mod products;
mod promotion_codes;
mod tax_rates;
mod webhook_endpoints;

use serde_json::{Value, json};

use super::answer::{Done, Refusal};
use super::call::Call;
use super::world::World;

/// What an operation comes to.
pub(crate) type Worked = Result<Done, Refusal>;
/// An operation.
pub(crate) type Work = fn(&mut World, &Call) -> Worked;

/// The work behind an operation of the contract; that of `account.get` is done elsewhere.
pub(crate) fn work_of(operation: &str) -> Option<Work> {
    Some(match operation {
        "webhook_endpoints.list" => webhook_endpoints::list,
        "webhook_endpoints.create" => webhook_endpoints::create,
        "webhook_endpoints.get" => webhook_endpoints::get,
        "webhook_endpoints.update" => webhook_endpoints::update,
        "webhook_endpoints.delete" => webhook_endpoints::delete,
        "tax_rates.list" => tax_rates::list,
        "tax_rates.create" => tax_rates::create,
        "tax_rates.get" => tax_rates::get,
        "tax_rates.update" => tax_rates::update,
        "features.list" => features::list,
        "features.create" => features::create,
        "features.get" => features::get,
        "features.update" => features::update,
        "products.list" => products::list,
        "products.create" => products::create,
        "products.get" => products::get,
        "products.update" => products::update,
        "products.delete" => products::delete,
        "prices.list" => prices::list,
        "prices.create" => prices::create,
        "prices.get" => prices::get,
        "prices.update" => prices::update,
        "coupons.list" => coupons::list,
        "coupons.create" => coupons::create,
        "coupons.get" => coupons::get,
        "coupons.update" => coupons::update,
        "coupons.delete" => coupons::delete,
        "promotion_codes.list" => promotion_codes::list,
        "promotion_codes.create" => promotion_codes::create,
        "promotion_codes.update" => promotion_codes::update,
        "meters.list" => meters::list,
        "meters.create" => meters::create,
        "meters.get" => meters::get,
        "meters.update" => meters::update,
        "meters.deactivate" => meters::deactivate,
        "meters.reactivate" => meters::reactivate,
        "payment_links.list" => payment_links::list,
        "payment_links.create" => payment_links::create,
        "payment_links.get" => payment_links::get,
        "payment_links.update" => payment_links::update,
        "portals.list" => portals::list,
        "portals.create" => portals::create,
        "portals.get" => portals::get,
        "portals.update" => portals::update,
        "event_destinations.list" => event_destinations::list,
        "event_destinations.create" => event_destinations::create,
        "event_destinations.get" => event_destinations::get,
        "event_destinations.update" => event_destinations::update,
        "event_destinations.delete" => event_destinations::delete,
        _ => return None,
    })
}

/// Whether a list that can be asked for what is active, or is not, shows the object.
fn is_active(call: &Call, object: &Value) -> bool {
    call.query_value("active").is_none_or(|active| object["active"] == (active == "true"))
}

/// The account itself, as far as anybody asks.
pub(crate) fn account(id: &str) -> Done {
    json!({ "id": id, "object": "account" }).into()
}

#[cfg(test)]
mod tests {
    use super::super::contract::Contract;
    use super::work_of;

    #[test]
    fn every_operation_of_the_contract_is_done() {
        let contract = Contract::stripe().unwrap();
        for operation in contract.operations().iter().filter(|operation| operation.id != "account.get") {
            assert!(work_of(&operation.id).is_some(), "{}", operation.id);
        }
    }
}
