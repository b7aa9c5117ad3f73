//! Tests of the Pages domain provider against canned answers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use super::super::staging::*;
use super::domains::NO_PROJECT;
use super::*;
use crate::providers::{Attempt, Checkpoint, Usability};

const PROJECT: &str = "/pages/projects/web";
const DOMAINS: &str = "/pages/projects/web/domains";
const DOMAIN: &str = "/pages/projects/web/domains/www.example.com";

fn domain(status: &str) -> ResponseTemplate {
    ok(json!({
        "id": "domain-1", "name": "www.example.com", "status": status,
        "validation_data": { "method": "http", "status": "pending", "error_message": CANARY },
        "verification_data": { "status": "pending", "error_message": CANARY },
    }))
}

fn wanted() -> Value {
    json!({ "project": "web", "hostname": "www.example.com" })
}

fn known() -> Value {
    json!({ "project": "web", "hostname": "www.example.com", "domain_id": "domain-1" })
}

/// A project whose domain answers these, the last for ever.
async fn project(answers: Vec<ResponseTemplate>) -> (MockServer, PagesDomain) {
    let server = MockServer::start().await;
    on("GET", PROJECT).respond_with(ok(json!({ "subdomain": "web-x1y.pages.dev" }))).mount(&server).await;
    let last = answers.len() - 1;
    for (at, answer) in answers.into_iter().enumerate() {
        let times = if at == last { u64::MAX } else { 1 };
        on("GET", DOMAIN).respond_with(answer).up_to_n_times(times).mount(&server).await;
    }
    let provider = PagesDomain::new(&client(&server.uri()));
    (server, provider)
}

fn missing() -> ResponseTemplate {
    refusal(404, 8_000_021)
}

/// A creation whose domain shows these one after the other once it was added.
async fn created(statuses: &[&str]) -> (MockServer, Driven<ProvisionedInstance>) {
    let answers = std::iter::once(missing()).chain(statuses.iter().map(|status| domain(status)));
    let (server, provider) = project(answers.collect()).await;
    on("POST", DOMAINS).respond_with(domain("initializing")).expect(1).mount(&server).await;
    on("PATCH", DOMAIN).respond_with(domain("pending")).mount(&server).await;
    let driven = Stage::new(&provider, &server, wanted()).provision().await;
    (server, driven)
}

#[tokio::test]
async fn a_domain_is_added_once_and_awaited_until_it_serves() {
    let (server, driven) = created(&["initializing", "pending", "active"]).await;
    assert_eq!(driven.steps, [BEGIN, ADD, POLL, POLL, POLL]);
    let told: Vec<&str> = driven.waits.iter().map(|(_, told)| told.as_str()).collect();
    assert!(told[1].contains("prepares the certificate"), "{told:?}");
    assert!(told[2].contains("has to lead to the project, web-x1y.pages.dev"), "{told:?}");
    assert!(driven.waits.iter().all(|(wait, _)| *wait >= Duration::from_secs(5)));
    let done = driven.done();
    let attributes = json!({ "hostname": "www.example.com", "project": "web", "status": "active" });
    assert_eq!(Value::Object(done.attributes), attributes);
    assert_eq!(done.record.0["domain_id"], "domain-1");
    assert_eq!(changes(&server).await, [format!("POST {DOMAINS}")]);
}

