//! Tests of a bucket's life against canned answers.

mod binding;

use serde_json::{Value, json};
use sutler_catalog::cloudflare::r2::Parameters;
use wiremock::{
    MockServer, ResponseTemplate,
    matchers::{header, query_param},
};

use super::super::staging::*;
use super::{clearing::MAX_OBJECTS, *};
use crate::providers::{Attempt, Checkpoint, Observation, Refusal, Usability};

const BUCKETS: &str = "/r2/buckets";

fn name(stage: &Stage<'_>) -> String {
    stage.marker.name(Some("shop"), 63)
}

fn below(stage: &Stage<'_>, rest: &str) -> String {
    format!("{BUCKETS}/{}{rest}", name(stage))
}

fn recorded<'a>(stage: Stage<'a>, domains: &[&str]) -> Stage<'a> {
    let name = name(&stage);
    stage.with_record(json!({ "name": name, "id": name, "memory": { "domains": domains } }))
}

/// Everything about a bucket but itself and its host names, as it is when it is new.
async fn settings(server: &MockServer, stage: &Stage<'_>) {
    on("GET", &below(stage, "/cors")).respond_with(refusal(404, 10059)).mount(server).await;
    on("GET", &below(stage, "/lifecycle"))
        .respond_with(ok(json!({ "rules": [default_rule()] })))
        .mount(server)
        .await;
    let managed = json!({ "bucketId": "b", "domain": "pub-b.r2.dev", "enabled": false });
    on("GET", &below(stage, "/domains/managed")).respond_with(ok(managed)).mount(server).await;
}

/// The bucket as it is when it is new, and its host names.
async fn bucket(server: &MockServer, stage: &Stage<'_>, domains: Value) {
    let shown = json!({ "name": name(stage), "location": "WEUR", "storage_class": "Standard" });
    on("GET", &below(stage, "")).respond_with(ok(shown)).mount(server).await;
    settings(server, stage).await;
    on("GET", &below(stage, "/domains/custom"))
        .respond_with(ok(json!({ "domains": domains })))
        .mount(server)
        .await;
}

fn default_rule() -> Value {
    json!({
        "id": "Default Multipart Abort Rule", "enabled": true, "conditions": { "prefix": "" },
        "abortMultipartUploadsTransition": { "condition": { "type": "Age", "maxAge": 604_800 } },
    })
}

fn objects(keys: &[&str]) -> ResponseTemplate {
    let rows: Vec<Value> = keys.iter().map(|key| json!({ "key": key })).collect();
    ok(json!(rows))
}

fn refusal_of(error: &ProviderError) -> Option<Refusal> {
    match error {
        ProviderError::Refused { refusal, .. } => Some(*refusal),
        _ => None,
    }
}

#[tokio::test]
async fn every_call_names_the_jurisdiction() {
    for (wanted, word) in [(json!({}), "default"), (json!({ "jurisdiction": "us" }), "us")] {
        let server = MockServer::start().await;
        let provider = R2::new(&client(&server.uri()));
        let stage = Stage::new(&provider, &server, wanted);
        on("GET", &below(&stage, "")).respond_with(refusal(404, 10006)).up_to_n_times(1).mount(&server).await;
        on("POST", BUCKETS).respond_with(ok(json!({ "name": name(&stage) }))).mount(&server).await;
        bucket(&server, &stage, json!([])).await;
        let done = stage.provision().await.done();
        assert_eq!(done.attributes["bucket"], name(&stage));
        assert_eq!(done.attributes["location"], "weur");
        let all = server.received_requests().await.unwrap();
        assert!(all.len() >= 7, "{}", all.len());
        for request in all {
            assert_eq!(request.headers["cf-r2-jurisdiction"], word, "{}", request.url);
        }
    }
}

