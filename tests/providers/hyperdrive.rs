//! `cloudflare-hyperdrive`.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Hyperdrive};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

const PASSWORD: &str = "a-password-that-nobody-says-51d0";
const OTHER: &str = "another-password-nobody-says-9a3e";

pub(crate) struct Configurations;

fn origin(host: &str, password: &str) -> Value {
    json!({ "scheme": "postgres", "host": host, "database": "shop", "user": "shop", "password": password })
}

/// As Cloudflare is asked, with a port.
fn make(vendor: &Vendor, name: &str) {
    let mut origin = origin("db.example.com", "theirs");
    origin["port"] = json!(5432);
    vendor.somebody("hyperdrive.create", &[], json!({ "name": name, "origin": origin }));
}

impl Service for Configurations {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Hyperdrive::new(client))
    }

    fn wishes() -> Wishes {
        let unreachable = origin("unreachable.example.com", PASSWORD);
        Wishes::new(json!({ "origin": origin("db.example.com", PASSWORD), "connection_limit": 10 }))
            .update(json!({ "origin": origin("db.example.com", OTHER), "caching": { "disabled": true } }))
            .refused(json!({ "origin": origin("db.example.com/x", PASSWORD) }))
            .refused(json!({ "origin": unreachable }))
            .refused(json!({ "connection_limit": 10 }))
            .secret(PASSWORD)
            .secret(OTHER)
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, &target.marker.name(Some(target.name), 63));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..101 {
            make(vendor, &format!("crowd-{number}"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        vendor.vanish(Kind::Hyperdrive, "hyperdrive.delete", "hyperdrive_id");
    }
}