#[tokio::test]
async fn states_without_a_way_on_fail_with_what_to_do() {
    for (status, told) in [("blocked", "Release the hold"), ("deactivated", "Correct the record")] {
        let (_server, driven) = created(&["pending", status]).await;
        match driven.error() {
            ProviderError::Failed { description, usable: Usability::Unusable, .. } => {
                assert!(description.contains(told), "{description}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_failed_validation_is_started_again_with_growing_gaps() {
    let (server, driven) = created(&["error", "error", "error", "error", "active"]).await;
    assert_eq!(driven.steps, [BEGIN, ADD, POLL, RETRY, POLL, RETRY, POLL]);
    let waits: Vec<u64> = driven.waits.iter().map(|(wait, _)| wait.as_secs()).collect();
    assert_eq!(waits, [5, 15, 5, 45, 5]);
    driven.done();
    assert_eq!(changes(&server).await.iter().filter(|call| call.starts_with("PATCH")).count(), 2);
}

#[tokio::test]
async fn a58_a_validation_that_always_fails_ends() {
    let (_server, driven) = created(&["error"]).await;
    assert_eq!(driven.steps.iter().filter(|step| *step == RETRY).count(), 6);
    match driven.error() {
        ProviderError::Failed { description, .. } => {
            assert!(description.contains("7 times"), "{description}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_validation_that_healed_meanwhile_is_not_started_again() {
    let (server, driven) = created(&["error", "active"]).await;
    assert_eq!(driven.steps, [BEGIN, ADD, POLL, RETRY]);
    driven.done();
    assert_eq!(changes(&server).await.len(), 1);
}

#[tokio::test]
async fn a58_an_unknown_state_is_awaited_but_not_for_ever_and_not_quoted() {
    let (_server, driven) = created(&[CANARY, "pending", "active"]).await;
    driven.done();
    let (_server, driven) = created(&[CANARY]).await;
    assert_eq!(driven.steps.iter().filter(|step| *step == POLL).count(), 20);
    match driven.error() {
        ProviderError::Failed { description, .. } => {
            assert!(description.contains("is not known"), "{description}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_day_is_enough() {
    for (status, told) in
        [("pending", "within 24 hours"), ("error", "failed 1 times"), (CANARY, "within 24 hours")]
    {
        let (server, provider) = project(vec![domain(status)]).await;
        let mut data = known();
        data["since"] = json!(Timestamp::now() - jiff::SignedDuration::from_hours(25));
        let stage = Stage::new(&provider, &server, wanted());
        match stage.provision_from(Checkpoint::at(POLL, data), Attempt::First).await.error() {
            ProviderError::Failed { description, .. } => assert!(description.contains(told), "{description}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_text_record_is_told_only_when_it_has_the_form_of_one() {
    for (value, is_told) in [("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", true), (CANARY, false)] {
        let shown = ok(json!({
            "id": "domain-1", "status": "pending", "validation_data": { "method": "txt", "txt_value": value },
        }));
        let (server, provider) = project(vec![shown, domain("active")]).await;
        let mut data = known();
        data["since"] = json!(Timestamp::now());
        let stage = Stage::new(&provider, &server, wanted());
        let driven = stage.provision_from(Checkpoint::at(POLL, data), Attempt::First).await;
        let told = &driven.waits[0].1;
        assert!(told.contains("_acme-challenge.www.example.com"), "{told}");
        assert_eq!(told.contains(value), is_told, "{told}");
    }
}

#[tokio::test]
async fn a_foreign_domain_of_the_same_name_is_a_conflict_and_is_not_touched() {
    let (server, provider) = project(vec![domain("active")]).await;
    let stage = Stage::new(&provider, &server, wanted());
    let error = stage.provision().await.error();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. }), "{error:?}");
    stage.deprovision().await.done();
    assert!(changes(&server).await.is_empty());

    // in another project
    let (server, provider) = project(vec![missing()]).await;
    on("POST", DOMAINS).respond_with(refusal(409, 8_000_018)).mount(&server).await;
    let add = || Checkpoint::at(ADD, json!({ "project": "web", "hostname": "www.example.com" }));
    for attempt in [Attempt::First, Attempt::Again] {
        let error = Stage::new(&provider, &server, wanted()).provision_from(add(), attempt).await.error();
        assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_addition_whose_answer_was_lost_is_adopted() {
    let (server, provider) = project(vec![domain("active")]).await;
    on("POST", DOMAINS).respond_with(refusal(409, 8_000_018)).expect(1).mount(&server).await;
    let add = Checkpoint::at(ADD, json!({ "project": "web", "hostname": "www.example.com" }));
    let done = Stage::new(&provider, &server, wanted()).provision_from(add, Attempt::Again).await.done();
    assert_eq!(done.record.0["domain_id"], "domain-1");
}

#[tokio::test]
async fn a_failed_creation_is_taken_up_again() {
    let (server, provider) = project(vec![domain("error"), domain("active")]).await;
    let begin = Checkpoint::at(BEGIN, known());
    Stage::new(&provider, &server, wanted()).provision_from(begin, Attempt::First).await.done();
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn a_project_that_is_not_there_is_named() {
    let server = MockServer::start().await;
    on("GET", PROJECT).respond_with(refusal(404, NO_PROJECT)).mount(&server).await;
    let provider = PagesDomain::new(&client(&server.uri()));
    match Stage::new(&provider, &server, wanted()).provision().await.error() {
        ProviderError::Refused { refusal: Refusal::Unsupported, description } => {
            assert!(description.contains("no Pages project named web"), "{description}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_domain_that_was_detached_while_it_was_awaited_fails() {
    let replaced = ok(json!({ "id": "domain-2", "status": "active" }));
    for (answer, told) in
        [(missing(), "was detached"), (refusal(404, NO_PROJECT), "is gone"), (replaced, "added again")]
    {
        let (server, provider) = project(vec![answer]).await;
        let mut data = known();
        data["since"] = json!(Timestamp::now());
        let stage = Stage::new(&provider, &server, wanted());
        let error = stage.provision_from(Checkpoint::at(POLL, data), Attempt::First).await.error();
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn an_unclear_answer_is_asked_for_again() {
    for (answer, sent) in [(html(502), Sent::Perhaps), (refusal(429, 971), Sent::No)] {
        let (server, provider) = project(vec![missing()]).await;
        on("POST", DOMAINS).respond_with(answer).mount(&server).await;
        match Stage::new(&provider, &server, wanted()).provision().await.error() {
            ProviderError::Unavailable { sent: found, .. } => assert_eq!(found, sent),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let (server, provider) = project(vec![domain("active")]).await;
    let stage = Stage::new(&provider, &server, wanted()).with_record(known());
    stage.update(wanted()).await.done();
    for field in ["project", "hostname"] {
        let mut other = wanted();
        other[field] = json!("other.example.com");
        let error = stage.update(other).await.error();
        assert!(error.to_string().starts_with(field), "{error}");
    }
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn only_our_own_domain_is_detached_and_its_absence_is_success() {
    let replaced = ok(json!({ "id": "domain-2", "status": "active" }));
    for (found, deletes) in
        [(domain("active"), 1), (replaced, 0), (missing(), 0), (refusal(404, NO_PROJECT), 0)]
    {
        let (server, provider) = project(vec![found]).await;
        on("DELETE", DOMAIN).respond_with(ok(Value::Null)).expect(deletes).mount(&server).await;
        Stage::new(&provider, &server, wanted()).with_record(known()).deprovision().await.done();
    }
    let (server, provider) = project(vec![domain("active")]).await;
    on("DELETE", DOMAIN).respond_with(missing()).expect(1).mount(&server).await;
    Stage::new(&provider, &server, wanted()).with_record(known()).deprovision().await.done();
}

#[tokio::test]
async fn an_addition_in_doubt_is_looked_for_twice_and_detached() {
    let (server, provider) = project(vec![missing(), domain("pending")]).await;
    on("DELETE", DOMAIN).respond_with(ok(Value::Null)).expect(1).mount(&server).await;
    let left_over = json!({ "project": "web", "hostname": "www.example.com" });
    let driven = Stage::new(&provider, &server, wanted()).deprovision_after(left_over).await;
    assert_eq!(driven.steps, [BEGIN, LOOK_AGAIN, DELETE]);
    driven.done();
}

#[tokio::test]
async fn a_look_tells_the_status_what_is_gone_and_what_is_unknown() {
    let look = async |answer| {
        let (server, provider) = project(vec![answer]).await;
        let stage = Stage::new(&provider, &server, wanted()).with_record(known());
        provider.fetch(&stage.instance, &stage.marker).await
    };
    for (status, shown) in [("active", "active"), ("deactivated", "deactivated"), (CANARY, "unknown")] {
        match look(domain(status)).await.unwrap() {
            Observation::Found { attributes, drift } => {
                assert_eq!(attributes["status"], shown);
                assert_eq!(drift.is_empty(), status == "active");
            }
            Observation::Gone => panic!("it is there"),
        }
    }
    assert_eq!(look(missing()).await, Ok(Observation::Gone));
    assert_eq!(look(refusal(404, NO_PROJECT)).await, Ok(Observation::Gone));
    for unknown in [refusal(404, 7003), refusal(403, 10000), html(404), html(502), refusal(429, 971)] {
        let error = look(unknown).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{error:?}");
    }
}
