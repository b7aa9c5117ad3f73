//! Tests of the secrets provider against canned answers.

use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use super::super::staging::*;
use super::*;
use crate::providers::{Attempt, Checkpoint};

const LIST: &str = "/workers/scripts/api/secrets";
const BULK: &str = "/workers/scripts/api/secrets-bulk";
/// A value that must appear in calls only.
const VALUE: &str = "hunter2";

fn names(names: &[&str]) -> ResponseTemplate {
    ok(names.iter().map(|name| json!({ "name": name, "type": "secret_text" })).collect::<Vec<_>>())
}

fn wanted(names: &[&str]) -> Value {
    let secrets: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(VALUE))).collect();
    json!({ "script": "api", "secrets": secrets })
}

async fn worker(has: ResponseTemplate) -> (MockServer, Secrets) {
    let server = MockServer::start().await;
    on("GET", LIST).respond_with(has).mount(&server).await;
    let provider = Secrets::new(&client(&server.uri()));
    (server, provider)
}

/// What a finished instance remembers.
fn known(stage: &Stage<'_>, secrets: &[&str]) -> Value {
    let parameters = parameters(wanted(secrets));
    serde_json::to_value(Known::of(&recorded::wanted(&parameters).unwrap(), &stage.marker)).unwrap()
}

/// An instance that has secrets already.
fn ready<'a>(provider: &'a Secrets, server: &'a MockServer, secrets: &[&str]) -> Stage<'a> {
    let stage = Stage::new(provider, server, wanted(secrets));
    let record = known(&stage, secrets);
    stage.with_record(record)
}

#[tokio::test]
async fn a61_a_set_is_written_in_one_call_and_remembered_without_its_values() {
    let (server, provider) = worker(names(&["FOREIGN"])).await;
    on("PATCH", BULK).respond_with(ok(json!({}))).expect(1).mount(&server).await;
    let driven = Stage::new(&provider, &server, wanted(&["B", "A"])).provision().await;
    assert_eq!(driven.steps, [BEGIN, WRITE]);
    assert!(!driven.last.data.to_string().contains(VALUE));
    let done = driven.done();
    assert!(!done.record.0.to_string().contains(VALUE));
    assert_eq!(Value::Object(done.attributes), json!({ "script": "api", "secret_names": ["A", "B"] }));
    let entry = |name| json!({ "name": name, "text": VALUE, "type": "secret_text" });
    let sent = bodies(&server, "PATCH", BULK).await;
    assert_eq!(sent, [json!({ "secrets": { "A": entry("A"), "B": entry("B") } })]);
}

#[tokio::test]
async fn a_foreign_secret_of_the_same_name_is_a_conflict_and_is_not_touched() {
    let (server, provider) = worker(names(&["A", "B"])).await;
    let stage = Stage::new(&provider, &server, wanted(&["B", "C"]));
    match stage.provision().await.error() {
        ProviderError::Refused { refusal: Refusal::Conflict, description } => {
            assert!(description.contains("has B already"), "{description}");
        }
        other => panic!("{other:?}"),
    }
    stage.deprovision().await.done();
    let stage = ready(&provider, &server, &["B"]);
    let error = stage.update(wanted(&["A", "B"])).await.error();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. }), "{error:?}");
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn a_write_in_doubt_is_simply_made_again() {
    let (server, provider) = worker(names(&["A"])).await;
    on("PATCH", BULK).respond_with(ok(json!({}))).expect(1).mount(&server).await;
    let stage = Stage::new(&provider, &server, wanted(&["A"]));
    let mut data = known(&stage, &["A"]);
    data["put"] = json!(["A"]);
    data["remove"] = json!([]);
    stage.provision_from(Checkpoint::at(WRITE, data), Attempt::Again).await.done();
}

#[tokio::test]
async fn an_update_writes_the_difference() {
    let (server, provider) = worker(names(&["SAME", "CHANGED", "OLD", "FOREIGN"])).await;
    on("PATCH", BULK).respond_with(ok(json!({}))).expect(1).mount(&server).await;
    let stage = ready(&provider, &server, &["SAME", "CHANGED", "LOST", "OLD"]);
    let mut after = wanted(&["SAME", "CHANGED", "LOST", "NEW"]);
    after["secrets"]["CHANGED"] = json!("other");
    let done = stage.update(after).await.done();
    assert_eq!(done.attributes["secret_names"], json!(["CHANGED", "LOST", "NEW", "SAME"]));
    let sent = &bodies(&server, "PATCH", BULK).await[0]["secrets"];
    let keys: Vec<&String> = sent.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["CHANGED", "LOST", "NEW", "OLD"]);
    assert_eq!((&sent["OLD"], &sent["CHANGED"]["text"]), (&Value::Null, &json!("other")));
}

