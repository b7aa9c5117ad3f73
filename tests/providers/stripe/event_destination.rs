//! `stripe-event-destination`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, keeps_the_contract};

struct Destinations;

fn make(vendor: &Vendor, metadata: Value) {
    let body = json!({
        "name": "theirs", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["v1.x.y"],
        "webhook_endpoint": { "url": "https://theirs.example" }, "metadata": metadata,
    });
    vendor.somebody("event_destinations.create", "", body);
}

impl Service for Destinations {
    const NAME: &'static str = "stripe-event-destination";

    fn wishes() -> Wishes {
        let event = "v1.billing.meter.error_report_triggered";
        Wishes::new(json!({
            "label": "shop", "url": "https://shop.example/events", "enabled_events": [event],
            "event_payload": "thin", "description": "meters",
        }))
        .update(json!({
            "url": "https://shop.example/stripe", "enabled_events": [event, "v1.billing.meter.no_meter_found"],
            "description": null,
        }))
        .refused(json!({ "label": "shop", "url": "https://127.0.0.1", "enabled_events": [event], "event_payload": "thin" }))
        .refused(json!({
            "label": "shop", "url": "https://shop.example", "enabled_events": [event], "event_payload": "thin",
            "snapshot_api_version": "2026-10-28.endive",
        }))
        .refused(json!({ "label": "shop", "url": "https://shop.example", "enabled_events": [], "event_payload": "thin" }))
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
        for object in vendor.control().objects() {
            vendor.somebody("event_destinations.delete", object["id"].as_str().unwrap(), Value::Null);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_event_destination_keeps_the_contract() {
    keeps_the_contract::<Destinations>(&[]).await;
}
