//! `cloudflare-pages-domain`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, PagesDomain};
use sutler_broker_server::providers::contract::{Target, Wishes};

use crate::cloudflare::{PROJECT, Service, Vendor};

const HOSTNAME: &str = "shop.example.com";

pub(crate) struct Domains;

impl Service for Domains {
    fn prepare(vendor: &Vendor) {
        vendor.somebody(
            "domains.create",
            &[("project_name", PROJECT)],
            json!({ "name": "foreign.example.com" }),
        );
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(PagesDomain::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "project": PROJECT, "hostname": HOSTNAME }))
            .refused(json!({ "project": PROJECT, "hostname": "*.example.com" }))
            .refused(json!({ "project": "nowhere", "hostname": HOSTNAME }))
            .refused(json!({ "project": PROJECT, "hostname": "foreign.example.com" }))
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        vendor.somebody("domains.create", &[("project_name", PROJECT)], json!({ "name": HOSTNAME }));
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        let parameters = [("project_name", PROJECT), ("domain_name", HOSTNAME)];
        vendor.somebody("domains.delete", &parameters, json!(null));
    }
}
