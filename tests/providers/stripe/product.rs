//! `stripe-product`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, archive_all, keeps_the_contract};

struct Products;

fn make(vendor: &Vendor, id: &str) {
    vendor.somebody("products.create", "", json!({ "id": id, "name": "theirs" }));
}

fn monthly(amount: u32) -> Value {
    json!({ "currency": "eur", "unit_amount": amount, "interval": "month", "tax_behavior": "exclusive" })
}

impl Service for Products {
    const NAME: &'static str = "stripe-product";

    /// Another amount makes another price, which the product has to name before the earlier one can go. Few prices: each
    /// adds its calls to every life that the suite disturbs.
    fn wishes() -> Wishes {
        let with = |name: &str, price: Value| json!({ "name": name, "prices": { "monthly": price }, "default_price": "monthly" });
        Wishes::new(with("Pro", monthly(1_000)))
            .update(with("Pro 2", monthly(1_200)))
            .refused(json!({ "name": "Pro", "prices": { "m": { "currency": "EUR", "unit_amount": 1 } } }))
            .refused(json!({ "name": "Pro", "prices": { "m": { "currency": "eur" } } }))
            .refused(json!({ "name": "Pro", "default_price": "nowhere" }))
            .refused(json!({ "name": "Pro", "prices": { "m": {
            "currency": "eur", "unit_amount": 1, "interval": "year", "interval_count": 4,
        } } }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, &format!("osb_{}", target.marker.hex(32)));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        (0..101).for_each(|number| make(vendor, &format!("crowd_{number}")));
        true
    }

    /// The product and its prices.
    fn vanish(vendor: &Vendor) {
        for object in vendor.control().objects() {
            if object["object"] == "product" {
                vendor.somebody(
                    "products.update",
                    object["id"].as_str().unwrap(),
                    json!({ "default_price": "" }),
                );
            }
        }
        archive_all(vendor, "price", "prices.update");
        archive_all(vendor, "product", "products.update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_product_keeps_the_contract() {
    keeps_the_contract::<Products>(&[]).await;
}
