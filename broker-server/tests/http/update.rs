//! Update, row by row.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use sutler_broker_server::{
    operation::Work,
    providers::{
        Checkpoint, ProviderError, Refusal, Repeatability, Usability,
        scripted::{Answer, MAINTAINED, SERVICE, SLOW, STANDARD, VERSION},
    },
};
use tokio::sync::Semaphore;

use crate::world::{World, ids, on_plan, wanted};

const I: &str = "/v2/service_instances/i";
const ASYNC: &str = "/v2/service_instances/i?accepts_incomplete=true";

fn change(fields: Value) -> Value {
    let mut body = json!({ "service_id": SERVICE });
    for (key, value) in fields.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn b_upd_13_parameters_are_merged_and_null_removes() {
    let world = World::start().await;
    world.put(I, &wanted(json!({ "size": 1, "note": "a" }))).await;
    let updated = world.patch(I, &change(json!({ "parameters": { "size": 2, "note": null } }))).await;
    assert_eq!(updated.status, 200);
    assert_eq!(world.get(I).await.body["parameters"], json!({ "size": 2 }));
    assert_eq!(world.put(I, &wanted(json!({ "size": 2 }))).await.status, 200, "identical to what it is now");
    assert_eq!(world.put(I, &wanted(json!({ "size": 1, "note": "a" }))).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_effect_is_not_work() {
    let world = World::start().await;
    world.put(I, &wanted(json!({ "size": 1 }))).await;
    for fields in [
        json!({}),
        json!({ "parameters": {} }),
        json!({ "plan_id": STANDARD }),
        json!({ "parameters": { "size": 1 }, "previous_values": { "maintenance_info": null } }),
        json!({ "parameters": { "note": null }, "maintenance_info": {} }),
        json!({ "context": { "platform": "test", "instance_name": "renamed" } }),
    ] {
        assert_eq!(world.patch(ASYNC, &change(fields.clone())).await.status, 200, "{fields}");
    }
    assert_eq!(world.script.count(Work::Update), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_upd_the_order_of_refusals() {
    let world = World::start().await;
    assert_eq!(world.patch(I, &change(json!({}))).await.status, 404, "b_upd_20");
    world.ready(I).await;
    assert_eq!(
        world
            .put("/v2/service_instances/slow?accepts_incomplete=true", &on_plan(SLOW, json!({})))
            .await
            .status,
        201
    );
    let slow = "/v2/service_instances/slow?accepts_incomplete=true";
    for (path, body, status) in [
        (I, json!({}), 400),
        (I, json!({ "service_id": "unknown" }), 400),
        (I, change(json!({ "plan_id": "unknown" })), 400),
        (I, change(json!({ "parameters": { "size": "x" } })), 400),
        (I, change(json!({ "parameters": { "note": "impossible" } })), 400),
        (I, change(json!({ "maintenance_info": { "version": "9.9.9" } })), 422),
        (I, change(json!({ "plan_id": SLOW })), 422),
        ("/v2/service_instances/slow", change(json!({})), 422),
        (slow, change(json!({ "plan_id": STANDARD })), 422),
        (slow, change(json!({})), 200),
        (I, change(json!({ "plan_id": MAINTAINED, "maintenance_info": { "version": VERSION } })), 200),
    ] {
        let answer = world.patch(path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
    }
    let fetched = world.get(I).await.body;
    assert_eq!(
        (fetched["plan_id"].as_str(), fetched["maintenance_info"]["version"].as_str()),
        (Some(MAINTAINED), Some(VERSION))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b_upd_12_i_12_one_change_at_a_time() {
    let world = World::start().await;
    world.ready(I).await;
    let gate = Arc::new(Semaphore::new(0));
    world.script.on(
        Work::Update,
        [Answer::Pending(Checkpoint::begin(), Duration::from_millis(1)), Answer::Gate(gate.clone())],
    );
    let body = change(json!({ "parameters": { "size": 2 } }));
    let first = world.patch(ASYNC, &body).await;
    assert_eq!(first.status, 202);
    while world.script.count(Work::Update) < 2 {
        tokio::task::yield_now().await;
    }
    let again = world.patch(ASYNC, &body).await;
    assert_eq!((again.status, again.operation()), (202, first.operation()));
    let bind = json!({ "service_id": SERVICE, "plan_id": STANDARD });
    let others = [
        world.patch(ASYNC, &change(json!({ "parameters": { "size": 3 } }))).await,
        world.put(&format!("{I}/service_bindings/b"), &bind).await,
        world.delete(&format!("{ASYNC}&{}", ids())).await,
        world.get(I).await,
    ];
    for other in &others {
        assert_eq!((other.status, other.error()), (422, "ConcurrencyError"));
    }
    gate.add_permits(1);
    assert_eq!(world.settle(I, &first.operation()).await.body["state"], "succeeded");
    assert_eq!(world.get(I).await.body["parameters"], json!({ "size": 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn b_upd_15_16_a_failed_update_says_what_is_left() {
    let world = World::start().await;
    world.ready(I).await;
    let body = change(json!({ "parameters": { "size": 2 } }));
    world
        .script
        .on(Work::Update, [Answer::Fail(ProviderError::refused(Refusal::Unsupported, "cannot shrink"))]);
    let refused = world.patch(I, &body).await;
    assert_eq!((refused.status, refused.description()), (422, "cannot shrink"));
    assert_eq!(refused.body["update_repeatable"], false);
    assert_eq!(world.get(I).await.body["parameters"], json!({}));
    world.script.on(
        Work::Update,
        [Answer::Fail(ProviderError::Failed {
            description: "half of it".to_owned(),
            usable: Usability::Unusable,
            repeat: Repeatability::Repeatable,
        })],
    );
    let failed = world.patch(I, &body).await;
    assert_eq!(failed.status, 500);
    assert_eq!(
        (&failed.body["instance_usable"], &failed.body["update_repeatable"]),
        (&json!(false), &json!(true))
    );
    let polled = world.get(&format!("{I}/last_operation")).await.body;
    assert_eq!((&polled["state"], &polled["instance_usable"]), (&json!("failed"), &json!(false)));
    let bind = json!({ "service_id": SERVICE, "plan_id": STANDARD });
    assert_eq!(world.put(&format!("{I}/service_bindings/b"), &bind).await.status, 422);
    assert_eq!(world.patch(I, &body).await.status, 200, "another update repairs it");
    assert_eq!(world.put(&format!("{I}/service_bindings/b"), &bind).await.status, 201);
}
