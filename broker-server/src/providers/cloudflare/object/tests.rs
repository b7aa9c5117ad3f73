//! Tests of what takes steps for every sort of object, against canned answers. Namespaces stand for objects whose names
//! are unique, widgets for those whose names are not.

use serde_json::{Value, json};
use wiremock::{MockServer, matchers::query_param};

use super::super::{kv::Kv, staging::*, turnstile::Turnstile};
use crate::providers::{
    Attempt, Checkpoint, Observation, ProviderError, Refusal, Usability,
    object::{ADJUST, ADOPT, CREATE, SETTLE},
};

const NAMESPACES: &str = "/storage/kv/namespaces";
const WIDGETS: &str = "/challenges/widgets";
const OURS: &str = "11111111111111111111111111111111";
const TWIN: &str = "22222222222222222222222222222222";

fn path(id: &str) -> String {
    format!("{NAMESPACES}/{id}")
}

fn namespace(id: &str, title: &str) -> Value {
    json!({ "id": id, "title": title })
}

/// The list, in this order of answers, the last for ever.
async fn lists(server: &MockServer, below: &str, answers: Vec<Value>) {
    let last = answers.len() - 1;
    for (at, rows) in answers.into_iter().enumerate() {
        let times = if at == last { u64::MAX } else { 1 };
        let total = rows.as_array().map_or(0, Vec::len);
        on("GET", below).respond_with(page(rows, total)).up_to_n_times(times).mount(server).await;
    }
}

fn name(stage: &Stage<'_>) -> String {
    stage.marker.name(Some("shop"), 63)
}

fn record(stage: &Stage<'_>) -> Value {
    json!({ "name": name(stage), "id": OURS, "memory": null })
}

fn refusal_of(error: &ProviderError) -> Option<Refusal> {
    match error {
        ProviderError::Refused { refusal, .. } => Some(*refusal),
        _ => None,
    }
}

#[tokio::test]
async fn an_object_is_made_once_and_remembered() {
    let server = MockServer::start().await;
    let provider = Kv::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({ "jurisdiction": "eu" }));
    lists(&server, NAMESPACES, vec![json!([])]).await;
    on("POST", NAMESPACES).respond_with(ok(namespace(OURS, &name(&stage)))).mount(&server).await;
    on("GET", &path(OURS)).respond_with(ok(namespace(OURS, &name(&stage)))).mount(&server).await;
    let done = stage.provision().await.done();
    assert_eq!(done.record.0["id"], OURS);
    assert_eq!(done.attributes["namespace_id"], OURS);
    assert_eq!(done.attributes["jurisdiction"], "eu");
    let expected = json!({ "title": name(&stage), "jurisdiction": "eu" });
    assert_eq!(bodies(&server, "POST", NAMESPACES).await, [expected]);
}

#[tokio::test]
async fn what_has_the_name_and_was_not_made_by_us_is_left_alone() {
    let server = MockServer::start().await;
    let provider = Kv::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({}));
    lists(&server, NAMESPACES, vec![json!([namespace(TWIN, &name(&stage))])]).await;
    let error = stage.provision().await.error();
    assert_eq!(refusal_of(&error), Some(Refusal::Conflict), "{error}");
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn what_an_attempt_in_doubt_made_is_waited_for_until_it_is_listed() {
    let server = MockServer::start().await;
    let provider = Kv::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({}));
    let listed = json!([namespace(OURS, &name(&stage))]);
    lists(&server, NAMESPACES, vec![json!([]), json!([]), listed]).await;
    on("POST", NAMESPACES).respond_with(refusal(400, 10014)).mount(&server).await;
    on("GET", &path(OURS)).respond_with(ok(namespace(OURS, &name(&stage)))).mount(&server).await;
    let start = Checkpoint::at(CREATE, json!({ "name": name(&stage), "memory": null }));
    let driven = stage.provision_from(start, Attempt::Again).await;
    assert_eq!(driven.steps, [CREATE, ADOPT, ADOPT, ADJUST]);
    assert_eq!(driven.done().record.0["id"], OURS);
}

#[tokio::test]
async fn a_twin_that_arrives_late_is_deleted_where_names_are_not_unique() {
    let server = MockServer::start().await;
    let provider = Turnstile::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({ "domains": ["a.example"] }));
    let listed = |id: &str| json!({ "sitekey": id, "name": name(&stage) });
    let both = json!([listed(OURS), listed(TWIN)]);
    lists(&server, WIDGETS, vec![json!([listed(OURS)]), both, json!([listed(OURS)])]).await;
    let widget = json!({
        "sitekey": OURS, "name": name(&stage), "domains": ["a.example"], "mode": "managed",
        "clearance_level": "no_clearance", "secret": "s",
    });
    on("GET", &format!("{WIDGETS}/{OURS}")).respond_with(ok(widget)).mount(&server).await;
    on("DELETE", &format!("{WIDGETS}/{TWIN}")).respond_with(ok(json!({}))).mount(&server).await;
    let start = Checkpoint::at(CREATE, json!({ "name": name(&stage), "memory": { "version": 1 } }));
    let driven = stage.provision_from(start, Attempt::Again).await;
    assert_eq!(driven.steps, [CREATE, SETTLE, SETTLE, ADJUST]);
    assert_eq!(driven.done().record.0["id"], OURS);
    assert_eq!(changes(&server).await, [format!("DELETE {WIDGETS}/{TWIN}")]);
}

