//! `stripe-customer-portal`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, archive_all, keeps_the_contract};

struct Portals;

fn make(vendor: &Vendor, metadata: Value) {
    vendor.somebody("portals.create", "", json!({ "features": {}, "metadata": metadata }));
}

impl Service for Portals {
    const NAME: &'static str = "stripe-customer-portal";

    fn wishes() -> Wishes {
        Wishes::new(json!({
            "label": "shop", "customer_update": ["email", "tax_id"], "invoice_history": true,
            "subscription_cancel": "at_period_end", "headline": "The shop", "login_page": true,
        }))
        .update(json!({
            "customer_update": ["email"], "subscription_cancel": null, "headline": null, "login_page": false,
            "privacy_policy_url": "https://shop.example/privacy",
        }))
        .refused(json!({ "customer_update": ["password"] }))
        .refused(json!({ "default_return_url": "https://shop.internal" }))
        .refused(json!({ "headline": "x".repeat(61) }))
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
        archive_all(vendor, "billing_portal.configuration", "portals.update");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_customer_portal_keeps_the_contract() {
    keeps_the_contract::<Portals>(&[]).await;
}
