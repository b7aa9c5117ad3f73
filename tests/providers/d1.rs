//! `cloudflare-d1`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, D1};
use sutler_broker_server::providers::contract::{Target, Wishes};

use crate::cloudflare::{Service, Vendor};

pub(crate) struct Databases;

impl Service for Databases {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(D1::new(client))
    }

    fn wishes() -> Wishes {
        let first = json!({ "name": "0001", "sql": "CREATE TABLE a (b INTEGER);" });
        let second = json!({ "name": "0002", "sql": "INSERT INTO a (b) VALUES (1);" });
        Wishes::new(json!({ "read_replication": "auto", "migrations": [first, second] }))
            .update(json!({
                "read_replication": "disabled",
                "migrations": [first, second, { "name": "0003", "sql": "INSERT INTO a (b) VALUES (2);" }],
            }))
            .refused(json!({ "read_replication": "sometimes" }))
            .refused(json!({ "jurisdiction": "eu", "primary_location_hint": "weur" }))
            .refused(json!({ "migrations": [first, first] }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        let name = target.marker.name(Some(target.name), 63);
        vendor.somebody("d1.create", &[], json!({ "name": name }));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..1_001 {
            vendor.somebody("d1.create", &[], json!({ "name": format!("crowd-{number}") }));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for database in vendor.control().state().databases {
            vendor.somebody("d1.delete", &[("database_id", &database.uuid)], json!(null));
        }
    }
}
