//! `cloudflare-turnstile`.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, Turnstile};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor};

pub(crate) struct Widgets;

/// Somebody makes a widget.
fn make(vendor: &Vendor, name: &str) -> Value {
    let widget = json!({ "name": name, "domains": ["example.com"], "mode": "managed" });
    vendor.somebody("turnstile.create", &[], widget)
}

impl Service for Widgets {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(Turnstile::new(client))
    }

    fn wishes() -> Wishes {
        Wishes::new(json!({ "domains": ["shop.example.com", "example.com"], "region": "world" }))
            .update(json!({ "mode": "invisible", "secret_version": 2, "keep_old_secret": false }))
            .refused(json!({ "domains": [] }))
            .refused(json!({ "domains": ["Shop.example.com"] }))
            .refused(json!({ "domains": ["example.com"], "mode": "loud" }))
    }

    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work> {
        make(vendor, &target.marker.name(Some(target.name), 63));
        Some(Work::Provision)
    }

    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..1_001 {
            make(vendor, &format!("crowd-{number}"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        vendor.vanish(Kind::Widget, "turnstile.delete", "sitekey");
    }
}