#[tokio::test]
async fn what_is_protected_and_not_empty_is_kept_and_says_what_to_do() {
    let server = MockServer::start().await;
    let provider = Kv::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({}));
    let stage = {
        let record = record(&stage);
        stage.with_record(record)
    };
    on("GET", &path(OURS)).respond_with(ok(namespace(OURS, &name(&stage)))).mount(&server).await;
    on("GET", &format!("{}/keys", path(OURS)))
        .and(query_param("limit", "10"))
        .respond_with(ok(json!([{ "name": "a" }])))
        .mount(&server)
        .await;
    on("DELETE", &path(OURS)).respond_with(ok(Value::Null)).mount(&server).await;
    let error = stage.deprovision().await.error();
    assert_eq!(refusal_of(&error), Some(Refusal::Protected), "{error}");
    assert!(error.to_string().starts_with("protect: "), "{error}");
    assert!(changes(&server).await.is_empty());

    let unprotected = Stage::new(&provider, &server, json!({ "protect": false }));
    let unprotected = {
        let record = record(&unprotected);
        unprotected.with_record(record)
    };
    unprotected.deprovision().await.done();
    assert_eq!(changes(&server).await, [format!("DELETE {}", path(OURS))]);
}

#[tokio::test]
async fn an_id_that_leads_to_something_without_our_mark_is_not_followed() {
    let server = MockServer::start().await;
    let provider = Kv::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({ "protect": false }));
    let stage = {
        let record = record(&stage);
        stage.with_record(record)
    };
    on("GET", &path(OURS)).respond_with(ok(namespace(OURS, "somebody-elses"))).mount(&server).await;
    stage.deprovision().await.done();
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn what_is_gone_is_gone_only_when_cloudflare_says_so() {
    for (answer, gone) in [
        (refusal(404, 10013), Some(true)),
        (refusal(403, 10000), None),
        (refusal(404, 7003), None),
        (html(502), None),
        (ok(namespace(OURS, "renamed")), Some(false)),
    ] {
        let server = MockServer::start().await;
        let provider = Kv::new(&client(&server.uri()));
        let stage = Stage::new(&provider, &server, json!({}));
        let stage = {
            let record = record(&stage);
            stage.with_record(record)
        };
        on("GET", &path(OURS)).respond_with(answer).mount(&server).await;
        let observed = stage.provider.fetch(&stage.instance, &stage.marker).await;
        match (gone, observed) {
            (Some(true), Ok(Observation::Gone)) | (None, Err(ProviderError::Unavailable { .. })) => {}
            (Some(false), Ok(Observation::Found { drift, .. })) => {
                assert_eq!(drift[0].field, "namespace_title");
                assert_eq!(drift[0].found, "renamed");
            }
            (_, observed) => panic!("{gone:?}: {observed:?}"),
        }
    }
}

#[tokio::test]
async fn a_change_that_cloudflare_refuses_leaves_what_is_usable() {
    let server = MockServer::start().await;
    let provider = Turnstile::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({ "domains": ["a.example"] }));
    let known = json!({ "name": name(&stage), "id": OURS, "memory": { "version": 1 } });
    let stage = stage.with_record(known);
    let widget = json!({
        "sitekey": OURS, "name": name(&stage), "domains": ["a.example"], "mode": "managed",
        "clearance_level": "no_clearance", "secret": "s",
    });
    on("GET", &format!("{WIDGETS}/{OURS}")).respond_with(ok(widget)).mount(&server).await;
    on("PUT", &format!("{WIDGETS}/{OURS}")).respond_with(refusal(400, 10407)).mount(&server).await;
    let error = stage.update(json!({ "domains": ["b.example"] })).await.error();
    let ProviderError::Failed { usable: Usability::Usable, description, .. } = error else {
        panic!("{error:?}")
    };
    assert!(description.contains("change the settings of the widget"), "{description}");
}

#[tokio::test]
async fn what_has_the_name_of_a_creation_in_doubt_and_is_not_empty_is_kept() {
    let server = MockServer::start().await;
    let provider = Kv::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({}));
    lists(&server, NAMESPACES, vec![json!([namespace(OURS, &name(&stage))])]).await;
    on("GET", &path(OURS)).respond_with(ok(namespace(OURS, &name(&stage)))).mount(&server).await;
    let keys = ok(json!([{ "name": "a" }]));
    on("GET", &format!("{}/keys", path(OURS))).respond_with(keys).mount(&server).await;
    let left_over = json!({ "name": name(&stage), "memory": null });
    let error = stage.deprovision_after(left_over).await.error();
    assert_eq!(refusal_of(&error), Some(Refusal::Protected), "{error}");
    assert!(changes(&server).await.is_empty());
}
