//! Refusals, errors and lost answers: what is cleaned up, what is tried again, what is told.

use serde_json::json;

use super::broker::End;
use super::create::CHAIN;
use super::{Act, World};
use crate::execute::Progress;
use crate::plan::Intent;
use crate::state::status::{BindingStatus, Status};

fn refuse(status: u16, description: &str) -> Act {
    Act::Say(status, json!({ "description": description }))
}

#[tokio::test]
async fn a_refusal_removes_the_record_and_is_told_in_the_brokers_words() {
    let world = World::new(CHAIN).await;
    world.fake.act("provision db", [refuse(400, "size must be even\u{1b}[2J")]);
    let report = world.apply().await;
    let failed = &report.failed[0];
    assert!(failed.error.contains("size must be even") && !failed.error.contains('\u{1b}'), "{failed:?}");
    assert_eq!((failed.reference.as_str(), failed.broker.as_str()), ("db", "edge"));
    assert!(!failed.next.is_empty());
    assert!(world.state().await.records.is_empty());
    assert_eq!(world.fake.asked(), ["provision db"], "a refusal leaves nothing to clean up");
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn a26_a_failure_skips_only_its_descendants() {
    let world = World::new(
        "
  a: { service: thing, plan: small }
  b: { service: thing, plan: small, params: { uses: '@a.id' } }
  c: { service: thing, plan: small, params: { uses: '@b.id' } }
  x: { service: thing, plan: small }
  y: { service: thing, plan: small, params: { uses: '@x.id' } }
",
    )
    .await;
    world.fake.act("provision a", [refuse(400, "no")]);
    let (report, told) = world.run(Intent::Apply).await;
    let skipped: Vec<_> = report.skipped.iter().map(|s| (s.reference.as_str(), s.because.as_str())).collect();
    assert_eq!(skipped, [("b", "a"), ("c", "a")]);
    let mut done: Vec<_> = report.done.iter().map(|done| done.reference.as_str()).collect();
    done.sort_unstable();
    assert_eq!(done, ["x", "y"]);
    assert_eq!(told.iter().filter(|event| matches!(event, Progress::Skipped { .. })).count(), 2);
    world.is_consistent().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_id() {
    let world = World::new(CHAIN).await;
    let lost = || Act::DoAndSay(500, json!({ "description": "oops" }));
    world.fake.act("provision db", [lost()]);
    world.fake.act("bind db", [lost(), refuse(503, "later")]);
    let report = world.apply().await;
    assert!(report.is_complete(), "{report:#?}");
    let asked = world.fake.asked();
    assert_eq!(
        asked[..5],
        ["provision db", "provision db", "bind db", "bind db", "bind db"].map(str::to_owned)
    );
    world.is_consistent().await;
}

#[tokio::test]
async fn what_stays_in_doubt_is_deleted_and_made_anew_by_the_next_run() {
    let world = World::new(CHAIN).await;
    let lost = || Act::DoAndSay(500, json!({ "description": "oops" }));
    world.fake.act("provision db", [lost(), refuse(500, "x"), refuse(500, "x"), refuse(500, "x")]);
    let report = world.apply().await;
    assert_eq!(report.failed.len(), 1);
    assert_eq!(world.fake.asked().last().map(String::as_str), Some("deprovision db"));
    assert!(world.fake.instances().is_empty() && world.state().await.records.is_empty());
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn what_cannot_be_deleted_stays_doubtful_until_it_can() {
    let world = World::new(CHAIN).await;
    let lost = || Act::DoAndSay(500, json!({}));
    world.fake.act("provision db", [lost(), lost(), lost(), lost()]);
    world.fake.act("deprovision db", [refuse(503, "down")]);
    world.apply().await;
    let doubtful = world.record("db").await.unwrap();
    assert_eq!(doubtful.status, Status::Doubtful);
    world.fake.asked();
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked()[..2], ["deprovision db", "provision db"].map(str::to_owned));
    assert_ne!(world.record("db").await.unwrap().instance_id, doubtful.instance_id);
    world.is_consistent().await;
}

#[tokio::test]
async fn an_operation_that_fails_is_cleaned_up() {
    let world = World::new(CHAIN).await;
    world.fake.act("provision db", [Act::Accept(2, End::Fails)]);
    let report = world.apply().await;
    assert!(report.failed[0].error.contains("quota exceeded"), "{report:#?}");
    assert_eq!(world.fake.asked(), ["provision db", "deprovision db"]);
    assert!(world.fake.instances().is_empty() && world.state().await.records.is_empty());
}

#[tokio::test]
async fn a06_a_binding_that_fails_is_removed_and_made_anew() {
    let world = World::new(CHAIN).await;
    world.fake.act("bind db", [Act::Accept(1, End::Fails)]);
    let report = world.apply().await;
    assert_eq!(report.failed.len(), 1);
    assert_eq!(world.fake.asked(), ["provision db", "bind db", "unbind db"]);
    let record = world.record("db").await.unwrap();
    assert_eq!((record.status, record.binding), (Status::Ready, None));
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn a_refused_binding_leaves_the_instance() {
    let world = World::new(CHAIN).await;
    world.fake.act("bind db", [refuse(422, "not today")]);
    let report = world.apply().await;
    assert!(report.failed[0].error.contains("not today"), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap().binding, None);
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn a_refusal_of_our_credentials_changes_no_record_that_is_in_doubt() {
    let world = World::new("\n  db: { service: thing, plan: small }\n").await;
    let lost = || Act::DoAndSay(500, json!({}));
    world.fake.act("provision db", [lost(), refuse(401, "who are you")]);
    world.apply().await;
    assert_eq!(world.record("db").await.unwrap().status, Status::Intended, "401 says nothing about it");
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn a_busy_broker_is_waited_for() {
    let world = World::new(CHAIN).await;
    let busy = || Act::Say(422, json!({ "error": "ConcurrencyError", "description": "busy" }));
    world.fake.act("provision db", (0..10).map(|_| busy()));
    world.fake.act("bind db", (0..10).map(|_| busy()));
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn an_unfinished_creation_that_the_broker_forgot_is_asked_for_again() {
    let world = World::new(CHAIN).await;
    world.fake.act("provision db", [Act::Accept(1000, End::Succeeds)]);
    world.stop_when("poll db");
    world.apply().await;
    assert!(matches!(world.record("db").await.unwrap().status, Status::Provisioning { .. }));
    let id = world.record("db").await.unwrap().instance_id;
    world.fake.forget();
    world.go_on();
    assert!(world.apply().await.is_complete());
    assert_eq!(world.record("db").await.unwrap().instance_id, id);
    world.is_consistent().await;
}

#[tokio::test]
async fn an_unfinished_creation_that_is_not_wanted_so_any_more_is_deleted_first() {
    let mut world = World::new("\n  db: { service: thing, plan: small, params: { size: 1 } }\n").await;
    world.fake.act("provision db", [Act::Accept(2, End::Succeeds)]);
    world.fake.act("poll db", [Act::Say(500, json!({}))]);
    world.stop_when("poll db");
    world.apply().await;
    let id = world.record("db").await.unwrap().instance_id;
    world.go_on();
    world.declare("\n  db: { service: thing, plan: small, params: { size: 2 } }\n");
    // Nobody polls an operation that is not wanted: the broker is free once it has let go of it.
    world.fake.act(
        "deprovision db",
        [Act::Say(422, json!({ "error": "ConcurrencyError" })), Act::DoAndSay(200, json!({}))],
    );
    world.fake.act("deprovision db", [Act::Say(410, json!({}))]);
    world.fake.forget();
    assert!(world.apply().await.is_complete());
    assert_ne!(world.record("db").await.unwrap().instance_id, id);
    world.is_consistent().await;
}

#[tokio::test]
async fn a_binding_whose_credentials_were_lost_is_made_anew() {
    let world = World::new(CHAIN).await;
    world.backend.break_at(3, super::world::Moment::BeforeCommit); // intended, created, bound
    world.apply().await;
    world.backend.break_at(usize::MAX, super::world::Moment::BeforeCommit);
    let lost = world.record("db").await.unwrap().binding.unwrap();
    assert_eq!(lost.status, BindingStatus::Intended);
    world.fake.asked();
    world.fake.act("bind db", [Act::Say(200, json!({}))]);
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked()[..3], ["bind db", "unbind db", "bind db"].map(str::to_owned));
    assert_ne!(world.record("db").await.unwrap().binding.unwrap().binding_id, lost.binding_id);
    world.is_consistent().await;
}

#[tokio::test]
async fn a48_a_conflict_in_the_sink_fails_the_step_and_keeps_the_instance() {
    let world = World::new(CHAIN).await;
    std::fs::write(world.env(), "DB_ID=mine\n").unwrap();
    let report = world.apply().await;
    assert!(report.failed[0].error.contains(".env:1"), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap().status, Status::Ready);
    std::fs::write(world.env(), "").unwrap();
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked().iter().filter(|what| *what == "provision db").count(), 1);
    world.is_consistent().await;
}

#[tokio::test]
async fn a04_polls_that_go_wrong_end_nothing() {
    let world = World::new("\n  db: { service: thing, plan: small }\n").await;
    world.fake.act("provision db", [Act::Accept(2, End::Succeeds)]);
    let oddities = [
        Act::Say(500, json!({})),
        refuse(503, "later"),
        Act::Say(200, json!("what?")),
        Act::Say(200, json!({ "state": "wondering" })),
        Act::Say(429, json!({})),
        Act::Say(404, json!({ "description": "which one?" })),
    ];
    let count = oddities.len();
    world.fake.act("poll db", oddities);
    let report = world.apply().await;
    assert!(report.is_complete(), "{report:#?}");
    let asked = world.fake.everything_asked();
    let polls = asked.iter().filter(|what| what.starts_with("poll")).count();
    assert!(polls > count, "{asked:?}");
    assert_eq!(asked.iter().filter(|what| *what == "provision db").count(), 1, "{asked:?}");
    world.is_consistent().await;
}