#[tokio::test]
async fn a_bucket_is_gone_only_when_its_own_jurisdiction_says_so() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({ "jurisdiction": "eu" })), &[]);
    let path = below(&stage, "");
    on("GET", &path)
        .and(header("cf-r2-jurisdiction", "eu"))
        .respond_with(refusal(404, 10006))
        .mount(&server)
        .await;
    let observed = stage.provider.fetch(&stage.instance, &stage.marker).await;
    assert_eq!(observed, Ok(Observation::Gone));

    for answer in [refusal(404, 7003), refusal(403, 10000), html(404), html(502)] {
        let server = MockServer::start().await;
        let provider = R2::new(&client(&server.uri()));
        let stage = recorded(Stage::new(&provider, &server, json!({ "jurisdiction": "eu" })), &[]);
        on("GET", &path).respond_with(answer).mount(&server).await;
        let observed = stage.provider.fetch(&stage.instance, &stage.marker).await;
        assert!(matches!(observed, Err(ProviderError::Unavailable { .. })), "{observed:?}");
    }
}

#[tokio::test]
async fn the_rule_of_a_new_bucket_is_sent_back_with_ours() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({})), &[]);
    bucket(&server, &stage, json!([])).await;
    let path = below(&stage, "/lifecycle");
    on("PUT", &path).respond_with(refusal(400, 10012)).mount(&server).await;
    let wanted = json!({ "lifecycle": [{ "id": "old", "delete_after": 60 }] });
    stage.update(wanted).await.error();
    let [sent] = bodies(&server, "PUT", &path).await.try_into().unwrap();
    let ours = json!({
        "id": "old", "enabled": true, "conditions": { "prefix": "" },
        "deleteObjectsTransition": { "condition": { "type": "Age", "maxAge": 60 } },
    });
    assert_eq!(sent, json!({ "rules": [default_rule(), ours] }));
}

/// The rules for browsers were read and differ, so they are written, and looked at again; nothing before them is.
#[tokio::test]
async fn each_part_is_read_once_and_again_after_it_was_written() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({})), &[]);
    let path = below(&stage, "/cors");
    on("GET", &path).respond_with(refusal(404, 10059)).up_to_n_times(1).mount(&server).await;
    let rule = json!({ "allowed": { "origins": ["https://a.example"], "methods": ["GET"] } });
    on("GET", &path).respond_with(ok(json!({ "rules": [rule] }))).mount(&server).await;
    on("PUT", &path).respond_with(ok(json!({}))).mount(&server).await;
    bucket(&server, &stage, json!([])).await;
    let cors = json!([{ "origins": ["https://a.example"], "methods": ["GET"] }]);
    stage.update(json!({ "cors": cors })).await.done();
    let expected = [
        "GET ",
        "GET /cors",
        "PUT /cors",
        "GET /cors",
        "GET /lifecycle",
        "GET /domains/managed",
        "GET /domains/custom",
        "GET ",
    ];
    let expected = expected.map(|call| call.replacen(' ', &format!(" {}", below(&stage, "")), 1));
    assert_eq!(calls(&server).await, expected);
}

#[tokio::test]
async fn a_plan_decides_how_objects_are_kept() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let mut stage = recorded(Stage::new(&provider, &server, json!({})), &[]);
    stage.instance.plan_id = PlanId::new(r2::INFREQUENT_ACCESS.as_str()).unwrap();
    bucket(&server, &stage, json!([])).await;
    on("PATCH", &below(&stage, ""))
        .and(header("cf-r2-storage-class", "InfrequentAccess"))
        .respond_with(refusal(400, 10012))
        .expect(1)
        .mount(&server)
        .await;
    let error = stage.update(json!({})).await.error();
    let ProviderError::Failed { usable: Usability::Usable, description, .. } = error else {
        panic!("{error:?}")
    };
    assert!(description.starts_with("could not change the plan of the bucket"), "{description}");
}

#[tokio::test]
async fn r2_that_nobody_enabled_is_told_in_clear_words() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({}));
    on("GET", &below(&stage, "")).respond_with(refusal(403, 10042)).mount(&server).await;
    let error = stage.provision().await.error();
    assert!(error.to_string().contains("R2 is not enabled in the account"), "{error}");
    assert!(!error.to_string().contains("token"), "{error}");
}

