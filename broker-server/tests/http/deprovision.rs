//! Deprovision, and what is remembered after it.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use sutler_broker_server::{
    config::DeletedLastOperation,
    operation::Work,
    providers::{
        Attempt, Checkpoint, ProviderError, Refusal,
        scripted::{Answer, SERVICE, SLOW, STANDARD},
    },
};
use tokio::sync::Semaphore;

use crate::world::{World, ids, on_plan, wanted};

const I: &str = "/v2/service_instances/i";

fn deletion(path: &str) -> String {
    format!("{path}?{}", ids())
}

fn asynchronous(path: &str) -> String {
    format!("{path}?accepts_incomplete=true&{}", ids())
}

#[tokio::test(flavor = "multi_thread")]
async fn b_dep_05_06_07_deleted_once_then_gone() {
    let world = World::start().await;
    assert_eq!(world.delete(I).await.status, 400);
    assert_eq!(world.delete(&format!("{I}?service_id={SERVICE}&plan_id=")).await.status, 400);
    let gone = world.delete(&deletion(I)).await;
    assert_eq!((gone.status, &gone.body), (410, &json!({})));
    world.ready(I).await;
    assert_eq!(world.delete(&format!("{I}?service_id=other&plan_id={STANDARD}")).await.status, 400);
    let deleted = world.delete(&deletion(I)).await;
    assert_eq!((deleted.status, &deleted.body), (200, &json!({})));
    assert_eq!(world.delete(&deletion(I)).await.status, 410);
    assert!(world.script.objects().is_empty());
    assert_eq!(world.put(I, &wanted(json!({ "size": 9 }))).await.status, 201, "quirk 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn bindings_are_revoked_before_the_instance_goes() {
    let world = World::start().await;
    world.ready(I).await;
    for id in ["one", "two", "three"] {
        let body = json!({ "service_id": SERVICE, "plan_id": STANDARD });
        assert_eq!(world.put(&format!("{I}/service_bindings/{id}"), &body).await.status, 201);
    }
    assert_eq!(world.script.objects().len(), 4);
    assert_eq!(world.delete(&deletion(I)).await.status, 200);
    assert!(world.script.objects().is_empty());
    let works: Vec<Work> = world.script.calls().iter().skip(4).map(|call| call.work).collect();
    assert_eq!(works, [Work::Unbind, Work::Unbind, Work::Unbind, Work::Deprovision]);
    assert_eq!(world.get(&format!("{I}/service_bindings/one")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_deletion_in_progress_gets_the_same_operation() {
    for (setting, status) in [(DeletedLastOperation::Gone, 410), (DeletedLastOperation::Succeeded, 200)] {
        let world = match setting {
            DeletedLastOperation::Gone => {
                World::with(|config| config.deleted_last_operation = DeletedLastOperation::Gone).await
            }
            DeletedLastOperation::Succeeded => World::start().await,
        };
        world.ready(I).await;
        let gate = Arc::new(Semaphore::new(0));
        let pending = Answer::Pending(Checkpoint::begin(), Duration::from_millis(1));
        world.script.on(Work::Deprovision, [pending, Answer::Gate(gate.clone())]);
        let first = world.delete(&asynchronous(I)).await;
        let again = world.delete(&asynchronous(I)).await;
        assert_eq!((first.status, again.status, first.operation()), (202, 202, again.operation()));
        assert_eq!(world.put(I, &wanted(json!({}))).await.error(), "ConcurrencyError");
        gate.add_permits(1);
        let settled = world.settle(I, &first.operation()).await;
        assert_eq!(settled.status, status);
        assert!(settled.body.is_object());
        assert_eq!(world.get(&format!("{I}/last_operation")).await.status, status);
        assert_eq!(world.get("/v2/service_instances/never/last_operation").await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_dep_03_04_a_deletion_takes_the_place_of_a_waiting_creation() {
    let world = World::start().await;
    let waiting = Checkpoint::at("wait", json!({ "made": "half" }));
    world.script.on(Work::Provision, [Answer::Pending(waiting, Duration::from_secs(60))]);
    let created = world.put(&format!("{I}?accepts_incomplete=true"), &wanted(json!({}))).await;
    assert_eq!(created.status, 202);
    assert_eq!(world.delete(&deletion(I)).await.status, 200);
    assert_eq!(world.settle(I, &created.operation()).await.body["state"], "failed");
    assert_eq!(world.script.count(Work::Deprovision), 1);
    assert_eq!(world.get(I).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_dep_03_04_a_deletion_halts_a_running_creation_at_its_next_safe_point() {
    for path in [deletion(I), asynchronous(I)] {
        let world = World::start().await;
        let gate = Arc::new(Semaphore::new(0));
        let go_on = Answer::Next(Checkpoint::at("next", json!({ "made": "half" })));
        let pending = Answer::Pending(Checkpoint::begin(), Duration::from_millis(1));
        world.script.on(Work::Provision, [pending, Answer::Gate(gate.clone()), go_on]);
        let created = world.put(&format!("{I}?accepts_incomplete=true"), &wanted(json!({}))).await;
        assert_eq!(created.status, 202);
        while world.script.count(Work::Provision) < 2 {
            tokio::task::yield_now().await;
        }
        let deleting = async { world.delete(&path).await };
        let opening = async {
            // the deletion is accepted, and does not start while the step is under way
            while world.settle(I, &created.operation()).await.body["state"] != "failed" {}
            assert_eq!(world.script.count(Work::Deprovision), 0);
            assert_eq!(world.get(&format!("{I}/last_operation")).await.body["state"], "in progress");
            assert_eq!(world.put(I, &wanted(json!({}))).await.error(), "ConcurrencyError");
            gate.add_permits(1);
        };
        let (deleted, ()) = tokio::join!(deleting, opening);
        if deleted.status == 202 {
            let settled = world.settle(I, &deleted.operation()).await;
            assert_eq!(settled.body["state"], "succeeded");
        } else {
            assert_eq!(deleted.status, 200, "{deleted:?}");
        }
        assert_eq!(world.script.count(Work::Provision), 2, "the creation went no further");
        let first = world.script.calls().into_iter().find(|call| call.work == Work::Deprovision).unwrap();
        assert_eq!(first.attempt, Attempt::Again, "the step may have reached the vendor");
        assert_eq!(world.settle(I, &created.operation()).await.body["state"], "failed");
        assert_eq!(world.get(I).await.status, 404);
        assert_eq!(world.delete(&deletion(I)).await.status, 410);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_unb_02_03_an_unbind_halts_a_running_bind() {
    let world = World::start().await;
    world.ready(I).await;
    let gate = Arc::new(Semaphore::new(0));
    let pending = Answer::Pending(Checkpoint::begin(), Duration::from_millis(1));
    let go_on = Answer::Next(Checkpoint::at("next", json!({ "made": "half" })));
    world.script.on(Work::Bind, [pending, Answer::Gate(gate.clone()), go_on]);
    let path = format!("{I}/service_bindings/b");
    let body = json!({ "service_id": SERVICE, "plan_id": STANDARD });
    let bound = world.put(&format!("{path}?accepts_incomplete=true"), &body).await;
    assert_eq!(bound.status, 202);
    while world.script.count(Work::Bind) < 2 {
        tokio::task::yield_now().await;
    }
    let opening = async {
        while world.settle(&path, &bound.operation()).await.body["state"] != "failed" {}
        assert_eq!(world.script.count(Work::Unbind), 0);
        gate.add_permits(1);
    };
    let (unbound, ()) = tokio::join!(async { world.delete(&deletion(&path)).await }, opening);
    assert_eq!((unbound.status, &unbound.body), (200, &json!({})));
    assert_eq!(world.script.count(Work::Bind), 2);
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.put(&path, &body).await.status, 201, "quirk 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_creation_whose_process_died_is_deleted_by_the_next_one() {
    let mut world = World::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let pending = Answer::Pending(Checkpoint::begin(), Duration::from_millis(1));
    world.script.on(Work::Provision, [pending, Answer::Gate(gate)]);
    world.put(&format!("{I}?accepts_incomplete=true"), &wanted(json!({}))).await;
    while world.script.count(Work::Provision) < 2 {
        tokio::task::yield_now().await;
    }
    let deleted = world.delete(&asynchronous(I)).await;
    assert_eq!(deleted.status, 202);
    world.kill().await;
    assert_eq!(world.script.count(Work::Deprovision), 0);
    world.serve().await;
    assert_eq!(world.settle(I, &deleted.operation()).await.body["state"], "succeeded");
    assert_eq!(world.get(I).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_deletion_changes_nothing() {
    let world = World::start().await;
    world.ready(I).await;
    world.script.on(Work::Deprovision, [Answer::Fail(ProviderError::refused(Refusal::Protected, "in use"))]);
    let refused = world.delete(&deletion(I)).await;
    assert_eq!((refused.status, refused.error(), refused.description()), (422, "Protected", "in use"));
    assert_eq!(world.get(I).await.status, 200);
    assert_eq!(world.delete(&deletion(I)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_dep_08_async_required_comes_before_gone() {
    let world = World::start().await;
    let query = format!("service_id={SERVICE}&plan_id={SLOW}");
    let refused = world.delete(&format!("{I}?{query}")).await;
    assert_eq!((refused.status, refused.error()), (422, "AsyncRequired"));
    world.put(&format!("{I}?accepts_incomplete=true"), &on_plan(SLOW, json!({}))).await;
    assert_eq!(world.delete(&format!("{I}?{query}")).await.status, 422);
    assert!(world.delete(&format!("{I}?{query}&accepts_incomplete=true")).await.status < 203);
}
