//! `cloudflare-zone`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Zone};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_spec::Credentials;
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

const NAME: &str = "contract.example.com";

pub(crate) struct Zones;

/// Somebody makes a token that reads zones.
fn token(vendor: &Vendor, name: &str) {
    let groups = vendor.somebody("tokens.permission_groups", &[], json!(null));
    let group = groups.as_array().unwrap().iter().find(|group| group["name"] == "Zone Read").unwrap();
    let policy = json!({
        "effect": "allow", "resources": { "com.cloudflare.api.account.zone.*": "*" },
        "permission_groups": [{ "id": group["id"] }],
    });
    vendor.somebody("tokens.create", &[], json!({ "name": name, "policies": [policy] }));
}

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

    /// Enough tokens that the binding's is not on the first page.
    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..101 {
            token(vendor, &format!("crowd-{number}"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for zone in vendor.control().state().things {
            if zone.kind == Kind::Zone && zone.name == NAME {
                vendor.somebody("zones.delete", &[("zone_id", &zone.id)], json!(null));
            }
        }
        for token in vendor.control().state().tokens {
            vendor.somebody("tokens.delete", &[("token_id", &token.id)], json!(null));
        }
    }

    /// The token lives, and may do what it is for in this zone alone.
    fn accepts(vendor: &Vendor, credentials: &Credentials) -> Option<bool> {
        let credentials = credentials.expose();
        let tokens = vendor.control().state().tokens;
        let found = tokens.iter().find(|token| token.value.as_str() == credentials["token"]);
        let Some(found) = found.filter(|token| token.status == "active") else { return Some(false) };
        let zone = credentials["zone_id"].as_str().unwrap();
        let policies = found.policies.as_array().unwrap();
        assert_eq!(policies.len(), 1, "{policies:?}");
        let resource = format!("com.cloudflare.api.account.zone.{zone}");
        assert_eq!(policies[0]["resources"], json!({ resource: "*" }));
        let groups = policies[0]["permission_groups"].as_array().unwrap();
        let mut names: Vec<&str> = groups.iter().filter_map(|group| group["name"].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["DNS Write", "Zone Read"]);
        Some(true)
    }
}
