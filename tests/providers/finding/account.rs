//! Things of the account, in one list.

use std::sync::Arc;

use serde_json::json;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{
    Hyperdrive, Kv, Queue, Turnstile, Vectorize, WorkerDomain,
};

use super::{
    FOREIGN, Hoard, NOBODY, Pages, goes_alone, is_found_and_taken_over, others_are_refused, unlike_is_refused,
};
use crate::cloudflare::{SCRIPT, Vendor, ZONE};

#[tokio::test]
async fn namespaces() {
    let vendor = Vendor::start().await;
    for number in 0..1_001 {
        vendor.somebody("kv.create", &[], json!({ "title": format!("stray-{number}") }));
    }
    vendor.somebody("kv.create", &[], json!({ "title": FOREIGN }));
    let provider: Arc<dyn Provider> = Arc::new(Kv::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (1_002, Pages::Several), "stray-1000");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({}), NOBODY).await;
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn a_namespace_whose_jurisdiction_nobody_can_tell_is_not_adopted_with_one() {
    let vendor = Vendor::start().await;
    vendor.somebody("kv.create", &[], json!({ "title": "stray" }));
    let provider: Arc<dyn Provider> = Arc::new(Kv::new(&vendor.client()));
    let hoard = Hoard::of(provider, (1, Pages::One), "stray");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    unlike_is_refused(engine, &json!({ "jurisdiction": "eu" }), "jurisdiction: ").await;
}

#[tokio::test]
async fn queues() {
    let vendor = Vendor::start().await;
    for number in 0..101 {
        vendor.somebody("queues.create", &[], json!({ "queue_name": format!("stray-{number}") }));
    }
    vendor.somebody("queues.create", &[], json!({ "queue_name": FOREIGN }));
    let provider: Arc<dyn Provider> = Arc::new(Queue::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (102, Pages::Several), "stray-100");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({}), NOBODY).await;
    goes_alone(&vendor, &engine).await;
    let hoard = Hoard::of(Arc::new(Queue::new(&vendor.client())), (101, Pages::Several), "stray-7");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    unlike_is_refused(engine, &json!({ "delivery_delay": 7 }), "delivery_delay: is 0 at Cloudflare, not 7")
        .await;
}

/// Names are not unique: what has the same name as an adopted one is somebody else's.
#[tokio::test]
async fn widgets() {
    let vendor = Vendor::start().await;
    let make = |name: &str| {
        let widget = json!({ "name": name, "domains": ["b.example", "a.example"], "mode": "invisible" });
        vendor.somebody("turnstile.create", &[], widget);
    };
    for number in 0..1_001 {
        make(&format!("stray-{number}"));
    }
    make("stray-1000");
    make(FOREIGN);
    let provider: Arc<dyn Provider> = Arc::new(Turnstile::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (1_003, Pages::Several), "stray-1000");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({ "domains": ["a.example"] }), "0x4nobody").await;
    goes_alone(&vendor, &engine).await;
}

/// The password is never shown: it is said, and believed.
#[tokio::test]
async fn hyperdrive_configurations() {
    let vendor = Vendor::start().await;
    let make = |name: &str| {
        let origin = json!({
            "scheme": "postgres", "host": "db.example.com", "port": 5433, "database": "shop", "user": "shop",
            "password": "theirs",
        });
        vendor.somebody("hyperdrive.create", &[], json!({ "name": name, "origin": origin }));
    };
    for number in 0..101 {
        make(&format!("stray-{number}"));
    }
    make(FOREIGN);
    let provider: Arc<dyn Provider> = Arc::new(Hyperdrive::new(&vendor.client()));
    let hoard = Hoard {
        more: json!({ "origin": { "password": "theirs" } }),
        ..Hoard::of(provider.clone(), (102, Pages::Several), "stray-100")
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let origin = json!({
        "scheme": "postgres", "host": "db.example.com", "database": "shop", "user": "shop", "password": "theirs",
    });
    others_are_refused(provider, &json!({ "origin": origin }), NOBODY).await;
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn vector_indexes() {
    let vendor = Vendor::start().await;
    for name in ["stray-1", "stray-2", FOREIGN] {
        let index = json!({ "name": name, "config": { "dimensions": 3, "metric": "cosine" } });
        vendor.somebody("vectorize.create", &[], index);
        let property = json!({ "propertyName": "year", "indexType": "number" });
        vendor.somebody("vectorize.add", &[("index_name", name)], property);
    }
    let provider: Arc<dyn Provider> = Arc::new(Vectorize::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (3, Pages::One), "stray-2");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({ "dimensions": 3, "metric": "cosine" }), "nobody").await;
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn domains_of_workers() {
    let vendor = Vendor::start().await;
    vendor.known_zone();
    for hostname in ["a.example.com", "b.example.com"] {
        let domain = json!({ "hostname": hostname, "service": SCRIPT, "zone_id": ZONE });
        vendor.somebody("worker_domains.put", &[], domain);
    }
    let provider: Arc<dyn Provider> = Arc::new(WorkerDomain::new(&vendor.client()));
    let name = "b.example.com";
    let hoard = Hoard::of(provider.clone(), (2, Pages::One), name);
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let hoard = Hoard::of(provider, (1, Pages::One), "a.example.com");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let other = json!({ "hostname": "b.example.com", "script": SCRIPT, "zone_id": ZONE });
    unlike_is_refused(engine, &other, "hostname: is a.example.com at Cloudflare").await;
}
