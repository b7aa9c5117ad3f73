//! `cloudflare-worker-domain`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, WorkerDomain};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{SCRIPT, Service, Vendor, ZONE};

const HOSTNAME: &str = "api.example.com";
const OTHER: &str = "shop-two";

pub(crate) struct Domains;

fn attach(vendor: &Vendor, hostname: &str) {
    let domain = json!({ "hostname": hostname, "service": SCRIPT, "zone_id": ZONE });
    vendor.somebody("worker_domains.put", &[], domain);
}

impl Service for Domains {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
        vendor.control().declare_script(OTHER);
        attach(vendor, "foreign.example.com");
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(WorkerDomain::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "hostname": HOSTNAME, "script": SCRIPT, "zone_id": ZONE }))
            .update(json!({ "script": OTHER }))
            .refused(json!({ "hostname": "*.example.com", "script": SCRIPT, "zone_id": ZONE }))
            .refused(json!({ "hostname": HOSTNAME, "script": "nowhere", "zone_id": ZONE }))
            .refused(json!({ "hostname": "foreign.example.com", "script": OTHER, "zone_id": ZONE }))
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        attach(vendor, HOSTNAME);
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        for domain in vendor.control().state().things {
            if domain.kind == Kind::WorkerDomain && domain.name == HOSTNAME {
                vendor.somebody("worker_domains.delete", &[("domain_id", &domain.id)], json!(null));
            }
        }
    }
}
