//! `cloudflare-r2`.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, R2};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_spec::Credentials;
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{ACCOUNT, Service, Vendor, ZONE};

pub(crate) struct Buckets;

/// The same in the jurisdiction of the federal government, with what only its wishes try.
pub(crate) struct FederalBuckets;

fn domain(name: &str) -> Value {
    json!({ "domain": name, "zone_id": ZONE })
}

impl Service for FederalBuckets {
    fn prepare(vendor: &Vendor) {
        Buckets::prepare(vendor);
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Buckets::provider(client)
    }

    fn wishes() -> Wishes {
        let rule = |more: Value| {
            let mut rule = json!({ "id": "campaign", "prefix": "campaign/" });
            rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            rule
        };
        let lasting = rule(json!({ "delete_on": "2027-01-31", "infrequent_access_after": 86_400 }));
        let longer = rule(json!({ "delete_after": 31_536_000, "infrequent_access_on": "2027-06-30" }));
        Wishes::new(json!({ "jurisdiction": "fedramp", "lifecycle": [lasting], "r2_dev": true }))
            .update(json!({ "lifecycle": [longer], "r2_dev": false }))
            .refused(json!({ "lifecycle": [rule(json!({ "delete_on": "2027-02-29" }))] }))
            .refused(json!({ "lifecycle": [rule(json!({ "delete_on": "31.1.2027" }))] }))
            .refused(json!({ "lifecycle": [rule(json!({ "delete_on": "2027-01-31", "delete_after": 1 }))] }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        let name = target.marker.name(Some(target.name), 63);
        vendor.somebody("r2.create", &[("jurisdiction", "fedramp")], json!({ "name": name }));
        Some(Work::Provision)
    }

    fn vanish(vendor: &Vendor) {
        Buckets::vanish(vendor);
    }

    fn accepts(vendor: &Vendor, credentials: &Credentials) -> Option<bool> {
        Some(opens(vendor, credentials, "fedramp", "Workers R2 Storage Bucket Item Write"))
    }
}

/// As an S3 client is let in: the key is the digest of the token's value, and the token reaches the bucket.
fn opens(vendor: &Vendor, credentials: &Credentials, jurisdiction: &str, group: &str) -> bool {
    let credentials = credentials.expose();
    let text = |name: &str| credentials[name].as_str().unwrap();
    let digest = |value: &str| -> String {
        Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let expected = format!("{}/{ACCOUNT}/{jurisdiction}", vendor.s3_base_url());
    assert_eq!(text("endpoint"), expected, "what was tried is what is given");
    let resource = format!("com.cloudflare.edge.r2.bucket.{ACCOUNT}_{jurisdiction}_{}", text("bucket"));
    let listed = |id: &str| {
        let entries = vendor.control().ledger();
        let caller = Some(format!("token:{id}"));
        entries.iter().any(|entry| {
            entry.operation.as_deref() == Some("s3.list_objects")
                && entry.authenticated_as == caller
                && entry.status == Some(200)
        })
    };
    assert!(listed(text("access_key_id")), "a key is tried before it is given");
    vendor.control().state().tokens.iter().any(|token| {
        token.id == text("access_key_id")
            && digest(&token.value) == text("secret_access_key")
            && token.status == "active"
            && token.policies[0]["resources"] == json!({ resource.clone(): "*" })
            && token.policies[0]["permission_groups"][0]["name"] == group
    })
}

impl Service for Buckets {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(R2::new(client))
    }

    /// In a jurisdiction: a call that forgets its header finds nothing there.
    fn wishes() -> Wishes {
        let cors = json!([{ "origins": ["https://example.com"], "methods": ["GET", "PUT"], "max_age": 60 }]);
        Wishes::new(json!({
            "jurisdiction": "eu",
            "cors": cors,
            "custom_domains": [domain("files.example.com")],
        }))
        .update(json!({ "cors": [], "custom_domains": [domain("other.example.com")] }))
        .bind(json!({ "access": "read", "ttl_hours": 24 }))
        .refused(json!({ "storage_class": "Standard" }))
        .refused(json!({ "jurisdiction": "eu", "location_hint": "weur" }))
        .refused(json!({ "force_empty": true }))
        .refused(json!({ "lifecycle": [{ "id": "nothing" }] }))
        .refused(json!({ "custom_domains": [domain("a.example.com"), domain("a.example.com")] }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        let name = target.marker.name(Some(target.name), 63);
        vendor.somebody("r2.create", &[("jurisdiction", "eu")], json!({ "name": name }));
        Some(Work::Provision)
    }

    /// So many that a list has a second page, of buckets and of tokens.
    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..1_001 {
            vendor.somebody(
                "r2.create",
                &[("jurisdiction", "eu")],
                json!({ "name": format!("crowd-{number}") }),
            );
        }
        let group = vendor.permission_group("Workers R2 Storage Bucket Item Read");
        for number in 0..51 {
            let resource = format!("com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_crowd-{number}");
            let policy = json!({
                "effect": "allow", "resources": { resource: "*" }, "permission_groups": [{ "id": group }],
            });
            let body = json!({ "name": format!("crowd-{number}"), "policies": [policy] });
            vendor.somebody("tokens.create", &[], body);
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for found in vendor.control().state().things.iter().filter(|found| found.kind == Kind::Bucket) {
            let jurisdiction = found.shown["jurisdiction"].as_str().unwrap();
            let place = [("jurisdiction", jurisdiction), ("bucket_name", found.name.as_str())];
            vendor.somebody("r2.delete", &place, Value::Null);
        }
        for token in vendor.control().state().tokens {
            vendor.somebody("tokens.delete", &[("token_id", &token.id)], Value::Null);
        }
    }

    fn accepts(vendor: &Vendor, credentials: &Credentials) -> Option<bool> {
        Some(opens(vendor, credentials, "eu", "Workers R2 Storage Bucket Item Read"))
    }
}
