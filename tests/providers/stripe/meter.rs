//! `stripe-meter`.

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};

use super::{Service, Vendor, keeps_the_contract};

struct Meters;

fn make(vendor: &Vendor, event: &str) {
    let body = json!({
        "display_name": "theirs", "event_name": event, "default_aggregation": { "formula": "sum" },
    });
    vendor.somebody("meters.create", "", body);
}

impl Service for Meters {
    const NAME: &'static str = "stripe-meter";

    fn wishes() -> Wishes {
        Wishes::new(json!({
            "display_name": "API calls", "event_name": "api_call", "formula": "sum", "event_time_window": "hour",
        }))
        .update(json!({ "display_name": "Calls" }))
        .refused(json!({ "display_name": "API calls", "formula": "median" }))
        .refused(json!({ "display_name": "API calls", "event_name": "api call", "formula": "sum" }))
        .refused(json!({ "formula": "sum" }))
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        make(vendor, "api_call");
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        (0..101).for_each(|number| make(vendor, &format!("crowd_{number}")));
        true
    }

    fn vanish(vendor: &Vendor) {
        for object in vendor.control().objects() {
            vendor.somebody("meters.deactivate", object["id"].as_str().unwrap(), Value::Null);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_meter_keeps_the_contract() {
    keeps_the_contract::<Meters>(&[]).await;
}
