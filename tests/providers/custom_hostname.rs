//! `cloudflare-custom-hostname`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, CustomHostname};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor, ZONE};

const NAME: &str = "shop.customer.example";

pub(crate) struct Hostnames;

fn make(vendor: &Vendor, hostname: &str) {
    let ssl = json!({ "method": "txt", "type": "dv" });
    vendor.somebody(
        "custom_hostnames.create",
        &[("zone_id", ZONE)],
        json!({ "hostname": hostname, "ssl": ssl }),
    );
}

impl Service for Hostnames {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(CustomHostname::new(client))
    }

    fn wishes() -> Wishes {
        let wish = |hostname: &str| json!({ "zone_id": ZONE, "hostname": hostname, "method": "txt" });
        let wildcard = json!({ "zone_id": ZONE, "hostname": NAME, "method": "http", "wildcard": true });
        let elsewhere = json!({ "zone_id": "f".repeat(32), "hostname": NAME, "method": "txt" });
        Wishes::new(wish(NAME))
            .update(json!({ "min_tls_version": "1.3", "custom_origin_server": "origin.example.com" }))
            .refused(wish("localhost"))
            .refused(wish("shop.unsold.example"))
            .refused(wish("shop.closed.example"))
            .refused(wildcard)
            .refused(elsewhere)
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        make(vendor, NAME);
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        for found in vendor.control().state().things.iter().filter(|found| found.kind == Kind::CustomHostname)
        {
            let place = [("zone_id", ZONE), ("custom_hostname_id", found.id.as_str())];
            vendor.somebody("custom_hostnames.delete", &place, json!(null));
        }
    }
}
