//! Tests of the token provider against canned answers.

use serde_json::{Value, json};
use wiremock::{
    MockServer, ResponseTemplate,
    matchers::{header, query_param},
};

use super::super::{
    minting::{DISCARD, LOOK_AGAIN, MINT, SETTLE, SWEEP, VERIFY},
    staging::*,
};
use super::*;
use crate::providers::{Attempt, Checkpoint, Refusal, Repeatability, Usability};

const TOKENS: &str = "/tokens";
const GROUPS: &str = "/tokens/permission_groups";
const VERIFY_PATH: &str = "/tokens/verify";
const OURS: &str = "11111111111111111111111111111111";
const LOST: &str = "22222222222222222222222222222222";
const VALUE: &str = "value-shown-once";

fn path(id: &str) -> String {
    format!("/tokens/{id}")
}

fn wanted() -> Value {
    json!({ "resources": { "database": "u" }, "allowed_ips": [] })
}

fn restricted() -> Value {
    json!({ "resources": { "database": "u" }, "allowed_ips": ["10.0.0.0/8"] })
}

fn token(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "status": "active", "policies": [] })
}

fn minted() -> Value {
    json!({ "id": OURS, "name": "n", "status": "active", "policies": [], "value": VALUE })
}

async fn account() -> (MockServer, Token) {
    let server = MockServer::start().await;
    let group = |name: &str| json!({ "id": format!("{name}-id"), "name": name, "scopes": ["com.cloudflare.api.account"] });
    on("GET", GROUPS).respond_with(ok(json!([group("D1 Read"), group("D1 Write")]))).mount(&server).await;
    let provider = Token::new(&client(&server.uri()));
    (server, provider)
}

/// The list, in this order of answers, the last for ever.
async fn lists(server: &MockServer, answers: Vec<Value>) {
    let last = answers.len() - 1;
    for (at, rows) in answers.into_iter().enumerate() {
        let times = if at == last { u64::MAX } else { 1 };
        let total = rows.as_array().map_or(0, Vec::len);
        on("GET", TOKENS).respond_with(page(rows, total)).up_to_n_times(times).mount(server).await;
    }
}

fn ready<'a>(provider: &'a Token, server: &'a MockServer, wanted: Value) -> Stage<'a> {
    let stage = Stage::new(provider, server, wanted);
    let record = json!({ "mark": stage.marker.hex(12), "policies": [{ "effect": "allow" }] });
    stage.with_record(record)
}

/// The name of the binding's token.
fn name(stage: &Stage<'_>) -> String {
    format!("shop-{}-{}", stage.marker.hex(12), stage.binding_marker().hex(24))
}

#[tokio::test]
async fn a_policy_is_resolved_and_changes_nothing() {
    let (server, provider) = account().await;
    let stage = Stage::new(&provider, &server, wanted());
    let done = stage.provision().await.done();
    assert_eq!(done.record.0["policies"][0]["permission_groups"], json!([{ "id": "D1 Write-id" }]));
    assert_eq!(done.record.0["mark"], stage.marker.hex(12));
    assert_eq!(calls(&server).await, [format!("GET {GROUPS}")]);
}

