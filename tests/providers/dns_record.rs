//! `cloudflare-dns-record`.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, DnsRecord};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor, ZONE};

pub(crate) struct Sets;

fn record(name: &str, of: &str, content: &str) -> Value {
    json!({ "name": name, "type": of, "content": content })
}

fn make(vendor: &Vendor, record: Value) {
    vendor.somebody("records.create", &[("zone_id", ZONE)], record);
}

impl Service for Sets {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
        make(vendor, record("foreign.example.com", "A", "192.0.2.99"));
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(DnsRecord::new(client))
    }

    fn wishes() -> Wishes {
        let set = |records: Value| json!({ "zone_id": ZONE, "records": records });
        let (www, text) =
            (record("www.example.com", "A", "192.0.2.1"), record("example.com", "TXT", "v=spf1 -all"));
        let mail =
            json!({ "name": "example.com", "type": "MX", "content": "mail.example.com", "priority": 10 });
        let hasty = json!({ "name": "www.example.com", "type": "A", "content": "192.0.2.1", "ttl": 30 });
        Wishes::new(set(json!([www, text])))
            .update(json!({ "records": [record("www.example.com", "A", "192.0.2.2"), mail] }))
            .refused(set(json!([])))
            .refused(set(json!([hasty])))
            .refused(set(json!([record("www.example.org", "A", "192.0.2.1")])))
            .refused(set(json!([record("foreign.example.com", "A", "192.0.2.99")])))
            .refused(json!({ "zone_id": "f".repeat(32), "records": [www] }))
    }

    /// The same record, without our mark.
    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        make(vendor, record("www.example.com", "A", "192.0.2.1"));
        Some(Work::Provision)
    }

    /// Others' sets: they are listed together with ours.
    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..51 {
            vendor.zone(&format!("crowd-{number}.example.net"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for found in vendor.control().state().things {
            if found.kind == Kind::DnsRecord && found.name != "foreign.example.com" {
                let parameters = [("zone_id", ZONE), ("dns_record_id", &found.id)];
                vendor.somebody("records.delete", &parameters, json!(null));
            }
        }
    }
}
