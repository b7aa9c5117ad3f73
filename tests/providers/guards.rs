//! What holds something is kept, says why, and goes when the reason is gone.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::cloudflare::{Queue, Vectorize, Zone};
use sutler_broker_server::providers::{Observation, Provider, Refusal};
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::Vendor;
use crate::engine::{Engine, refusal};

async fn made(vendor: &Vendor, provider: Arc<dyn Provider>, wanted: Value, kind: Kind) -> (Engine, String) {
    let mut engine = Engine::new(provider, &wanted);
    engine.provision().await;
    let things = vendor.control().state().things;
    let id = things.iter().find(|thing| thing.kind == kind).unwrap().id.clone();
    (engine, id)
}

/// The deletion is refused with this reason, and nothing is changed.
async fn is_kept(vendor: &Vendor, engine: &Engine, reason: &str) {
    let before = vendor.changes();
    let ended = engine.deprovision().await;
    let (why, told) = refusal(&ended).unwrap();
    assert_eq!(why, Refusal::Protected);
    assert!(told.starts_with("protect: ") && told.contains(reason), "{told}");
    assert_eq!(vendor.changes(), before);
    assert!(matches!(engine.fetch().await, Observation::Found { .. }));
}

async fn goes(engine: &Engine) {
    engine.deprovision().await.unwrap();
    assert_eq!(engine.fetch().await, Observation::Gone);
}

#[tokio::test]
async fn a_queue_with_messages_or_consumers_is_kept_until_it_is_not_protected() {
    for (operation, body, reason) in [
        ("queues.send", json!({ "body": "x" }), "there are messages in the queue"),
        ("queues.consume", json!({ "script_name": "shop" }), "a Worker sends to the queue or takes from it"),
    ] {
        let vendor = Vendor::start().await;
        let provider = Arc::new(Queue::new(&vendor.client()));
        let (mut engine, id) = made(&vendor, provider, json!({}), Kind::Queue).await;
        vendor.somebody(operation, &[("queue_id", &id)], body);
        is_kept(&vendor, &engine, reason).await;
        engine.update(&json!({ "protect": false })).await;
        goes(&engine).await;
    }
}

#[tokio::test]
async fn a_queue_that_holds_nothing_goes_though_it_is_protected() {
    let vendor = Vendor::start().await;
    let provider = Arc::new(Queue::new(&vendor.client()));
    let (engine, _) = made(&vendor, provider, json!({ "protect": true }), Kind::Queue).await;
    goes(&engine).await;
}

#[tokio::test]
async fn an_index_with_vectors_is_kept_until_it_is_not_protected() {
    let vendor = Vendor::start().await;
    let wanted = json!({ "dimensions": 3, "metric": "cosine" });
    let provider = Arc::new(Vectorize::new(&vendor.client()));
    let (mut engine, id) = made(&vendor, provider, wanted, Kind::VectorIndex).await;
    vendor.somebody("vectorize.insert", &[("index_name", &id)], json!(null));
    is_kept(&vendor, &engine, "the index has vectors").await;
    engine.update(&json!({ "dimensions": 3, "metric": "cosine", "protect": false })).await;
    goes(&engine).await;
}

#[tokio::test]
async fn a_zone_with_records_is_kept_until_they_are_gone() {
    let vendor = Vendor::start().await;
    let provider = Arc::new(Zone::new(&vendor.client()));
    let (engine, id) = made(&vendor, provider, json!({ "name": "shop.example" }), Kind::Zone).await;
    let record = json!({ "type": "A", "name": "shop.example", "content": "192.0.2.1" });
    let record = vendor.somebody("records.create", &[("zone_id", &id)], record);
    is_kept(&vendor, &engine, "the zone has DNS records").await;
    let place = [("zone_id", id.as_str()), ("dns_record_id", record["id"].as_str().unwrap())];
    vendor.somebody("records.delete", &place, json!(null));
    goes(&engine).await;
}

#[tokio::test]
async fn a_zone_with_records_goes_with_them_when_it_is_not_protected() {
    let vendor = Vendor::start().await;
    let provider = Arc::new(Zone::new(&vendor.client()));
    let (mut engine, id) = made(&vendor, provider, json!({ "name": "shop.example" }), Kind::Zone).await;
    let record = json!({ "type": "A", "name": "shop.example", "content": "192.0.2.1" });
    vendor.somebody("records.create", &[("zone_id", &id)], record);
    engine.update(&json!({ "name": "shop.example", "protect": false })).await;
    goes(&engine).await;
    assert!(vendor.control().state().things.is_empty());
}
