//! Waiting for accepted work, over the network.

use std::time::{Duration, Instant};

use serde_json::json;
use sutler_broker_client::{Call, Ended, Orphan, Pacing, Pending, Settled, Work, leaves_orphan, settle};
use sutler_spec::{LastOperation, LastOperationQuery, Operation};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{path, query_param},
};

use crate::world::{binding, client, instance};

const FAST: Pacing = Pacing {
    first: Duration::ZERO,
    minimum: Duration::from_millis(10),
    cap: Duration::from_millis(20),
    maximum: Duration::from_secs(60),
    jitter: || 0.5,
};

/// Answers to a binding's polls, one after the other; the last one stays.
async fn script(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for (at, answer) in answers.into_iter().enumerate() {
        Mock::given(path("/v2/service_instances/i-1/service_bindings/b-1/last_operation"))
            .and(query_param("operation", "o-1"))
            .respond_with(answer)
            .up_to_n_times(1)
            .with_priority(u8::try_from(at).unwrap() + 1)
            .mount(&server)
            .await;
    }
    server
}

async fn wait(server: &MockServer, call: Call, maximum_duration: Duration) -> (Settled, Vec<String>) {
    let (instance, binding) = (instance(), binding());
    let work = match call {
        Call::Bind => Work::Bind(&instance, &binding),
        _ => Work::Unbind(&instance, &binding),
    };
    let query = LastOperationQuery {
        operation: Some(Operation::new("o-1").unwrap()),
        ..LastOperationQuery::default()
    };
    let pending = Pending { work, query: &query, maximum_duration };
    let mut seen = Vec::new();
    let on_progress = |operation: &LastOperation| seen.extend(operation.description.clone());
    let settled = settle(&client(&server.uri()), &pending, &FAST, on_progress).await;
    (settled, seen)
}

fn progress(description: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"state": "in progress", "description": description}))
}

#[tokio::test]
async fn work_is_waited_for_through_every_kind_of_trouble() {
    let server = script(vec![
        progress("waiting\u{1b}[2J"),
        ResponseTemplate::new(404),
        ResponseTemplate::new(401),
        ResponseTemplate::new(502).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({"state": "nearly"})),
        ResponseTemplate::new(410).set_body_json(json!({})),
        ResponseTemplate::new(307).insert_header("location", "http://elsewhere.example"),
        progress("nearly"),
        ResponseTemplate::new(200).set_body_json(json!({"state": "succeeded"})),
    ])
    .await;
    let (settled, seen) = wait(&server, Call::Bind, Duration::from_secs(20)).await;
    assert!(matches!(settled, Settled::Succeeded), "{settled:?}");
    assert_eq!(seen, ["waiting\\u{1b}[2J", "nearly"]);
    assert_eq!(server.received_requests().await.unwrap().len(), 9);
}

#[tokio::test]
async fn gone_ends_an_unbind() {
    let server = script(vec![progress("deleting"), ResponseTemplate::new(410)]).await;
    let (settled, _) = wait(&server, Call::Unbind, Duration::from_secs(20)).await;
    assert!(matches!(settled, Settled::Gone), "{settled:?}");
}

#[tokio::test]
async fn a_failure_tells_why_and_what_to_clean_up() {
    let failed = json!({"state": "failed", "description": "quota exceeded"});
    let server = script(vec![ResponseTemplate::new(200).set_body_json(failed)]).await;
    let (settled, _) = wait(&server, Call::Bind, Duration::from_secs(20)).await;
    assert_eq!(leaves_orphan(Call::Bind, &settled.ended()), Orphan::Binding);
    let Settled::Failed(failure) = settled else { panic!("{settled:?}") };
    assert_eq!(failure.description.unwrap().as_str(), "quota exceeded");
    assert!(failure.instance_usable && failure.update_repeatable);
}

#[tokio::test]
async fn a57_the_broker_says_when_to_come_back() {
    let slow = progress("slow").insert_header("retry-after", "1");
    let done = ResponseTemplate::new(200).set_body_json(json!({"state": "succeeded"}));
    let server = script(vec![slow, done]).await;
    let begun = Instant::now();
    let (settled, _) = wait(&server, Call::Bind, Duration::from_secs(20)).await;
    assert!(matches!(settled, Settled::Succeeded), "{settled:?}");
    assert!((1.0..3.0).contains(&begun.elapsed().as_secs_f64()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a57_a_broker_that_hangs_does_not_hold_us() {
    let server = script(vec![progress("slow").set_delay(Duration::from_secs(60))]).await;
    let begun = Instant::now();
    let (settled, _) = wait(&server, Call::Bind, Duration::from_millis(300)).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(settled.ended(), Ended::PollingExpired);
}

#[tokio::test]
async fn waiting_can_be_spawned() {
    let server = script(vec![ResponseTemplate::new(200).set_body_json(json!({"state": "succeeded"}))]).await;
    let settled = tokio::spawn(async move { wait(&server, Call::Bind, Duration::from_secs(20)).await.0 })
        .await
        .unwrap();
    assert!(matches!(settled, Settled::Succeeded), "{settled:?}");
}
