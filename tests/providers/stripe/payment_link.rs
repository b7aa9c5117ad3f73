//! `stripe-payment-link`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, archive_all, keeps_the_contract};

struct PaymentLinks;

/// The price that is sold.
const PRICE: &str = "price_contract";

fn make(vendor: &Vendor, metadata: Value) {
    let items = json!([{ "price": PRICE, "quantity": 1 }]);
    vendor.somebody("payment_links.create", "", json!({ "line_items": items, "metadata": metadata }));
}

impl Service for PaymentLinks {
    const NAME: &'static str = "stripe-payment-link";

    fn prepare(vendor: &Vendor) {
        vendor.somebody("products.create", "", json!({ "id": "prod_contract", "name": "Pro" }));
        let price = json!({ "id": PRICE, "product": "prod_contract", "currency": "eur", "unit_amount": 100 });
        vendor.somebody("prices.create", "", price);
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({
            "items": [{ "price": PRICE }], "redirect_url": "https://shop.example/thanks", "automatic_tax": true,
            "completed_sessions_limit": 5,
        }))
        .update(json!({ "redirect_url": null, "allow_promotion_codes": true, "completed_sessions_limit": null }))
        .refused(json!({ "items": [] }))
        .refused(json!({ "items": [{ "price": PRICE }], "redirect_url": "https://localhost/thanks" }))
        .refused(json!({ "items": [{ "price": "price_nowhere" }] }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, json!({ "sutler_mark": target.marker.hex(32) }));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        (0..101).for_each(|_| make(vendor, json!({})));
        true
    }

    fn vanish(vendor: &Vendor) {
        archive_all(vendor, "payment_link", "payment_links.update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_payment_link_keeps_the_contract() {
    keeps_the_contract::<PaymentLinks>(&[]).await;
}
