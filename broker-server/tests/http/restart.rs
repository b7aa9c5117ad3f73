//! Nothing that was accepted lives in memory: the next process goes on.

use std::time::Duration;

use serde_json::json;
use sutler_broker_server::{
    operation::Work,
    providers::{
        Attempt, Checkpoint,
        scripted::{Answer, SERVICE, STANDARD},
    },
};

use crate::world::{World, ids, wanted};

const I: &str = "/v2/service_instances/i";
const ASYNC: &str = "/v2/service_instances/i?accepts_incomplete=true";

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_operation_is_carried_on_after_a_crash() {
    let mut world = World::start().await;
    let waiting = Checkpoint::at("wait", json!({ "n": 1 }));
    world.script.on(Work::Provision, [Answer::Pending(waiting, Duration::from_millis(400))]);
    let accepted = world.put(ASYNC, &wanted(json!({}))).await;
    assert_eq!(accepted.status, 202);
    world.kill().await;
    world.serve().await;
    assert_eq!(world.settle(I, &accepted.operation()).await.body["state"], "succeeded");
    let last = world.script.calls().pop().unwrap();
    assert_eq!((last.step.as_str(), last.attempt), ("wait", Attempt::First), "no call was in doubt");
    assert_eq!(world.get(I).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_crash_cut_off_is_in_doubt() {
    let mut world = World::with(|config| config.tuning.call_timeout = Duration::from_secs(30)).await;
    world.script.on(Work::Provision, [Answer::Next(Checkpoint::at("second", json!(2))), Answer::Hang]);
    let accepted = world.put(ASYNC, &wanted(json!({}))).await;
    assert_eq!(accepted.status, 202);
    world.kill().await;
    world.serve().await;
    assert_eq!(world.settle(I, &accepted.operation()).await.body["state"], "succeeded");
    let last = world.script.calls().pop().unwrap();
    assert_eq!((last.step.as_str(), last.attempt), ("second", Attempt::Again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_a_crash_cut_off_between_bindings_goes_on_there() {
    let mut world = World::with(|config| config.tuning.call_timeout = Duration::from_secs(30)).await;
    world.ready(I).await;
    for id in ["one", "two"] {
        let body = json!({ "service_id": SERVICE, "plan_id": STANDARD });
        assert_eq!(world.put(&format!("{I}/service_bindings/{id}"), &body).await.status, 201);
    }
    world.script.on(Work::Unbind, [Answer::Done, Answer::Hang]);
    let accepted = world.delete(&format!("{ASYNC}&{}", ids())).await;
    assert_eq!(accepted.status, 202);
    world.kill().await;
    world.serve().await;
    assert_eq!(world.settle(I, &accepted.operation()).await.body["state"], "succeeded");
    assert_eq!(world.script.count(Work::Unbind), 3);
    assert!(world.script.objects().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_ends_quickly_and_loses_nothing() {
    let mut world = World::start().await;
    world.script.on(Work::Provision, [Answer::Pending(Checkpoint::begin(), Duration::from_secs(60))]);
    let accepted = world.put(ASYNC, &wanted(json!({}))).await;
    assert_eq!(accepted.status, 202);
    world.stop().await;
    world.serve().await;
    let polled = world.get(&format!("{I}/last_operation?operation={}", accepted.operation())).await;
    assert_eq!(polled.body["state"], "in progress");
    assert_eq!(world.delete(&format!("{ASYNC}&{}", ids())).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_there_after_a_restart() {
    let mut world = World::start().await;
    world.put(I, &wanted(json!({ "size": 1 }))).await;
    let path = format!("{I}/service_bindings/b");
    let body = json!({ "service_id": SERVICE, "plan_id": STANDARD, "parameters": { "token": "t" } });
    let bound = world.put(&path, &body).await;
    world.kill().await;
    world.serve().await;
    assert_eq!(world.put(I, &wanted(json!({ "size": 1 }))).await.status, 200);
    let again = world.put(&path, &body).await;
    assert_eq!((again.status, again.body), (200, bound.body));
}
