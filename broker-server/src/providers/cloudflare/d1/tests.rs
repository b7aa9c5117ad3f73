//! Tests of the D1 provider against canned answers.

use serde_json::{Value, json};
use wiremock::{
    MockServer,
    matchers::{body_partial_json, body_string_contains, query_param},
};

use super::super::staging::*;
use super::*;
use crate::providers::{Attempt, Checkpoint, Repeatability, Usability};

const UUID: &str = "11111111-2222-3333-4444-555555555555";
const DATABASES: &str = "/d1/database";
const DATABASE: &str = "/d1/database/11111111-2222-3333-4444-555555555555";
const QUERY: &str = "/d1/database/11111111-2222-3333-4444-555555555555/query";

fn name() -> String {
    let stage_marker =
        Marker::for_instance("installation", &sutler_spec::InstanceId::new("instance").unwrap());
    format!("shop-{}", stage_marker.hex(24))
}

fn database(name: &str) -> Value {
    json!({ "uuid": UUID, "name": name, "read_replication": { "mode": "disabled" } })
}

fn ran() -> Value {
    json!([{ "success": true, "results": [], "meta": {} }, { "success": true, "results": [], "meta": {} }])
}

fn migrations() -> Value {
    json!([{ "name": "0001_a.sql", "sql": "CREATE TABLE a(x)" }, { "name": "0002_b.sql", "sql": "CREATE TABLE b(x)" }])
}

fn known(migrations: &[(&str, &str)]) -> Value {
    let applied = |(name, sql): &(&str, &str)| {
        known::Applied::of(&d1::Migration { name: (*name).into(), sql: (*sql).into() })
    };
    let migrations: Vec<_> = migrations.iter().map(applied).collect();
    json!({ "database_name": name(), "database_id": UUID, "migrations": migrations })
}

/// An account whose list is empty.
async fn empty() -> (MockServer, D1) {
    let server = MockServer::start().await;
    on("GET", DATABASES).respond_with(page(json!([]), 0)).mount(&server).await;
    let provider = D1::new(&client(&server.uri()));
    (server, provider)
}

/// An account in which the database is on the second page.
async fn with_database() -> (MockServer, D1) {
    let server = MockServer::start().await;
    let others: Vec<Value> = (0..3).map(|n| database(&format!("{}-{n}", name()))).collect();
    on("GET", DATABASES).and(query_param("page", "1")).respond_with(page(others, 4)).mount(&server).await;
    on("GET", DATABASES)
        .and(query_param("page", "2"))
        .respond_with(page(json!([database(&name())]), 4))
        .mount(&server)
        .await;
    let provider = D1::new(&client(&server.uri()));
    (server, provider)
}

#[tokio::test]
async fn a_database_is_created_completed_and_migrated_one_call_a_step() {
    let (server, provider) = empty().await;
    on("POST", DATABASES).respond_with(ok(database(&name()))).expect(1).mount(&server).await;
    on("PATCH", DATABASE).respond_with(ok(database(&name()))).expect(1).mount(&server).await;
    on("POST", QUERY).respond_with(ok(ran())).expect(3).mount(&server).await;
    let wanted =
        json!({ "primary_location_hint": "weur", "read_replication": "auto", "migrations": migrations() });
    let driven = Stage::new(&provider, &server, wanted).provision().await;
    assert_eq!(driven.steps, [BEGIN, CREATE, REPLICATE, LEDGER, MIGRATE, MIGRATE]);
    let done = driven.done();
    assert_eq!(
        done.record.0,
        known(&[("0001_a.sql", "CREATE TABLE a(x)"), ("0002_b.sql", "CREATE TABLE b(x)")])
    );
    let attributes = json!({ "database_id": UUID, "database_name": name(), "primary_location_hint": "weur" });
    assert_eq!(Value::Object(done.attributes), attributes);
    let created = bodies(&server, "POST", DATABASES).await;
    assert_eq!(created, [json!({ "name": name(), "primary_location_hint": "weur" })]);
    let first = &bodies(&server, "POST", QUERY).await[1];
    // D1's engine refuses a text that ends in a comment, so the last statement is ours
    let sql = "INSERT INTO d1_migrations(name) VALUES('0001_a.sql');\nCREATE TABLE a(x)\n;SELECT 1;";
    assert_eq!(first["sql"], sql);
}