#[tokio::test]
async fn a_bucket_with_objects_is_kept_until_both_words_are_said() {
    for (wanted, is_kept) in [
        (json!({}), true),
        (json!({ "protect": false }), true),
        (json!({ "protect": false, "force_empty": true }), false),
    ] {
        let server = MockServer::start().await;
        let provider = R2::new(&client(&server.uri()));
        let stage = recorded(Stage::new(&provider, &server, wanted.clone()), &["a.example"]);
        let attached = json!([{ "domain": "a.example", "enabled": true }]);
        on("GET", &below(&stage, "/domains/custom"))
            .respond_with(ok(json!({ "domains": attached })))
            .up_to_n_times(if is_kept { 9 } else { 1 })
            .mount(&server)
            .await;
        bucket(&server, &stage, json!([])).await;
        let path = below(&stage, "/objects");
        on("GET", &path)
            .respond_with(objects(&["a/b", "c"]))
            .up_to_n_times(if is_kept { 9 } else { 1 })
            .mount(&server)
            .await;
        on("GET", &path).respond_with(objects(&[])).mount(&server).await;
        for deleted in ["/domains/custom/a.example", "/objects/a%2Fb", "/objects/c", ""] {
            on("DELETE", &below(&stage, deleted)).respond_with(ok(json!({}))).mount(&server).await;
        }
        let driven = stage.deprovision().await;
        if is_kept {
            let error = driven.error();
            assert_eq!(refusal_of(&error), Some(Refusal::Protected), "{wanted}: {error}");
            assert!(changes(&server).await.is_empty(), "{wanted}");
            continue;
        }
        driven.done();
        let expected = ["/domains/custom/a.example", "/objects/c", "/objects/a%2Fb", ""];
        assert_eq!(
            changes(&server).await,
            expected.map(|rest| format!("DELETE {}", below(&stage, rest))),
            "{wanted}"
        );
    }
}

#[tokio::test]
async fn objects_are_deleted_one_by_one_and_an_interrupted_deletion_goes_on() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let wanted = json!({ "protect": false, "force_empty": true });
    let stage = recorded(Stage::new(&provider, &server, wanted), &[]);
    bucket(&server, &stage, json!([])).await;
    let path = below(&stage, "/objects");
    on("GET", &path).respond_with(objects(&["a/b", "c"])).up_to_n_times(1).mount(&server).await;
    on("GET", &path).and(query_param("per_page", "50")).respond_with(objects(&[])).mount(&server).await;
    on("DELETE", &below(&stage, "/objects/c")).respond_with(refusal(404, 10007)).mount(&server).await;
    on("DELETE", &below(&stage, "/objects/a%2Fb")).respond_with(ok(json!({}))).mount(&server).await;
    on("DELETE", &below(&stage, "")).respond_with(ok(json!({}))).mount(&server).await;
    let driven = stage.deprovision().await;
    assert_eq!(driven.steps, ["begin", "clear", "clear", "clear", "delete"]);
    driven.done();
    let expected = ["/objects/c", "/objects/a%2Fb", ""];
    assert_eq!(changes(&server).await, expected.map(|rest| format!("DELETE {}", below(&stage, rest))));
}

#[tokio::test]
async fn one_deletion_deletes_so_many_objects_and_says_so() {
    let server = MockServer::start().await;
    let api = client(&server.uri());
    let buckets = AllBuckets { api: api.of(&calls::R2), minter: Minter::new(&api) };
    let parameters: Parameters =
        serde_json::from_value(json!({ "protect": false, "force_empty": true })).unwrap();
    let cleared = buckets.clear("bucket", &parameters.into(), (vec!["a".to_owned()], MAX_OBJECTS)).await;
    let Ok(Clearing::TooMuch(told)) = cleared else { panic!("{cleared:?}") };
    assert!(told.starts_with("10000 objects were deleted, and there are more"), "{told}");
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn what_filled_up_meanwhile_is_told_with_what_to_do() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({})), &[]);
    bucket(&server, &stage, json!([])).await;
    on("GET", &below(&stage, "/objects")).respond_with(objects(&[])).mount(&server).await;
    on("DELETE", &below(&stage, "")).respond_with(refusal(409, 10008)).mount(&server).await;
    let error = stage.deprovision().await.error();
    assert!(error.to_string().contains("the bucket is not empty; delete its objects"), "{error}");
}

