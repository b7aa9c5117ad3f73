//! `cloudflare-kv`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Kv};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

pub(crate) struct Namespaces;

impl Service for Namespaces {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Kv::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "jurisdiction": "eu" }))
            .update(json!({ "protect": false }))
            .refused(json!({ "jurisdiction": "mars" }))
            .refused(json!({ "title": "mine" }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        vendor.somebody("kv.create", &[], json!({ "title": target.marker.name(Some(target.name), 63) }));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..1_001 {
            vendor.somebody("kv.create", &[], json!({ "title": format!("crowd-{number}") }));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        vendor.vanish(Kind::Namespace, "kv.delete", "namespace_id");
    }
}