#[tokio::test]
async fn a_plain_database_takes_one_change() {
    let (server, provider) = empty().await;
    on("POST", DATABASES).respond_with(ok(database(&name()))).mount(&server).await;
    let driven = Stage::new(&provider, &server, json!({})).provision().await;
    assert_eq!(driven.steps, [BEGIN, CREATE]);
    assert_eq!(changes(&server).await, ["POST /d1/database"]);
}

#[tokio::test]
async fn a59_a_foreign_database_of_the_same_name_is_a_conflict_and_is_not_touched() {
    let (server, provider) = with_database().await;
    let stage = Stage::new(&provider, &server, json!({}));
    for attempt in [Attempt::First, Attempt::Again] {
        let error = stage.provision_from(Checkpoint::begin(), attempt).await.error();
        assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. }), "{error:?}");
    }
    on("POST", DATABASES).respond_with(refusal(400, 7502)).mount(&server).await;
    let create = Checkpoint::at(CREATE, json!({ "database_name": name() }));
    let error = stage.provision_from(create, Attempt::First).await.error();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. }), "{error:?}");
    stage.deprovision().await.done();
    assert_eq!(changes(&server).await, ["POST /d1/database"]);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_adopted_not_repeated() {
    let (server, provider) = with_database().await;
    let create = Checkpoint::at(CREATE, json!({ "database_name": name() }));
    let done = Stage::new(&provider, &server, json!({})).provision_from(create, Attempt::Again).await.done();
    assert_eq!(done.record.0["database_id"], UUID);
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn a_creation_that_never_arrived_is_made_again() {
    let (server, provider) = empty().await;
    on("POST", DATABASES).respond_with(ok(database(&name()))).expect(1).mount(&server).await;
    let create = Checkpoint::at(CREATE, json!({ "database_name": name() }));
    Stage::new(&provider, &server, json!({})).provision_from(create, Attempt::Again).await.done();
}

#[tokio::test]
async fn a_database_that_exists_but_is_not_listed_yet_is_waited_for() {
    let server = MockServer::start().await;
    on("GET", DATABASES).respond_with(page(json!([]), 0)).up_to_n_times(3).mount(&server).await;
    on("GET", DATABASES).respond_with(page(json!([database(&name())]), 1)).mount(&server).await;
    on("POST", DATABASES).respond_with(refusal(400, 7502)).expect(1).mount(&server).await;
    let provider = D1::new(&client(&server.uri()));
    let create = Checkpoint::at(CREATE, json!({ "database_name": name() }));
    let driven = Stage::new(&provider, &server, json!({})).provision_from(create, Attempt::Again).await;
    assert_eq!(driven.steps, [CREATE, ADOPT, ADOPT, ADOPT]);
    driven.done();
}

#[tokio::test]
async fn a_lost_answer_is_told_as_a_doubt_and_a_limit_as_none() {
    for (answer, sent) in [(html(502), Sent::Perhaps), (refusal(429, 971), Sent::No)] {
        let (server, provider) = empty().await;
        on("POST", DATABASES).respond_with(answer).mount(&server).await;
        match Stage::new(&provider, &server, json!({})).provision().await.error() {
            ProviderError::Unavailable { sent: found, .. } => assert_eq!(found, sent),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_cloudflare_refuses_is_refused_with_the_right_reason() {
    for (status, code, expected) in [
        (403, 10000, Refusal::Credentials),
        (404, 7003, Refusal::Credentials),
        (400, 7400, Refusal::Unsupported),
    ] {
        let (server, provider) = empty().await;
        on("POST", DATABASES).respond_with(refusal(status, code)).mount(&server).await;
        match Stage::new(&provider, &server, json!({})).provision().await.error() {
            ProviderError::Refused { refusal: found, .. } => assert_eq!(found, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_migration_that_fails_stops_the_work_where_it_is() {
    let (server, provider) = empty().await;
    on("POST", DATABASES).respond_with(ok(database(&name()))).mount(&server).await;
    on("POST", QUERY)
        .and(body_string_contains("SELECT name"))
        .respond_with(ok(json!([{ "success": true, "results": [] }])))
        .mount(&server)
        .await;
    on("POST", QUERY)
        .and(body_string_contains("TABLE b"))
        .respond_with(refusal(400, 7500))
        .expect(1)
        .mount(&server)
        .await;
    on("POST", QUERY).respond_with(ok(ran())).mount(&server).await;
    let driven = Stage::new(&provider, &server, json!({ "migrations": migrations() })).provision().await;
    assert_eq!(driven.last.data["migrations"].as_array().map(Vec::len), Some(1));
    match driven.error() {
        ProviderError::Failed { description, usable, repeat } => {
            assert_eq!((usable, repeat), (Usability::Usable, Repeatability::Repeatable));
            for part in ["0002_b.sql (number 2 of 2)", "code 7500", "1 before it"] {
                assert!(description.contains(part), "{description}");
            }
            assert!(!description.contains("TABLE"), "{description}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_migration_in_doubt_is_looked_up_before_it_is_sent() {
    for (rows, sends) in [(json!([{ "name": "0002_b.sql" }]), 0), (json!([]), 1)] {
        let (server, provider) = empty().await;
        let asked = json!({ "params": ["0002_b.sql"] });
        on("POST", QUERY)
            .and(body_partial_json(asked))
            .respond_with(ok(json!([{ "success": true, "results": rows }])))
            .mount(&server)
            .await;
        on("POST", QUERY)
            .and(body_string_contains("TABLE b"))
            .respond_with(ok(ran()))
            .expect(sends)
            .mount(&server)
            .await;
        let checkpoint = Checkpoint::at(MIGRATE, known(&[("0001_a.sql", "CREATE TABLE a(x)")]));
        let stage = Stage::new(&provider, &server, json!({ "migrations": migrations() }));
        let done = stage.provision_from(checkpoint, Attempt::Again).await.done();
        assert_eq!(done.record.0["migrations"].as_array().map(Vec::len), Some(2));
    }
}

#[tokio::test]
async fn a_migration_whose_entry_is_there_already_counts_as_applied() {
    let (server, provider) = empty().await;
    let found = json!([{ "success": true, "results": [{ "name": "0001_a.sql" }] }]);
    on("POST", QUERY).and(body_string_contains("SELECT name")).respond_with(ok(found)).mount(&server).await;
    on("POST", QUERY)
        .and(body_string_contains("INSERT"))
        .respond_with(refusal(400, 7500))
        .expect(1)
        .mount(&server)
        .await;
    let stage = Stage::new(&provider, &server, json!({ "migrations": [migrations()[0]] }));
    stage.provision_from(Checkpoint::at(MIGRATE, known(&[])), Attempt::First).await.done();
}

#[tokio::test]
async fn an_overloaded_database_is_asked_again() {
    let (server, provider) = empty().await;
    let overloaded = json!({ "success": false, "errors": [{ "code": 7500, "message": format!("D1 DB is overloaded. {CANARY}") }] });
    let overloaded = wiremock::ResponseTemplate::new(400).set_body_json(overloaded);
    on("POST", QUERY).respond_with(overloaded).mount(&server).await;
    let stage = Stage::new(&provider, &server, json!({ "migrations": migrations() }));
    let error = stage.provision_from(Checkpoint::at(MIGRATE, known(&[])), Attempt::First).await.error();
    assert!(matches!(error, ProviderError::Unavailable { sent: Sent::Perhaps, .. }), "{error:?}");
}

#[tokio::test]
async fn an_update_replicates_and_applies_what_is_new() {
    let (server, provider) = empty().await;
    on("PATCH", DATABASE).respond_with(ok(database(&name()))).expect(1).mount(&server).await;
    on("POST", QUERY).respond_with(ok(ran())).expect(2).mount(&server).await;
    let stage = Stage::new(
        &provider,
        &server,
        json!({ "read_replication": "auto", "migrations": [migrations()[0]] }),
    )
    .with_record(known(&[("0001_a.sql", "CREATE TABLE a(x)")]));
    let driven = stage.update(json!({ "migrations": migrations() })).await;
    assert_eq!(driven.steps, [BEGIN, REPLICATE, LEDGER, MIGRATE]);
    driven.done();
    assert_eq!(
        bodies(&server, "PATCH", DATABASE).await,
        [json!({ "read_replication": { "mode": "disabled" } })]
    );
}

#[tokio::test]
async fn an_update_without_a_difference_calls_nobody() {
    let (server, provider) = empty().await;
    let wanted = json!({ "migrations": migrations() });
    let record = known(&[("0001_a.sql", "CREATE TABLE a(x)"), ("0002_b.sql", "CREATE TABLE b(x)")]);
    Stage::new(&provider, &server, wanted.clone()).with_record(record).update(wanted).await.done();
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn what_cannot_change_is_refused_by_name_before_any_call() {
    let (server, provider) = empty().await;
    let applied = json!({ "jurisdiction": "eu", "migrations": [migrations()[0]] });
    let stage =
        Stage::new(&provider, &server, applied).with_record(known(&[("0001_a.sql", "CREATE TABLE a(x)")]));
    let changed = json!([{ "name": "0001_a.sql", "sql": "CREATE TABLE other(x)" }]);
    for (wanted, field) in [
        (json!({ "jurisdiction": "us", "migrations": [migrations()[0]] }), "jurisdiction:"),
        (
            json!({ "jurisdiction": "eu", "primary_location_hint": "oc", "migrations": [migrations()[0]] }),
            "primary_location_hint:",
        ),
        (json!({ "jurisdiction": "eu", "migrations": changed }), "0001_a.sql was changed"),
        (json!({ "jurisdiction": "eu" }), "0001_a.sql was applied"),
    ] {
        match stage.update(wanted).await.error() {
            ProviderError::Refused { refusal: Refusal::Unsupported, description } => {
                assert!(description.contains(field), "{description}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn deleting_what_never_existed_calls_nobody() {
    let (server, provider) = with_database().await;
    Stage::new(&provider, &server, json!({})).deprovision().await.done();
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn a_database_is_deleted_only_if_it_is_there_and_ours() {
    for (read, deletes) in [(ok(database(&name())), 1), (ok(database("another")), 0), (refusal(404, 7404), 0)]
    {
        let (server, provider) = empty().await;
        on("GET", DATABASE).respond_with(read).mount(&server).await;
        on("DELETE", DATABASE).respond_with(ok(Value::Null)).expect(deletes).mount(&server).await;
        Stage::new(&provider, &server, json!({})).with_record(known(&[])).deprovision().await.done();
    }
}

#[tokio::test]
async fn deleting_what_is_gone_meanwhile_is_success_and_an_unclear_answer_is_not() {
    for (answer, is_done) in [
        (refusal(404, 7404), true),
        (refusal(404, 7003), false),
        (refusal(403, 10000), false),
        (html(404), false),
        (html(502), false),
    ] {
        let (server, provider) = empty().await;
        on("GET", DATABASE).respond_with(ok(database(&name()))).mount(&server).await;
        on("DELETE", DATABASE).respond_with(answer).mount(&server).await;
        let driven = Stage::new(&provider, &server, json!({})).with_record(known(&[])).deprovision().await;
        assert_eq!(driven.outcome.is_ok(), is_done);
    }
}

#[tokio::test]
async fn a_creation_in_doubt_is_looked_for_twice_and_deleted() {
    let server = MockServer::start().await;
    on("GET", DATABASES).respond_with(page(json!([]), 0)).up_to_n_times(1).mount(&server).await;
    on("GET", DATABASES).respond_with(page(json!([database(&name())]), 1)).mount(&server).await;
    on("DELETE", DATABASE).respond_with(ok(Value::Null)).expect(1).mount(&server).await;
    let provider = D1::new(&client(&server.uri()));
    let driven =
        Stage::new(&provider, &server, json!({})).deprovision_after(json!({ "database_name": name() })).await;
    assert_eq!(driven.steps, [BEGIN, LOOK_AGAIN, DELETE]);
    driven.done();
}

#[tokio::test]
async fn a_failed_creation_is_taken_up_where_it_stopped() {
    let (server, provider) = empty().await;
    on("GET", DATABASE).respond_with(ok(database(&name()))).mount(&server).await;
    on("POST", QUERY).respond_with(ok(ran())).expect(2).mount(&server).await;
    let begin = Checkpoint::at(BEGIN, known(&[("0001_a.sql", "CREATE TABLE a(x)")]));
    let driven = Stage::new(&provider, &server, json!({ "migrations": migrations() }))
        .provision_from(begin, Attempt::First)
        .await;
    assert_eq!(driven.steps, [BEGIN, LEDGER, MIGRATE]);
    driven.done();
}

#[tokio::test]
async fn a_look_tells_what_differs_what_is_gone_and_what_is_unknown() {
    let look = async |answer| {
        let (server, provider) = empty().await;
        on("GET", DATABASE).respond_with(answer).mount(&server).await;
        let stage =
            Stage::new(&provider, &server, json!({ "read_replication": "auto" })).with_record(known(&[]));
        provider.fetch(&stage.instance, &stage.marker).await
    };
    match look(ok(database("another"))).await.unwrap() {
        Observation::Found { attributes, drift } => {
            assert_eq!(attributes["database_id"], UUID);
            let fields: Vec<&str> = drift.iter().map(|drift| drift.field.as_str()).collect();
            assert_eq!(fields, ["database_name", "read_replication"]);
        }
        Observation::Gone => panic!("it is there"),
    }
    assert_eq!(look(refusal(404, 7404)).await, Ok(Observation::Gone));
    for unknown in
        [refusal(404, 7003), refusal(403, 10000), refusal(404, 1), html(404), html(502), refusal(429, 971)]
    {
        let error = look(unknown).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{error:?}");
        assert!(!error.to_string().contains(CANARY), "{error}");
    }
}

#[tokio::test]
async fn a_binding_is_the_database_and_calls_nobody() {
    let (server, provider) = empty().await;
    let created = Stage::new(&provider, &server, json!({})).with_record(known(&[])).bind().await.done();
    let credentials = created.body.credentials.unwrap();
    let expected = json!({ "account_id": ACCOUNT, "database_id": UUID, "database_name": name() });
    assert_eq!(Value::Object(credentials.expose().clone()), expected);
    Stage::new(&provider, &server, json!({})).with_record(known(&[])).unbind(None).await.done();
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn everything_with_a_mark_is_listed_from_all_pages_and_nothing_else() {
    let server = MockServer::start().await;
    let first = json!([database("by-hand"), database(&name())]);
    on("GET", DATABASES).and(query_param("page", "1")).respond_with(page(first, 3)).mount(&server).await;
    let unnamed = Marker::for_instance("another", &sutler_spec::InstanceId::new("i").unwrap()).name(None, 63);
    on("GET", DATABASES)
        .and(query_param("page", "2"))
        .respond_with(page(json!([database(&unnamed)]), 3))
        .mount(&server)
        .await;
    let provider = D1::new(&client(&server.uri()));
    let Listing::Objects { bearers, objects } = provider.marked().await.unwrap() else { panic!("no list") };
    assert_eq!(bearers, Bearers::Instances);
    let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, [name(), unnamed]);
    assert!(changes(&server).await.is_empty());
}

/// Its page has an address only once Cloudflare has given it an id; until then the list of databases is told, with the
/// digits that its name ends with.
#[tokio::test]
async fn b_prov_16_a_dashboard_is_told_before_the_database_is_there() {
    let (server, provider) = empty().await;
    on("POST", DATABASES).respond_with(ok(database(&name()))).mount(&server).await;
    let stage = Stage::new(&provider, &server, json!({}));
    let announced = provider.announced(&stage.instance, &stage.marker).dashboard_url.expect("a dashboard");
    let (list, digits) = announced.split_once('#').expect("the digits");
    assert_eq!(list, format!("https://dash.cloudflare.com/{ACCOUNT}/workers/d1"));
    assert!(name().ends_with(digits) && digits.len() == 24, "{announced}");
    let made = stage.provision().await.done();
    let page = format!("https://dash.cloudflare.com/{ACCOUNT}/workers/d1/databases/{UUID}");
    assert_eq!(made.dashboard_url, Some(page));
}
