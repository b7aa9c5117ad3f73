//! `cloudflare-zone`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Zone};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

const NAME: &str = "contract.example.com";

pub(crate) struct Zones;

impl Service for Zones {
    fn prepare(vendor: &Vendor) {
        vendor.zone("example.com");
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Zone::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "name": NAME }))
            .update(json!({ "protect": false }))
            .refused(json!({ "name": "localhost" }))
            .refused(json!({ "name": "example.com" }))
            .refused(json!({ "name": "a.unregistered.example" }))
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        vendor.zone(NAME);
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        for zone in vendor.control().state().things {
            if zone.kind == Kind::Zone && zone.name == NAME {
                vendor.somebody("zones.delete", &[("zone_id", &zone.id)], json!(null));
            }
        }
    }
}
