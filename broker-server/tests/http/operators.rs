//! What operators see: health and metrics.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use sutler_broker_server::providers::{Checkpoint, Work, scripted::Answer};
use tokio::sync::Semaphore;

use crate::world::{World, wanted};

async fn world() -> World {
    World::with(|config| config.management = Some(([127, 0, 0, 1], 0).into())).await
}

/// Asks at the management address.
async fn ask(world: &World, path: &str) -> (u16, String) {
    let address = world.handle().management_address().unwrap();
    let response = world.client.get(format!("http://{address}{path}")).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn readiness(world: &World) -> (u16, Value) {
    let (status, body) = ask(world, "/health/ready").await;
    (status, serde_json::from_str(&body).unwrap())
}

/// One sample of the metrics; absent is zero.
async fn sample(world: &World, series: &str) -> f64 {
    let (status, text) = ask(world, "/metrics").await;
    assert_eq!(status, 200);
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn s_18_health_and_metrics_have_their_own_address() {
    let world = world().await;
    assert_eq!(ask(&world, "/health/live").await, (200, json!({ "status": "live" }).to_string()));
    let (status, body) = readiness(&world).await;
    assert_eq!((status, &body["status"]), (200, &json!("ready")));
    for part in ["serving", "store_read", "store_write", "keys", "worker"] {
        assert_eq!(body["parts"][part], "ok", "{body}");
    }
    world.get("/v2/catalog").await;
    let series = "sutler_broker_requests_total{endpoint=\"catalog\",method=\"GET\",status=\"2xx\"}";
    assert_eq!(sample(&world, series).await, 1.0);
    assert_eq!(ask(&world, "/v2/catalog").await.0, 404);
    for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json"] {
        assert_eq!(world.get(path).await.status, 404, "{path} is not for platforms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_the_store_when_it_cannot_be_written() {
    let world = world().await;
    world.ready("/v2/service_instances/i").await;
    // another writer that does not let go is what a full disk or a lost volume looks like to a request
    let blocker = rusqlite::Connection::open(world.database().join("broker.db")).unwrap();
    blocker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (status, body) = readiness(&world).await;
    assert_eq!((status, &body["status"]), (503, &json!("not ready")));
    assert_eq!(body["parts"]["store_write"], "the store does not answer in time", "{body}");
    assert_eq!(body["parts"]["store_read"], "ok", "WAL readers do not wait for a writer: {body}");
    blocker.execute_batch("ROLLBACK").unwrap();
    let ready = async {
        while readiness(&world).await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ready).await.expect("ready again");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_operations_and_calls_and_name_no_instance() {
    let world = world().await;
    let path = "/v2/service_instances/a-telling-name";
    let later = Answer::Pending(Checkpoint::begin(), Duration::from_secs(60));
    world.script.on(Work::Provision, [later]);
    let put = format!("{path}?accepts_incomplete=true");
    let accepted = world.put(&put, &wanted(json!({}))).await;
    assert_eq!(accepted.status, 202, "{:?}", accepted.body);
    let count = "sutler_broker_operations_accepted_total{work=\"provision\"}";
    assert_eq!(sample(&world, count).await, 1.0);
    let parked = "sutler_broker_operations_in_progress{work=\"provision\",state=\"parked\"}";
    let (_, text) = ask(&world, "/metrics").await;
    assert_eq!(sample(&world, parked).await, 1.0, "{text}");
    assert!(text.contains("outcome=\"pending\""), "{text}");
    assert!(!text.contains("a-telling-name"), "labels are bounded: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_ages_of_the_pool_and_of_leases_that_were_lost() {
    let world = world().await;
    let gate = Arc::new(Semaphore::new(0));
    world.script.on(Work::Provision, [Answer::Gate(gate.clone())]);
    let put = "/v2/service_instances/i?accepts_incomplete=true";
    assert_eq!(world.put(put, &wanted(json!({}))).await.status, 202);
    let young = "sutler_broker_operations_in_progress_by_age{work=\"provision\",age=\"under_1m\"}";
    let (_, text) = ask(&world, "/metrics").await;
    assert_eq!(sample(&world, young).await, 1.0, "{text}");
    assert!(sample(&world, "sutler_broker_operations_oldest_age_seconds{work=\"provision\"}").await < 60.0);
    assert!(sample(&world, "sutler_broker_store_connections").await >= 1.0, "{text}");
    assert_eq!(sample(&world, "sutler_broker_lease_losses_total").await, 0.0);
    // somebody else takes the operation while its step is at the vendor
    let store = rusqlite::Connection::open(world.database().join("broker.db")).unwrap();
    store.busy_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(store.execute("UPDATE operations SET owner = 'somebody', fence = fence + 1", []).unwrap(), 1);
    gate.add_permits(10);
    let lost = async {
        while sample(&world, "sutler_broker_lease_losses_total").await < 1.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), lost).await.expect("the loss is counted");
}
