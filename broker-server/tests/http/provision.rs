//! Provision, row by row.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use sutler_broker_server::{
    operation::Work,
    providers::{
        Attempt, Checkpoint, FieldDrift, Observation, ProviderError, Refusal, Repeatability, Sent, Usability,
        scripted::{Answer, MAINTAINED, SERVICE, SLOW, VERSION},
    },
};
use tokio::sync::Semaphore;

use crate::world::{World, ids, on_plan, wanted};

const I: &str = "/v2/service_instances/i";
const ASYNC: &str = "/v2/service_instances/i?accepts_incomplete=true";

fn pending() -> Answer {
    Answer::Pending(Checkpoint::at("wait", json!({ "known": 1 })), Duration::from_millis(5))
}

fn refused(refusal: Refusal) -> Answer {
    Answer::Fail(ProviderError::refused(refusal, "the vendor says no"))
}

fn failed() -> Answer {
    Answer::Fail(ProviderError::Failed {
        description: "it broke half way".to_owned(),
        usable: Usability::Unusable,
        repeat: Repeatability::Pointless,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn b_prov_09_10_13_created_unchanged_conflict() {
    let world = World::start().await;
    let created = world.put(I, &wanted(json!({ "size": 1 }))).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body["dashboard_url"], "https://vendor.example/i");
    assert_eq!(created.body["metadata"]["attributes"]["id"], "i");
    for same in [I, ASYNC] {
        let again = world.put(same, &wanted(json!({ "size": 1.0 }))).await;
        assert_eq!((again.status, &again.body), (200, &created.body));
    }
    let mut renamed = wanted(json!({ "size": 1 }));
    renamed["context"] = json!({ "platform": "test", "instance_name": "other" });
    assert_eq!(world.put(I, &renamed).await.status, 200);
    let mut elsewhere = wanted(json!({ "size": 1 }));
    elsewhere["space_guid"] = json!("other");
    for different in
        [wanted(json!({ "size": 2 })), wanted(json!({})), on_plan(SLOW, json!({ "size": 1 })), elsewhere]
    {
        assert_eq!(world.put(I, &different).await.status, 409);
    }
    assert_eq!(world.script.count(Work::Provision), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_prov_11_12_a_repeat_in_progress_gets_the_same_operation() {
    let world = World::start().await;
    let gate = Arc::new(Semaphore::new(0));
    world.script.on(Work::Provision, [pending(), Answer::Gate(gate.clone())]);
    let first = world.put(ASYNC, &wanted(json!({}))).await;
    assert_eq!(first.status, 202);
    let again = world.put(ASYNC, &wanted(json!({}))).await;
    assert_eq!((again.status, again.operation()), (202, first.operation()));
    assert_eq!(world.put(ASYNC, &wanted(json!({ "size": 1 }))).await.status, 409);
    assert_eq!(world.get(I).await.status, 404, "b_fin_04");
    let polled = world.get(&format!("{I}/last_operation")).await;
    assert_eq!((polled.status, &polled.body["state"]), (200, &json!("in progress")));
    assert!(polled.headers.contains_key("retry-after"));
    gate.add_permits(1);
    assert_eq!(world.settle(I, &first.operation()).await.body["state"], "succeeded");
    assert_eq!(world.get(I).await.status, 200, "b_fin_02");
    assert_eq!(world.put(ASYNC, &wanted(json!({}))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_syn_07_a_plan_that_is_always_asynchronous_says_so() {
    let world = World::start().await;
    let refused = world.put(I, &on_plan(SLOW, json!({}))).await;
    assert_eq!((refused.status, refused.error()), (422, "AsyncRequired"));
    assert_eq!(
        refused.description(),
        "This service plan requires client support for asynchronous service operations."
    );
    assert_eq!(
        world.put(&format!("{I}?accepts_incomplete=True"), &on_plan(SLOW, json!({}))).await.status,
        422
    );
    assert_eq!(world.get(&format!("{I}/last_operation")).await.status, 404, "nothing was written");
    assert!(world.put(ASYNC, &on_plan(SLOW, json!({}))).await.status < 203);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_prov_07_the_maintenance_version_must_be_the_catalogs() {
    let world = World::start().await;
    for (plan, info, status) in [
        (MAINTAINED, json!({ "version": "2.1.1" }), 422),
        (wanted(json!({}))["plan_id"].as_str().unwrap(), json!({ "version": "1.0.0" }), 422),
        (MAINTAINED, json!({ "version": VERSION, "description": "ignored" }), 201),
        (MAINTAINED, json!({}), 200),
        (MAINTAINED, Value::Null, 200),
    ] {
        let mut request = on_plan(plan, json!({}));
        request["maintenance_info"] = info;
        let answer = world.put(I, &request).await;
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.error(), if status == 422 { "MaintenanceInfoConflict" } else { "" });
    }
    assert_eq!(world.get(I).await.body["maintenance_info"]["version"], VERSION);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_prov_15_i_13_what_is_malformed_changes_nothing() {
    let world = World::start().await;
    let without = |field: &str| {
        let mut request = wanted(json!({}));
        request.as_object_mut().unwrap().remove(field);
        request
    };
    let with = |field: &str, value: Value| {
        let mut request = wanted(json!({}));
        request[field] = value;
        request
    };
    for request in [
        without("service_id"),
        without("plan_id"),
        without("organization_guid"),
        without("space_guid"),
        with("plan_id", json!("")),
        with("service_id", json!("unknown")),
        with("plan_id", json!(SERVICE)),
        with("parameters", json!("a text")),
        with("parameters", json!({ "size": "hunter2" })),
        with("parameters", json!({ "unknown": "hunter2" })),
        with("parameters", json!({ "note": "impossible" })),
    ] {
        let answer = world.put(I, &request).await;
        assert_eq!(answer.status, 400, "{request}");
        assert!(!answer.description().is_empty() && !answer.description().contains("hunter2"), "{answer:?}");
    }
    assert_eq!(world.script.calls(), []);
    assert_eq!(world.put(I, &with("unknown field", json!(1))).await.status, 201, "b_ext_01");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_11_identical_requests_at_once_create_once() {
    let world = World::start().await;
    let gate = Arc::new(Semaphore::new(0));
    world.script.on(Work::Provision, [Answer::Gate(gate.clone())]);
    let body = wanted(json!({ "size": 3 }));
    let requests = (0..40).map(|at| world.put(if at % 2 == 0 { I } else { ASYNC }, &body));
    let release = async {
        while world.script.count(Work::Provision) == 0 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(join_all(requests), release);
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert!(count(201) <= 1, "{answers:?}");
    assert_eq!(count(200) + count(201) + count(202), 40, "{answers:?}");
    assert_eq!(world.script.count(Work::Provision), 1);
    assert_eq!(world.script.objects().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_first_step_leaves_nothing() {
    let world = World::start().await;
    for (refusal, status, error) in [
        (Refusal::Conflict, 409, "Conflict"),
        (Refusal::Unsupported, 400, "Unsupported"),
        (Refusal::Quota, 422, "QuotaExceeded"),
        (Refusal::Protected, 422, "Protected"),
        (Refusal::Credentials, 500, "VendorCredentials"),
    ] {
        world.script.on(Work::Provision, [refused(refusal)]);
        let path = format!("/v2/service_instances/{error}");
        let answer = world.put(&path, &wanted(json!({}))).await;
        assert_eq!((answer.status, answer.error()), (status, error), "{refusal:?}");
        assert_eq!(answer.description(), "the vendor says no");
        assert_eq!(world.get(&path).await.status, 404);
        assert_eq!(world.delete(&format!("{path}?{}", ids())).await.status, 410);
        assert_eq!(
            world.put(&path, &wanted(json!({ "size": 2 }))).await.status,
            201,
            "it can be asked again"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_reading_leaves_nothing_and_after_writing_leaves_what_can_be_deleted() {
    let world = World::start().await;
    let steps = || [Answer::Next(Checkpoint::at("create", json!(1))), refused(Refusal::Quota)];
    world.script.on(Work::Provision, steps());
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 500);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 200);
    world.script.only_reads("begin");
    world.script.on(Work::Provision, steps());
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 422);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_15_a_failed_creation_can_be_repeated_or_deleted() {
    let world = World::start().await;
    world.script.on(Work::Provision, [pending(), failed()]);
    let answer = world.put(I, &wanted(json!({}))).await;
    assert_eq!((answer.status, answer.description()), (500, "it broke half way"));
    assert_eq!(answer.body.get("instance_usable"), None, "b_prov_19");
    assert_eq!(world.get(I).await.status, 404);
    let polled = world.get(&format!("{I}/last_operation")).await;
    assert_eq!((polled.status, &polled.body["state"]), (200, &json!("failed")));
    assert_eq!(world.put(I, &wanted(json!({ "size": 1 }))).await.status, 409);
    world.script.on(Work::Provision, [failed()]);
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 500);
    let last = world.script.calls().pop().unwrap();
    assert_eq!((last.step.as_str(), last.attempt), ("begin", Attempt::Again));
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 201);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 200);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclear_answer_is_asked_for_again_and_bounded() {
    let world = World::with(|config| config.tuning.attempts = 3).await;
    let unavailable = |sent| {
        Answer::Fail(ProviderError::Unavailable {
            description: "no answer".to_owned(),
            retry_after: None,
            sent,
        })
    };
    world.script.on(Work::Provision, [unavailable(Sent::No), unavailable(Sent::Perhaps), Answer::Done]);
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 201);
    let attempts: Vec<Attempt> = world.script.calls().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [Attempt::First, Attempt::First, Attempt::Again]);
    world.script.on(Work::Provision, vec![unavailable(Sent::No); 3]);
    let other = "/v2/service_instances/other";
    let answer = world.put(other, &wanted(json!({}))).await;
    assert_eq!(answer.status, 500);
    assert!(answer.description().contains("no answer"), "{answer:?}");
    assert_eq!(world.delete(&format!("{other}?{}", ids())).await.status, 410, "nothing had been sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_or_panics_is_asked_again() {
    let world = World::with(|config| config.tuning.call_timeout = Duration::from_millis(50)).await;
    world.script.on(Work::Provision, [Answer::Hang, Answer::Panic, Answer::Done]);
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 201);
    let attempts: Vec<Attempt> = world.script.calls().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [Attempt::First, Attempt::Again, Attempt::Again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_poll_waits_and_is_told_when_it_waits_too_long() {
    let world = World::with(|config| config.tuning.sync_limit = Duration::from_millis(700)).await;
    let slow = Answer::Pending(Checkpoint::begin(), Duration::from_millis(400));
    world.script.on(Work::Provision, [slow]);
    assert_eq!(world.put(I, &wanted(json!({}))).await.status, 201, "longer than the inline budget");
    let gate = Arc::new(Semaphore::new(0));
    world.script.on(Work::Provision, [Answer::Gate(gate.clone())]);
    let other = "/v2/service_instances/other";
    assert_eq!(world.put(other, &wanted(json!({}))).await.status, 500);
    gate.add_permits(1);
    let polled = world.settle(other, "").await;
    assert_eq!(polled.body["state"], "succeeded", "the work went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetching_asks_the_vendor() {
    let world = World::start().await;
    world.put(I, &wanted(json!({ "size": 1, "secret": "hunter2" }))).await;
    let fetched = world.get(I).await;
    assert_eq!(fetched.body["parameters"], json!({ "size": 1 }), "b_fin_07");
    assert_eq!(fetched.body["service_id"], SERVICE);
    let drift = FieldDrift { field: "size".to_owned(), wanted: json!(1), found: json!(2) };
    world.script.observe(Ok(Observation::Found { attributes: serde_json::Map::new(), drift: vec![drift] }));
    let drifted = world.get(I).await;
    assert_eq!(drifted.body["metadata"]["attributes"]["x-sutler-drift"][0]["field"], "size");
    world.script.observe(Ok(Observation::Gone));
    assert_eq!(world.get(I).await.status, 404);
    world.script.observe(Err(ProviderError::Unavailable {
        description: "the vendor is down".to_owned(),
        retry_after: None,
        sent: Sent::No,
    }));
    let unknown = world.get(I).await;
    assert_eq!(unknown.status, 503, "i_08");
    assert!(unknown.headers.contains_key("retry-after"));
}
