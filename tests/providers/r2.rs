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

impl Service for Buckets {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(R2::new(client))
    }

    /// In a jurisdiction: a call that forgets its header finds nothing there.
    fn wishes() -> Wishes {
        let domain = |name: &str| json!({ "domain": name, "zone_id": ZONE });
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

    /// As an S3 client is let in: the key is the digest of the token's value, and the token reaches the bucket.
    fn accepts(vendor: &Vendor, credentials: &Credentials) -> Option<bool> {
        let credentials = credentials.expose();
        let text = |name: &str| credentials[name].as_str().unwrap();
        let digest = |value: &str| -> String {
            Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(text("endpoint"), format!("https://{ACCOUNT}.eu.r2.cloudflarestorage.com"));
        let resource = format!("com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_{}", text("bucket"));
        let tokens = vendor.control().state().tokens;
        Some(tokens.iter().any(|token| {
            token.id == text("access_key_id")
                && digest(&token.value) == text("secret_access_key")
                && token.status == "active"
                && token.expires_on.is_some()
                && token.policies[0]["resources"] == json!({ resource.clone(): "*" })
                && token.policies[0]["permission_groups"][0]["name"] == "Workers R2 Storage Bucket Item Read"
        }))
    }
}
