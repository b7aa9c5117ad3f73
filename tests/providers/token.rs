//! `cloudflare-token`.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Token};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_spec::Credentials;

use crate::cloudflare::{ACCOUNT, Service, Vendor};

pub(crate) struct Tokens;

/// Somebody makes a token that reads databases.
fn make(vendor: &Vendor, name: &str) {
    let resource = format!("com.cloudflare.api.account.{ACCOUNT}");
    let group = vendor.permission_group("D1 Read");
    let policy = json!({
        "effect": "allow", "resources": { resource: "*" }, "permission_groups": [{ "id": group }],
    });
    vendor.somebody("tokens.create", &[], json!({ "name": name, "policies": [policy] }));
}

impl Service for Tokens {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Token::new(client))
    }

    fn wishes() -> Wishes {
        let resources = json!({ "database": "0b2f1c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d" });
        Wishes::new(json!({ "resources": resources, "ttl_hours": 24 }))
            .update(json!({ "access": "read" }))
            .refused(json!({ "resources": {} }))
            .refused(json!({ "resources": resources, "permissions": ["API Tokens Write"] }))
            .refused(json!({ "resources": resources, "allowed_ips": ["300.0.0.1/8"] }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, &format!("somebody-{}", target.binding.hex(24)));
        Some(Work::Bind)
    }

    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..101 {
            make(vendor, &format!("crowd-{number}"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for token in vendor.control().state().tokens {
            vendor.somebody("tokens.delete", &[("token_id", &token.id)], json!(null));
        }
    }

    fn accepts(vendor: &Vendor, credentials: &Credentials) -> Option<bool> {
        let value = credentials.expose()["token"].as_str().unwrap();
        let tokens = vendor.control().state().tokens;
        Some(tokens.iter().any(|token| token.value == value && token.status == "active"))
    }
}