#[tokio::test]
async fn an_update_without_a_difference_changes_nothing() {
    let (server, provider) = worker(names(&["A"])).await;
    ready(&provider, &server, &["A"]).update(wanted(&["A"])).await.done();
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn another_worker_is_another_instance() {
    let (server, provider) = worker(names(&["A"])).await;
    let mut other = wanted(&["A"]);
    other["script"] = json!("web");
    let error = ready(&provider, &server, &["A"]).update(other).await.error();
    assert!(error.to_string().starts_with("script: "), "{error}");
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn a_worker_that_is_not_there_is_named() {
    let (server, provider) = worker(refusal(404, 10007)).await;
    match Stage::new(&provider, &server, wanted(&["A"])).provision().await.error() {
        ProviderError::Refused { refusal: Refusal::Unsupported, description } => {
            assert!(description.contains("no Worker named api"), "{description}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_worker_that_is_not_deployed_stops_the_work_with_advice() {
    let (server, provider) = worker(names(&["A"])).await;
    on("PATCH", BULK).respond_with(refusal(400, NOT_DEPLOYED)).mount(&server).await;
    match Stage::new(&provider, &server, wanted(&["B"])).provision().await.error() {
        ProviderError::Refused { refusal: Refusal::Unsupported, description } => {
            assert!(description.contains("deploy it and try again"), "{description}");
        }
        other => panic!("{other:?}"),
    }
    let stage = ready(&provider, &server, &["A"]);
    for error in [stage.update(wanted(&["A", "B"])).await.error(), stage.deprovision().await.error()] {
        match error {
            ProviderError::Failed {
                description,
                usable: Usability::Usable,
                repeat: Repeatability::Repeatable,
            } => {
                assert!(description.contains("deploy it and try again"), "{description}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_unclear_answer_is_asked_for_again() {
    for (answer, sent) in [(html(502), Sent::Perhaps), (refusal(429, 971), Sent::No)] {
        let (server, provider) = worker(names(&[])).await;
        on("PATCH", BULK).respond_with(answer).mount(&server).await;
        match Stage::new(&provider, &server, wanted(&["A"])).provision().await.error() {
            ProviderError::Unavailable { sent: found, .. } => assert_eq!(found, sent),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_our_own_are_removed() {
    let (server, provider) = worker(names(&["A", "FOREIGN"])).await;
    on("PATCH", BULK).respond_with(ok(json!({}))).expect(1).mount(&server).await;
    ready(&provider, &server, &["A", "LOST"]).deprovision().await.done();
    assert_eq!(bodies(&server, "PATCH", BULK).await, [json!({ "secrets": { "A": null } })]);
}

#[tokio::test]
async fn removing_what_is_not_there_is_success() {
    for has in [names(&["FOREIGN"]), refusal(404, 10007)] {
        let (server, provider) = worker(has).await;
        ready(&provider, &server, &["A"]).deprovision().await.done();
        assert!(changes(&server).await.is_empty());
    }
    let (server, provider) = worker(names(&["A"])).await;
    on("PATCH", BULK).respond_with(refusal(404, 10007)).mount(&server).await;
    ready(&provider, &server, &["A"]).deprovision().await.done();
}

#[tokio::test]
async fn a_write_in_doubt_is_looked_for_twice_and_removed() {
    let server = MockServer::start().await;
    on("GET", LIST).respond_with(names(&["FOREIGN"])).up_to_n_times(1).mount(&server).await;
    on("GET", LIST).respond_with(names(&["A", "FOREIGN"])).mount(&server).await;
    on("PATCH", BULK).respond_with(ok(json!({}))).mount(&server).await;
    let provider = Secrets::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, wanted(&["A"]));
    let driven = stage.deprovision_after(known(&stage, &["A"])).await;
    assert_eq!(driven.steps, [BEGIN, LOOK_AGAIN, REMOVE]);
    driven.done();
    assert_eq!(bodies(&server, "PATCH", BULK).await, [json!({ "secrets": { "A": null } })]);
}

#[tokio::test]
async fn a_failed_creation_is_taken_up_and_everything_written_again() {
    let (server, provider) = worker(names(&["A"])).await;
    on("PATCH", BULK).respond_with(ok(json!({}))).expect(1).mount(&server).await;
    let stage = Stage::new(&provider, &server, wanted(&["A"]));
    let begin = Checkpoint::at(BEGIN, known(&stage, &["A"]));
    stage.provision_from(begin, Attempt::First).await.done();
}

#[tokio::test]
async fn a_look_tells_what_is_missing_what_is_gone_and_what_is_unknown() {
    let look = async |answer| {
        let (server, provider) = worker(answer).await;
        let stage = ready(&provider, &server, &["A", "B"]);
        provider.fetch(&stage.instance, &stage.marker).await
    };
    let found = |drift| {
        Ok(Observation::Found {
            attributes: Map::from_iter([
                ("script".to_owned(), json!("api")),
                ("secret_names".to_owned(), json!(["A", "B"])),
            ]),
            drift,
        })
    };
    assert_eq!(look(names(&["A", "B", "FOREIGN"])).await, found(Vec::new()));
    let drift = FieldDrift { field: "secret_names".into(), wanted: json!(["A", "B"]), found: json!(["B"]) };
    assert_eq!(look(names(&["B"])).await, found(vec![drift]));
    assert_eq!(look(refusal(404, 10007)).await, Ok(Observation::Gone));
    for unknown in [refusal(404, 7003), refusal(401, 10000), html(404), html(502), refusal(429, 971)] {
        let error = look(unknown).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{error:?}");
    }
}

#[test]
fn a_value_is_measured_in_bytes() {
    let provider = Secrets::new(&client("http://127.0.0.1:1"));
    let long =
        json!({ "script": "api", "secrets": { "LONG": "ü".repeat(2_561), "SHORT": "ü".repeat(2_560) } });
    let problems = provider.check(&PlanId::new("plan").unwrap(), &parameters(long), None).unwrap_err();
    assert_eq!(problems, ["secrets.LONG: is longer than 5120 bytes"]);
}
