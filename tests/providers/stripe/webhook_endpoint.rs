//! `stripe-webhook-endpoint`.

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, keeps_the_contract};

struct Endpoints;

impl Service for Endpoints {
    const NAME: &'static str = "stripe-webhook-endpoint";

    fn wishes() -> Wishes {
        Wishes::new(json!({
            "url": "https://shop.example/stripe", "enabled_events": ["invoice.paid", "charge.refunded"],
            "api_version": "2026-10-28.endive", "description": "the shop", "disabled": true,
        }))
        .update(json!({ "enabled_events": ["invoice.paid"], "description": null, "disabled": false }))
        .refused(json!({ "url": "http://shop.example/stripe", "enabled_events": ["*"] }))
        .refused(json!({ "url": "https://10.0.0.1/stripe", "enabled_events": ["*"] }))
        .refused(json!({ "url": "https://shop.example/stripe", "enabled_events": ["*", "invoice.paid"] }))
        .refused(json!({ "url": "https://shop.example/stripe", "enabled_events": [] }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        let metadata = json!({ "sutler_mark": target.marker.hex(32) });
        make(vendor, "https://theirs.example", metadata);
        Some(Work::Provision)
    }

    /// An account has 16 endpoints at most: they never need a second page.
    fn crowd(_vendor: &Vendor) -> bool {
        false
    }

    fn vanish(vendor: &Vendor) {
        for object in vendor.control().objects() {
            vendor.somebody("webhook_endpoints.delete", object["id"].as_str().unwrap(), json!(null));
        }
    }
}

fn make(vendor: &Vendor, url: &str, metadata: serde_json::Value) {
    let body = json!({ "url": url, "enabled_events": ["*"], "metadata": metadata });
    vendor.somebody("webhook_endpoints.create", "", body);
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_webhook_endpoint_keeps_the_contract() {
    keeps_the_contract::<Endpoints>(&["second_page"]).await;
}
