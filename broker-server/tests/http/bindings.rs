//! Bind, fetch, rotate, unbind, row by row.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use sutler_broker_server::{
    operation::Work,
    providers::{
        Checkpoint, ProviderError, Refusal,
        scripted::{Answer, MAINTAINED, SERVICE, STANDARD},
    },
};
use tokio::sync::Semaphore;

use crate::world::{World, ids, on_plan, wanted};

const I: &str = "/v2/service_instances/i";
const B: &str = "/v2/service_instances/i/service_bindings/b";

fn bind(parameters: Value) -> Value {
    json!({ "service_id": SERVICE, "plan_id": STANDARD, "parameters": parameters })
}

#[tokio::test(flavor = "multi_thread")]
async fn b_bind_17_18_21_created_unchanged_conflict() {
    let world = World::start().await;
    world.ready(I).await;
    let created = world.put(B, &bind(json!({ "token": "t" }))).await;
    assert_eq!((created.status, &created.body["credentials"]), (201, &json!({ "token": "t" })));
    let again = world.put(B, &bind(json!({ "token": "t" }))).await;
    assert_eq!((again.status, &again.body), (200, &created.body));
    let fetched = world.get(B).await;
    assert_eq!((fetched.status, &fetched.body["credentials"]), (200, &json!({ "token": "t" })));
    let mut for_app = bind(json!({ "token": "t" }));
    for_app["bind_resource"] = json!({ "app_guid": "app" });
    for different in [bind(json!({ "token": "u" })), bind(json!({})), for_app] {
        assert_eq!(world.put(B, &different).await.status, 409);
    }
    assert_eq!(world.script.count(Work::Bind), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_bind_19_20_a_repeat_in_progress_gets_the_same_operation_and_no_credentials() {
    let world = World::start().await;
    world.ready(I).await;
    let gate = Arc::new(Semaphore::new(0));
    let pending = Answer::Pending(Checkpoint::begin(), Duration::from_millis(1));
    world.script.on(Work::Bind, [pending, Answer::Gate(gate.clone())]);
    let path = format!("{B}?accepts_incomplete=true");
    let first = world.put(&path, &bind(json!({}))).await;
    assert_eq!((first.status, first.body.get("credentials")), (202, None));
    let again = world.put(&path, &bind(json!({}))).await;
    assert_eq!((again.status, again.operation()), (202, first.operation()));
    assert_eq!(world.get(B).await.status, 404, "b_fbn_02");
    let other = world.put(&format!("{I}/service_bindings/other"), &bind(json!({}))).await;
    assert_eq!((other.status, other.error()), (422, "ConcurrencyError"), "b_bind_22");
    gate.add_permits(1);
    assert_eq!(world.settle(B, &first.operation()).await.body["state"], "succeeded");
    assert_eq!(world.get(B).await.body["credentials"]["token"], "a-token", "b_fbn_04");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_bind_the_order_of_refusals() {
    let world = World::start().await;
    assert_eq!(world.put(B, &bind(json!({}))).await.status, 404, "b_bind_26");
    world.ready(I).await;
    for (body, status) in [
        (json!({}), 400),
        (json!({ "service_id": SERVICE }), 400),
        (json!({ "plan_id": STANDARD }), 400),
        (json!({ "service_id": SERVICE, "plan_id": MAINTAINED }), 400),
        (json!({ "service_id": SERVICE, "plan_id": "unknown" }), 400),
        (bind(json!({ "unknown": 1 })), 400),
        (json!({ "service_id": SERVICE, "plan_id": STANDARD, "predecessor_binding_id": "x" }), 400),
    ] {
        assert_eq!(world.put(B, &body).await.status, status, "{body}");
    }
    world.script.on(Work::Bind, [Answer::Fail(ProviderError::refused(Refusal::Quota, "full"))]);
    assert_eq!(world.put(B, &bind(json!({}))).await.status, 422);
    assert_eq!(world.delete(&format!("{B}?{}", ids())).await.status, 410, "nothing was left");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_rot_02_a_successor_takes_over_the_parameters() {
    let world = World::start().await;
    world.put(I, &on_plan(MAINTAINED, json!({}))).await;
    let first = json!({ "service_id": SERVICE, "plan_id": MAINTAINED, "parameters": { "token": "t" } });
    world.put(B, &first).await;
    let next = format!("{I}/service_bindings/next");
    let rotated = world.put(&next, &json!({ "predecessor_binding_id": "b" })).await;
    assert_eq!((rotated.status, &rotated.body["credentials"]["token"]), (201, &json!("t")));
    assert_eq!(world.put(&next, &json!({ "predecessor_binding_id": "b" })).await.status, 200);
    assert_eq!(world.get(B).await.status, 200, "b_rot_04");
    let unknown = json!({ "predecessor_binding_id": "unknown" });
    assert_eq!(world.put(&format!("{I}/service_bindings/third"), &unknown).await.status, 400, "b_rot_03");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_unb_05_06_deleted_once_then_gone() {
    let world = World::start().await;
    world.ready(I).await;
    assert_eq!(world.delete(B).await.status, 410, "unknown wins over missing fields");
    world.put(B, &bind(json!({}))).await;
    assert_eq!(world.delete(B).await.status, 400, "b_unb_04");
    let deleted = world.delete(&format!("{B}?{}", ids())).await;
    assert_eq!((deleted.status, &deleted.body), (200, &json!({})));
    let gone = world.delete(&format!("{B}?{}", ids())).await;
    assert_eq!((gone.status, &gone.body), (410, &json!({})), "quirk 1");
    assert_eq!(world.get(B).await.status, 404);
    assert_eq!(world.put(B, &bind(json!({ "token": "new" }))).await.status, 201, "quirk 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_unb_02_an_unbind_takes_the_place_of_a_waiting_bind() {
    let world = World::start().await;
    world.put(I, &wanted(json!({}))).await;
    world.script.on(Work::Bind, [Answer::Pending(Checkpoint::begin(), Duration::from_secs(60))]);
    let path = format!("{B}?accepts_incomplete=true");
    let bound = world.put(&path, &bind(json!({}))).await;
    assert_eq!(bound.status, 202);
    assert_eq!(world.delete(&format!("{path}&{}", ids())).await.status, 200);
    let polled = world.settle(B, &bound.operation()).await;
    assert_eq!(polled.body["state"], "failed", "b_unb_03");
    assert_eq!(world.script.count(Work::Unbind), 1);
}
