//! `cloudflare-secrets`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Secrets};
use sutler_broker_server::providers::contract::{Target, Wishes};

use crate::cloudflare::{SCRIPT, Service, Vendor};

const SECRET: &str = "a-value-that-nobody-says-8c1f";
const OTHER: &str = "another-value-nobody-says-77ab";

pub(crate) struct Sets;

impl Service for Sets {
    fn prepare(vendor: &Vendor) {
        vendor.somebody(
            "secrets.put",
            &[("script_name", SCRIPT)],
            json!({ "name": "FOREIGN", "text": "x", "type": "secret_text" }),
        );
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Secrets::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "script": SCRIPT, "secrets": { "A": SECRET, "B": SECRET } }))
            .update(json!({ "secrets": { "B": OTHER, "C": SECRET } }))
            .refused(json!({ "script": "nowhere", "secrets": { "A": SECRET } }))
            .refused(json!({ "script": SCRIPT, "secrets": { "FOREIGN": SECRET } }))
            .refused(json!({ "script": SCRIPT, "secrets": { "A": "ü".repeat(5_000) } }))
            .secret(SECRET)
            .secret(OTHER)
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        let secret = json!({ "name": "A", "text": "theirs", "type": "secret_text" });
        vendor.somebody("secrets.put", &[("script_name", SCRIPT)], secret);
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        for name in ["A", "B"] {
            let parameters = [("script_name", SCRIPT), ("secret_name", name)];
            vendor.somebody("secrets.delete", &parameters, json!(null));
        }
    }
}