#[tokio::test]
async fn a_permission_group_that_is_not_there_fails_closed() {
    let (server, provider) = account().await;
    let asked = json!({ "resources": { "account": true }, "permissions": ["D1 Read", "D1 Admin"] });
    match Stage::new(&provider, &server, asked).provision().await.error() {
        ProviderError::Refused { refusal: Refusal::Unsupported, description } => {
            assert!(description.contains("D1 Admin"), "{description}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_binding_mints_verifies_and_hands_over_one_token() {
    let (server, provider) = account().await;
    lists(&server, vec![json!([token(LOST, "somebody-else")])]).await;
    on("POST", TOKENS).respond_with(ok(minted())).expect(1).mount(&server).await;
    on("GET", &path(OURS)).respond_with(ok(token(OURS, "n"))).mount(&server).await;
    let bearer = format!("Bearer {VALUE}");
    on("GET", VERIFY_PATH)
        .and(header("authorization", bearer.as_str()))
        .respond_with(ok(json!({ "status": "active" })))
        .mount(&server)
        .await;
    let stage = ready(&provider, &server, wanted());
    let driven = stage.bind().await;
    assert_eq!(driven.steps, [BEGIN, MINT, VERIFY]);
    let done = driven.done();
    assert_eq!(done.record.0, json!({ "token_id": OURS }));
    let credentials = Value::Object(done.body.credentials.unwrap().expose().clone());
    assert_eq!(credentials, json!({ "token": VALUE, "token_id": OURS }));
    let sent = bodies(&server, "POST", TOKENS).await;
    assert_eq!(sent, [json!({ "name": name(&stage), "policies": [{ "effect": "allow" }] })]);
}

#[tokio::test]
async fn a_token_lives_and_is_used_as_asked_for() {
    let (server, provider) = account().await;
    lists(&server, vec![json!([])]).await;
    on("POST", TOKENS).respond_with(ok(minted())).mount(&server).await;
    let mut shown = token(OURS, "n");
    shown["condition"] = json!({ "request_ip": { "in": ["10.0.0.0/8"] } });
    shown["expires_on"] = json!("2027-01-01T00:00:00Z");
    on("GET", &path(OURS)).respond_with(ok(shown)).mount(&server).await;
    let mut asked = restricted();
    asked["ttl_hours"] = json!(1);
    let done = ready(&provider, &server, asked).bind().await.done();
    let sent = &bodies(&server, "POST", TOKENS).await[0];
    assert_eq!(sent["condition"], json!({ "request_ip": { "in": ["10.0.0.0/8"] } }));
    let expires_on = sent["expires_on"].as_str().unwrap();
    assert_eq!(expires_on.len(), "2027-01-01T00:00:00Z".len(), "{expires_on}");
    let expires_at = done.body.metadata.unwrap().expires_at.unwrap();
    assert_eq!(expires_at.as_str(), expires_on.replace('Z', ".0Z"));
}

#[tokio::test]
async fn a_token_without_the_restriction_is_deleted_again() {
    for shown in [json!({}), json!({ "condition": { "request.ip": { "in": ["10.0.0.0/8"] } } })] {
        let (server, provider) = account().await;
        lists(&server, vec![json!([])]).await;
        on("POST", TOKENS).respond_with(ok(minted())).mount(&server).await;
        let mut found = token(OURS, "n");
        found["condition"] = shown["condition"].clone();
        on("GET", &path(OURS)).respond_with(ok(found)).mount(&server).await;
        on("DELETE", &path(OURS)).respond_with(ok(json!({ "id": OURS }))).expect(1).mount(&server).await;
        let driven = ready(&provider, &server, restricted()).bind().await;
        assert_eq!(driven.steps, [BEGIN, MINT, VERIFY, DISCARD]);
        match driven.error() {
            ProviderError::Failed { description, .. } => {
                assert!(description.contains("addresses"), "{description}")
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_whose_value_is_missing_is_deleted_and_the_work_fails() {
    let (server, provider) = account().await;
    lists(&server, vec![json!([])]).await;
    on("POST", TOKENS).respond_with(ok(token(OURS, "n"))).mount(&server).await;
    on("DELETE", &path(OURS)).respond_with(ok(json!({ "id": OURS }))).expect(1).mount(&server).await;
    let driven = ready(&provider, &server, wanted()).bind().await;
    assert_eq!(driven.steps, [BEGIN, MINT, DISCARD]);
    match driven.error() {
        ProviderError::Failed { description, usable, repeat } => {
            assert_eq!((usable, repeat), (Usability::Usable, Repeatability::Repeatable));
            assert!(description.contains("did not show its value"), "{description}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_fresh_token_is_given_time_but_not_for_ever() {
    let fresh = async |refusals: u64| {
        let (server, provider) = account().await;
        lists(&server, vec![json!([])]).await;
        on("POST", TOKENS).respond_with(ok(minted())).mount(&server).await;
        on("GET", &path(OURS)).respond_with(ok(token(OURS, "n"))).mount(&server).await;
        on("GET", VERIFY_PATH).respond_with(refusal(403, 9109)).up_to_n_times(refusals).mount(&server).await;
        on("GET", VERIFY_PATH).respond_with(ok(json!({ "status": "active" }))).mount(&server).await;
        on("DELETE", &path(OURS)).respond_with(ok(json!({ "id": OURS }))).mount(&server).await;
        let driven = ready(&provider, &server, wanted()).bind().await;
        (driven, changes(&server).await)
    };
    let (driven, _) = fresh(2).await;
    assert_eq!(driven.steps, [BEGIN, MINT, VERIFY, VERIFY, VERIFY]);
    driven.done();
    let (driven, changes) = fresh(u64::MAX).await;
    assert!(driven.waits.iter().map(|(wait, _)| wait.as_secs()).sum::<u64>() <= 30);
    driven.error();
    assert_eq!(changes, ["POST /tokens".to_owned(), format!("DELETE /tokens/{OURS}")]);
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_is_deleted_before_another_is_made() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    let lost = token(LOST, &name(&stage));
    // on the second page
    on("GET", TOKENS)
        .and(query_param("page", "1"))
        .respond_with(page(json!([token(OURS, "other")]), 2))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    on("GET", TOKENS)
        .and(query_param("page", "2"))
        .respond_with(page(json!([lost]), 2))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    on("GET", TOKENS).respond_with(page(json!([]), 0)).mount(&server).await;
    on("DELETE", &path(LOST)).respond_with(ok(json!({ "id": LOST }))).expect(1).mount(&server).await;
    on("POST", TOKENS).respond_with(ok(minted())).expect(1).mount(&server).await;
    on("GET", &path(OURS)).respond_with(ok(token(OURS, "n"))).mount(&server).await;
    on("GET", VERIFY_PATH).respond_with(ok(json!({ "status": "active" }))).mount(&server).await;
    let driven = stage.bind_from(Checkpoint::at(MINT, json!({ "doubt": false })), Attempt::Again).await;
    assert_eq!(driven.steps, [MINT, SWEEP, SWEEP, MINT, VERIFY, SETTLE]);
    driven.done();
}

#[tokio::test]
async fn a_token_that_arrives_late_is_deleted_and_ours_is_kept() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    let both = json!([token(LOST, &name(&stage)), token(OURS, &name(&stage))]);
    lists(&server, vec![json!([]), both, json!([token(OURS, &name(&stage))])]).await;
    on("POST", TOKENS).respond_with(ok(minted())).expect(1).mount(&server).await;
    on("GET", &path(OURS)).respond_with(ok(token(OURS, "n"))).mount(&server).await;
    on("GET", VERIFY_PATH).respond_with(ok(json!({ "status": "active" }))).mount(&server).await;
    on("DELETE", &path(LOST)).respond_with(ok(json!({ "id": LOST }))).expect(1).mount(&server).await;
    let driven = stage.bind_from(Checkpoint::at(MINT, json!({ "doubt": false })), Attempt::Again).await;
    assert_eq!(driven.steps, [MINT, VERIFY, SETTLE, SETTLE]);
    assert_eq!(driven.done().record.0, json!({ "token_id": OURS }));
}

#[tokio::test]
async fn a_foreign_token_of_the_same_name_is_a_conflict_and_is_not_touched() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    lists(&server, vec![json!([token(LOST, &name(&stage))])]).await;
    let error = stage.bind().await.error();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. }), "{error:?}");
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_minted_is_told_with_the_right_reason() {
    let full = json!({ "success": false, "errors": [{ "code": 1200, "message": format!("{CANARY} token limit reached") }] });
    let full = ResponseTemplate::new(400).set_body_json(full);
    for (answer, expected) in [
        (full, Some(Refusal::Quota)),
        (refusal(403, 9109), Some(Refusal::Credentials)),
        (refusal(400, 1001), Some(Refusal::Unsupported)),
        (refusal(429, 971), None),
        (html(502), None),
    ] {
        let (server, provider) = account().await;
        lists(&server, vec![json!([])]).await;
        on("POST", TOKENS).respond_with(answer).mount(&server).await;
        match (ready(&provider, &server, wanted()).bind().await.error(), expected) {
            (ProviderError::Refused { refusal, .. }, Some(expected)) => assert_eq!(refusal, expected),
            (ProviderError::Unavailable { .. }, None) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn unbinding_revokes_the_recorded_token_and_every_twin() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    lists(&server, vec![json!([token(LOST, &name(&stage)), token("3".repeat(32).as_str(), "other")])]).await;
    for id in [OURS, LOST] {
        on("DELETE", &path(id)).respond_with(ok(json!({ "id": id }))).expect(1).mount(&server).await;
    }
    stage.unbind(Some(json!({ "token_id": OURS }))).await.done();
    assert_eq!(changes(&server).await.len(), 2);
}

#[tokio::test]
async fn unbinding_what_never_existed_is_success_and_an_unclear_answer_is_not() {
    let (server, provider) = account().await;
    lists(&server, vec![json!([])]).await;
    let driven = ready(&provider, &server, wanted()).unbind(None).await;
    assert_eq!(driven.steps, [BEGIN, LOOK_AGAIN]);
    driven.done();
    for (answer, is_done) in [
        (refusal(404, 1003), true),
        (refusal(404, 7003), false),
        (refusal(403, 9109), false),
        (html(502), false),
    ] {
        let (server, provider) = account().await;
        lists(&server, vec![json!([])]).await;
        on("DELETE", &path(OURS)).respond_with(answer).mount(&server).await;
        let driven = ready(&provider, &server, wanted()).unbind(Some(json!({ "token_id": OURS }))).await;
        assert_eq!(driven.outcome.is_ok(), is_done);
    }
}

#[tokio::test]
async fn a60_a_recorded_id_of_another_form_is_not_followed() {
    let (server, provider) = account().await;
    lists(&server, vec![json!([])]).await;
    ready(&provider, &server, wanted()).unbind(Some(json!({ "token_id": "../zones" }))).await.done();
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn deleting_the_policy_revokes_what_carries_its_mark() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    let foreign = format!("shop-{}-{}", "0".repeat(12), stage.binding_marker().hex(24));
    lists(&server, vec![json!([token(OURS, &name(&stage)), token(LOST, &foreign)])]).await;
    on("DELETE", &path(OURS)).respond_with(ok(json!({ "id": OURS }))).expect(1).mount(&server).await;
    stage.deprovision().await.done();
    assert_eq!(changes(&server).await.len(), 1);
}

#[tokio::test]
async fn an_update_gives_each_token_the_new_policy_and_keeps_the_rest() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    lists(&server, vec![json!([token(OURS, &name(&stage)), token(LOST, &name(&stage))])]).await;
    let mut present = token(OURS, &name(&stage));
    present["expires_on"] = json!("2027-01-01T00:00:00Z");
    let mut changed = present.clone();
    changed["condition"] = json!({ "request_ip": { "in": ["10.0.0.0/8"] } });
    on("GET", &path(OURS)).respond_with(ok(present)).mount(&server).await;
    on("PUT", &path(OURS)).respond_with(ok(changed)).expect(1).mount(&server).await;
    on("GET", &path(LOST)).respond_with(refusal(404, 1003)).mount(&server).await;
    let driven = stage.update(restricted()).await;
    assert_eq!(driven.steps, [BEGIN, REVISE, REVISE]);
    assert_eq!(driven.done().record.0["policies"][0]["effect"], "allow");
    let sent = &bodies(&server, "PUT", &path(OURS)).await[0];
    assert_eq!(sent["name"], json!(name(&stage)));
    assert_eq!(sent["expires_on"], "2027-01-01T00:00:00Z");
    assert_eq!(sent["policies"][0]["permission_groups"], json!([{ "id": "D1 Write-id" }]));
}

#[tokio::test]
async fn an_update_that_does_not_restrict_fails() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    lists(&server, vec![json!([token(OURS, &name(&stage))])]).await;
    on("GET", &path(OURS)).respond_with(ok(token(OURS, "n"))).mount(&server).await;
    on("PUT", &path(OURS)).respond_with(ok(token(OURS, "n"))).mount(&server).await;
    match stage.update(restricted()).await.error() {
        ProviderError::Failed { description, .. } => {
            assert!(description.contains("addresses"), "{description}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_policy_is_there_as_long_as_it_is_remembered() {
    let (server, provider) = account().await;
    let stage = ready(&provider, &server, wanted());
    let found = provider.fetch(&stage.instance, &stage.marker).await.unwrap();
    assert_eq!(found, Observation::Found { attributes: Map::new(), drift: Vec::new() });
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn tokens_of_bindings_are_listed_by_their_marks() {
    let server = MockServer::start().await;
    let (mark, binding) = ("0123456789ab", "0123456789abcdef01234567");
    let token = |id: &str, name: String| json!({ "id": id.repeat(32), "name": name });
    let rows = json!([
        token("a", format!("shop-{mark}-{binding}")),
        token("b", "by hand".to_owned()),
        token("c", format!("shop-{binding}")),
    ]);
    on("GET", "/tokens").respond_with(page(rows, 3)).mount(&server).await;
    let provider = Token::new(&client(&server.uri()));
    let Listing::Objects { bearers, objects } = provider.marked().await.unwrap() else { panic!("no list") };
    assert_eq!(bearers, Bearers::Bindings);
    let marks: Vec<&str> = objects.iter().map(|object| object.mark.as_str()).collect();
    assert_eq!(marks, [binding]);
}

/// All instances share the list of tokens; what is behind `#` stands in the names of the tokens of this one.
#[tokio::test]
async fn b_prov_16_the_dashboard_tells_which_tokens_are_meant() {
    let (server, provider) = account().await;
    let stage = Stage::new(&provider, &server, wanted());
    let announced = provider.announced(&stage.instance, &stage.marker).dashboard_url;
    let made = stage.provision().await.done();
    assert_eq!(announced, made.dashboard_url);
    let url = announced.expect("a dashboard");
    let digits = url.split_once('#').expect("the digits").1;
    let known: Known = serde_json::from_value(made.record.0).expect("what is known");
    let name = Token::name(&stage.instance, &known, &stage.binding_marker());
    assert!(name.contains(digits), "{name} {url}");
}
