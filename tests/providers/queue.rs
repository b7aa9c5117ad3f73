//! `cloudflare-queue`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Queue};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

pub(crate) struct Queues;

impl Service for Queues {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Queue::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "jurisdiction": "eu", "delivery_delay": 30, "message_retention_period": 86_400 }))
            .update(json!({ "delivery_delay": 0, "delivery_paused": true }))
            .refused(json!({ "delivery_delay": 86_401 }))
            .refused(json!({ "queue_name": "mine" }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        let name = target.marker.name(Some(target.name), 63);
        vendor.somebody("queues.create", &[], json!({ "queue_name": name }));
        Some(Work::Provision)
    }

    /// Names that the vendor's search finds, too.
    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..101 {
            vendor.somebody("queues.create", &[], json!({ "queue_name": format!("crowd-{number}") }));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        vendor.vanish(Kind::Queue, "queues.delete", "queue_id");
    }
}