#[tokio::test]
async fn a_host_name_of_somebody_else_protects_the_bucket() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({})), &[]);
    bucket(&server, &stage, json!([{ "domain": "theirs.example", "enabled": true }])).await;
    let error = stage.deprovision().await.error();
    assert_eq!(refusal_of(&error), Some(Refusal::Protected), "{error}");
    assert!(error.to_string().contains("theirs.example"), "{error}");
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn a_host_name_that_is_blocked_ends_the_creation_and_one_under_way_does_not() {
    for (ownership, ssl, is_over) in [("blocked", "pending", true), ("active", "active", false)] {
        let server = MockServer::start().await;
        let provider = R2::new(&client(&server.uri()));
        let domain = json!({ "domain": "a.example", "zone_id": "0a0b0c0d0e0f00112233445566778899" });
        let stage = Stage::new(&provider, &server, json!({ "custom_domains": [domain] }));
        on("GET", &below(&stage, "")).respond_with(refusal(404, 10006)).up_to_n_times(1).mount(&server).await;
        on("POST", BUCKETS).respond_with(ok(json!({ "name": name(&stage) }))).mount(&server).await;
        let path = below(&stage, "/domains/custom");
        let shown = |status: Value| {
            let domain = json!({ "domain": "a.example", "enabled": true, "status": status });
            ok(json!({ "domains": [domain] }))
        };
        let none = ok(json!({ "domains": [] }));
        on("GET", &path).respond_with(none).up_to_n_times(1).mount(&server).await;
        let pending = shown(json!({ "ownership": "pending", "ssl": "initializing" }));
        on("GET", &path).respond_with(pending).up_to_n_times(2).mount(&server).await;
        let last = shown(json!({ "ownership": ownership, "ssl": ssl }));
        on("GET", &path).respond_with(last).mount(&server).await;
        bucket(&server, &stage, json!([])).await;
        let attached = ok(json!({ "domain": "a.example", "enabled": true, "zoneId": "z" }));
        on("POST", &path).respond_with(attached).expect(1).mount(&server).await;
        let driven = stage.provision().await;
        assert_eq!(driven.waits.len(), 2);
        assert!(driven.waits[0].1.contains("a.example"), "{:?}", driven.waits);
        if is_over {
            let error = driven.error();
            assert!(matches!(error, ProviderError::Failed { usable: Usability::Unusable, .. }), "{error:?}");
            assert!(error.to_string().contains("Cloudflare has blocked it"), "{error}");
        } else {
            let memory = &driven.done().record.0["memory"];
            assert_eq!(memory["domains"], json!(["a.example"]));
            assert_eq!(memory["looks"], 0, "the next wait begins anew");
        }
    }
}

#[tokio::test]
async fn what_an_attempt_in_doubt_made_is_found_by_its_name() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = Stage::new(&provider, &server, json!({}));
    bucket(&server, &stage, json!([])).await;
    let start = Checkpoint::at("create", json!({ "name": name(&stage), "memory": {} }));
    let driven = stage.provision_from(start, Attempt::Again).await;
    assert_eq!(driven.steps, ["create", "adjust"]);
    assert_eq!(driven.done().record.0["id"], name(&stage));
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn what_differs_is_told_in_the_words_of_the_parameters() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let wanted = json!({
        "r2_dev": true,
        "cors": [{ "origins": ["https://a.example"], "methods": ["GET"] }],
        "custom_domains": [{ "domain": "a.example", "zone_id": "0a0b0c0d0e0f00112233445566778899" }],
    });
    let stage = recorded(Stage::new(&provider, &server, wanted), &["a.example"]);
    bucket(&server, &stage, json!([])).await;
    let observed = stage.provider.fetch(&stage.instance, &stage.marker).await;
    let Ok(Observation::Found { drift, .. }) = observed else { panic!("{observed:?}") };
    let fields: Vec<&str> = drift.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["cors", "r2_dev", "custom_domains"]);
    assert_eq!(drift[0].wanted, json!([{ "origins": ["https://a.example"], "methods": ["GET"] }]));
    assert_eq!(drift[0].found, json!([]));
}
