//! Changing, replacing, forgetting and deleting.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use serde_json::json;

use super::broker::End;
use super::create::CHAIN;
use super::{Act, World};
use crate::plan::Action;
use crate::state::StateBackend;
use crate::state::status::{BindingStatus, Status};

fn actions(report: &crate::execute::Report) -> Vec<(&str, Action)> {
    report.done.iter().map(|done| (done.reference.as_str(), done.action)).collect()
}

#[tokio::test]
async fn a_changed_parameter_is_sent_alone_and_a_removed_one_as_null() {
    let mut world =
        World::new("\n  db: { service: thing, plan: small, params: { size: 1, password: a, uses: x } }\n")
            .await;
    world.apply().await;
    world.declare("\n  db: { service: thing, plan: small, params: { size: 2, uses: x } }\n");
    let report = world.apply().await;
    assert_eq!(actions(&report), [("db", Action::Update)]);
    assert_eq!(world.fake.instances()[0].1.parameters, json!({ "size": 2, "uses": "x" }));
    let sent = world.fake.body("update db");
    assert_eq!(sent["parameters"], json!({ "size": 2, "password": null }));
    assert_eq!((&sent["plan_id"], &sent["previous_values"]["plan_id"]), (&json!(null), &json!("plan-small")));
    let record = world.record("db").await.unwrap();
    assert!(record.pending.is_none() && record.status == Status::Ready);
    assert_eq!(serde_json::to_value(&record.outputs["size"]).unwrap()["public"], 2);
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_plan_is_changed_in_place() {
    let mut world = World::new("\n  db: { service: thing, plan: small }\n").await;
    world.apply().await;
    world.declare("\n  db: { service: thing, plan: large }\n");
    world.fake.act("update db", [Act::Accept(1, End::Succeeds)]);
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.instances()[0].1.plan, "plan-large");
    assert_eq!(world.record("db").await.unwrap().service_plan.name, "large");
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_refused_change_leaves_everything_as_it_was() {
    let mut world = World::new("\n  db: { service: thing, plan: small, params: { size: 1 } }\n").await;
    world.apply().await;
    let before = world.record("db").await.unwrap();
    world.declare("\n  db: { service: thing, plan: small, params: { size: 2 } }\n");
    world.fake.act("update db", [Act::Say(400, json!({ "description": "too large" }))]);
    let report = world.apply().await;
    assert!(report.failed[0].error.contains("too large"), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap(), before);
    assert!(world.apply().await.is_complete());
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_change_that_fails_says_what_it_means_for_the_instance() {
    let mut world = World::new("\n  db: { service: thing, plan: small, params: { size: 1 } }\n").await;
    world.apply().await;
    world.declare("\n  db: { service: thing, plan: small, params: { size: 2 } }\n");
    world.fake.act("update db", [Act::Accept(0, End::Fails)]);
    let unusable = json!({ "state": "failed", "description": "broken", "instance_usable": false });
    world.fake.act("poll db", [Act::Say(200, unusable)]);
    let report = world.apply().await;
    assert!(report.failed[0].next.contains("does not work"), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap().status, Status::Ready);
}

#[tokio::test]
async fn a_change_nobody_answered_is_sent_again_by_the_next_run() {
    let mut world = World::new("\n  db: { service: thing, plan: small, params: { size: 1 } }\n").await;
    world.apply().await;
    world.declare("\n  db: { service: thing, plan: small, params: { size: 2 } }\n");
    world.fake.act("update db", (0..4).map(|_| Act::Say(500, json!({}))));
    assert_eq!(world.apply().await.failed.len(), 1);
    let record = world.record("db").await.unwrap();
    assert!(record.status == Status::ChangeIntended && record.pending.is_some());
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.instances()[0].1.parameters, json!({ "size": 2 }));
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_kept_consumer_changes_with_what_it_uses() {
    let mut world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.asked();
    world.declare(&CHAIN.replace("size: 3", "size: 4"));
    let report = world.apply().await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["update db", "update web"]);
    let web = world.fake.instances().into_iter().find(|(name, _)| name == "web").unwrap().1;
    assert_eq!(web.parameters["uses"][1], "size 4");
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_kept_consumer_stays_when_what_it_uses_stays() {
    let mut world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.asked();
    world.declare(&CHAIN.replace("params: { size: 3 }", "params: { size: 3, password: new }"));
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked(), ["update db"]);
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn variables_move_without_asking_the_broker() {
    let mut world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.asked();
    world.declare(
        &CHAIN.replace("{ id: DB_ID, ports: DB_PORTS }", "{ id: OTHER_ID }").replace("WEB_TOKEN", "DB_PORTS"),
    );
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked(), Vec::<String>::new());
    let names: Vec<_> = world.variables().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["DB_PORTS", "OTHER_ID"]);
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_binding_comes_and_goes_with_its_users() {
    let mut world = World::new("\n  db: { service: thing, plan: small }\n").await;
    world.apply().await;
    assert!(world.fake.bindings().is_empty());
    world.declare("\n  db: { service: thing, plan: small, bind: { token: DB } }\n");
    assert!(world.apply().await.is_complete());
    assert_eq!((world.fake.bindings().len(), world.variables().len()), (1, 1));
    world.declare("\n  db: { service: thing, plan: small }\n");
    assert!(world.apply().await.is_complete());
    assert!(world.fake.bindings().is_empty() && world.variables().is_empty());
    let outputs = world.record("db").await.unwrap().outputs;
    assert_eq!(
        outputs.keys().collect::<Vec<_>>(),
        ["dashboard_url", "size"],
        "credentials went with the binding"
    );
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn consumers_are_deleted_first_and_bindings_before_instances() {
    let world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.asked();
    let report = world.teardown().await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["unbind web", "deprovision web", "unbind db", "deprovision db"]);
    assert!(world.state().await.records.is_empty() && world.variables().is_empty());
    assert_eq!(std::fs::read_to_string(world.env()).unwrap(), "");
}

#[tokio::test]
async fn deleting_what_is_gone_is_success() {
    let world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.forget();
    assert!(world.teardown().await.is_complete());
    assert!(world.state().await.records.is_empty());
}

#[tokio::test]
async fn a_deletion_that_fails_keeps_the_record() {
    let world = World::new("\n  db: { service: thing, plan: small }\n").await;
    world.apply().await;
    world.fake.act("deprovision db", [Act::Accept(0, End::Fails)]);
    let report = world.teardown().await;
    assert!(report.failed[0].error.contains("quota exceeded"), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap().status, Status::DeletionIntended);
    assert!(world.teardown().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn a_deletion_is_recorded_before_each_thing_that_is_asked_for() {
    let world = World::new("\n  db: { service: thing, plan: small, bind: { id: DB_ID } }\n").await;
    world.apply().await;
    world.fake.asynchronous();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (backend, log) = (Arc::clone(&world.backend), Arc::clone(&seen));
    world.fake.watch(move |what| {
        let state = backend.load().now_or_never().expect("memory answers at once").unwrap();
        let record = state.records.into_iter().next().expect("it is recorded to the end");
        let binding = record.binding.map(|binding| binding.status);
        log.lock().unwrap().push((what.to_owned(), record.status, binding));
    });
    assert!(world.teardown().await.is_complete());
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.dedup();
    let operation = |name: &str| Some(sutler_spec::Operation::new(name).unwrap());
    let at = |what: &str, status, binding| (what.to_owned(), status, binding);
    let unbinding = BindingStatus::Unbinding { operation: operation("unbind") };
    let expected = [
        at("unbind db", Status::Ready, Some(BindingStatus::DeletionIntended)),
        at("poll db", Status::Ready, Some(unbinding)),
        at("deprovision db", Status::DeletionIntended, None),
        at("poll db", Status::Deprovisioning { operation: operation("deprovision") }, None),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn nothing_to_do_writes_nothing() {
    let world = World::new(CHAIN).await;
    world.apply().await;
    world.has_nothing_to_do().await;
}
