//! `cloudflare-www-redirect`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, WwwRedirect};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor, ZONE};

pub(crate) struct Redirects;

/// Somebody adds a rule to the zone's ruleset, which is there.
fn add(vendor: &Vendor, reference: &str) {
    let ruleset = vendor.somebody("redirects.get", &[("zone_id", ZONE)], json!(null));
    let rule = json!({
        "ref": reference, "expression": "true", "action": "redirect",
        "action_parameters": { "from_value": { "target_url": { "value": "https://example.org/" } } },
    });
    let parameters = [("zone_id", ZONE), ("ruleset_id", ruleset["id"].as_str().unwrap())];
    vendor.somebody("redirects.add", &parameters, rule);
}

impl Service for Redirects {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
        let phase = "http_request_dynamic_redirect";
        let ruleset = json!({ "name": "default", "kind": "zone", "phase": phase, "rules": [] });
        vendor.somebody("redirects.create", &[("zone_id", ZONE)], ruleset);
        add(vendor, "foreign");
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(WwwRedirect::new(client))
    }

    fn wishes() -> Wishes {
        let (from, to) = ("www.example.com", "example.com");
        Wishes::new(json!({ "zone_id": ZONE, "from_host": from, "to_host": to }))
            .update(json!({ "status": 302, "preserve_path": false }))
            .refused(json!({ "zone_id": ZONE, "from_host": "a\" or true or \"", "to_host": to }))
            .refused(json!({ "zone_id": ZONE, "from_host": from, "to_host": from }))
            .refused(json!({ "zone_id": "f".repeat(32), "from_host": from, "to_host": to }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        add(vendor, &target.marker.name(None, 36));
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        let ruleset = vendor.somebody("redirects.get", &[("zone_id", ZONE)], json!(null));
        let ruleset = ruleset["id"].as_str().unwrap().to_owned();
        for rule in vendor.control().state().things {
            if rule.kind == Kind::RedirectRule && rule.name != "foreign" {
                let parameters = [("zone_id", ZONE), ("ruleset_id", ruleset.as_str()), ("rule_id", &rule.id)];
                vendor.somebody("redirects.delete", &parameters, json!(null));
            }
        }
    }
}
