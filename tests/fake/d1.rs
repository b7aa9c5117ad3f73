//! D1 as the brokers meet it.

use serde_json::json;

use crate::vendor::Vendor;

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, \
     name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)";

#[tokio::test]
async fn a_database_lives_and_dies() {
    let vendor = Vendor::start().await;
    let wanted =
        json!({"name": "shop", "primary_location_hint": "weur", "read_replication": {"mode": "auto"}});
    let created = vendor.post("/d1/database", wanted).await.result();
    let path = format!("/d1/database/{}", created["uuid"].as_str().unwrap());
    assert_eq!(created["version"], "production");
    assert_eq!(created["num_tables"], 0);

    let shown = vendor.get(&path).await.result();
    assert_eq!(shown, created);
    assert!(shown.get("primary_location_hint").is_none());
    assert_eq!(vendor.control().state().databases[0].primary_location_hint.as_deref(), Some("weur"));

    let changed = vendor.patch(&path, json!({"read_replication": {"mode": "disabled"}})).await.result();
    assert_eq!(changed["read_replication"]["mode"], "disabled");
    let changed = vendor.put(&path, json!({"read_replication": {"mode": "auto"}})).await.result();
    assert_eq!(changed["read_replication"]["mode"], "auto");

    assert!(vendor.delete(&path).await.result().is_null());
    assert_eq!(vendor.get(&path).await.refusal(), (404, 7404));
    assert_eq!(vendor.delete(&path).await.refusal(), (404, 7404));
    assert!(vendor.control().state().databases.is_empty());
}

#[tokio::test]
async fn a_name_belongs_to_one_database() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    assert_eq!(vendor.post("/d1/database", json!({"name": "shop"})).await.refusal(), (400, 7502));
    vendor.delete(&format!("/d1/database/{uuid}")).await.result();
    assert_ne!(vendor.database("shop").await, uuid);
}

#[tokio::test]
async fn an_empty_name_is_a_bad_property() {
    let vendor = Vendor::start().await;
    assert_eq!(vendor.post("/d1/database", json!({"name": ""})).await.refusal(), (400, 7400));
}

#[tokio::test]
async fn the_jurisdiction_is_shown_and_the_hint_is_not() {
    let vendor = Vendor::start().await;
    vendor.post("/d1/database", json!({"name": "shop", "jurisdiction": "eu"})).await.result();
    let listed = vendor.get("/d1/database").await.result();
    assert_eq!(listed[0]["jurisdiction"], "eu");
    assert!(listed[0].get("file_size").is_none());
}

#[tokio::test]
async fn a_name_in_the_query_is_a_search() {
    let vendor = Vendor::start().await;
    for name in ["shop", "shop-two", "other"] {
        vendor.database(name).await;
    }
    let found = vendor.get("/d1/database?name=shop").await.result();
    assert_eq!(found.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_second_page_holds_what_the_first_does_not() {
    let vendor = Vendor::start().await;
    for number in 0..13 {
        vendor.database(&format!("database-{number}")).await;
    }
    let first = vendor.get("/d1/database?per_page=10").await;
    assert_eq!(first.body["result_info"], json!({"page": 1, "per_page": 10, "count": 10, "total_count": 13}));
    let second = vendor.get("/d1/database?per_page=10&page=2").await;
    assert_eq!(second.body["result_info"]["count"], 3);
    assert_eq!(second.result()[0]["name"], "database-10");
    assert_eq!(vendor.get("/d1/database?per_page=10&page=3").await.result(), json!([]));
    assert_eq!(vendor.get("/d1/database").await.result().as_array().unwrap().len(), 13);
}

#[tokio::test]
async fn a_migration_with_its_ledger_row_runs_exactly_once() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    vendor.query(&uuid, LEDGER).await.result();
    let migration = "INSERT INTO d1_migrations(name) VALUES('0001_a.sql'); \
         CREATE TABLE IF NOT EXISTS orders(n INTEGER); INSERT INTO orders VALUES(1)";
    vendor.query(&uuid, migration).await.result();
    let replayed = vendor.query(&uuid, migration).await;
    assert_eq!(replayed.refusal(), (400, 7500));
    assert!(replayed.body["errors"][0]["message"].as_str().unwrap().contains("UNIQUE constraint failed"));

    let tables = &vendor.control().state().databases[0].tables;
    assert_eq!(tables["orders"], [json!({"n": 1})]);
    assert_eq!(tables["d1_migrations"].len(), 1);
    assert_eq!(vendor.get(&format!("/d1/database/{uuid}")).await.result()["num_tables"], 2);
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_behind() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    vendor.query(&uuid, LEDGER).await.result();
    let broken = "INSERT INTO d1_migrations(name) VALUES('0001_a.sql'); CREATE TABLE a(x); CREATE TABLE a(x)";
    assert_eq!(vendor.query(&uuid, broken).await.refusal(), (400, 7500));
    let tables = &vendor.control().state().databases[0].tables;
    assert!(!tables.contains_key("a"));
    assert!(tables["d1_migrations"].is_empty());
}

#[tokio::test]
async fn a_batch_is_not_atomic() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    let batch = json!({"batch": [{"sql": "CREATE TABLE a(x)"}, {"sql": "INSERT INTO nowhere VALUES(1)"}]});
    assert_eq!(vendor.post(&format!("/d1/database/{uuid}/query"), batch).await.refusal(), (400, 7500));
    assert!(vendor.control().state().databases[0].tables.contains_key("a"));
}

#[tokio::test]
async fn a_query_with_values_answers_rows_as_objects() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    let query = json!({"sql": "SELECT ?1 AS a, 2 AS b, NULL AS c", "params": ["x"]});
    let result = vendor.post(&format!("/d1/database/{uuid}/query"), query).await.result();
    assert_eq!(result[0]["results"], json!([{"a": "x", "b": 2, "c": null}]));
    assert_eq!(result[0]["meta"]["changed_db"], false);
}

#[tokio::test]
async fn a_new_database_is_listed_when_the_list_has_caught_up() {
    let vendor =
        Vendor::with(|options| options.eventual_listing = std::time::Duration::from_secs(3600)).await;
    vendor.database("shop").await;
    assert_eq!(vendor.get("/d1/database").await.result(), json!([]));
    assert_eq!(vendor.post("/d1/database", json!({"name": "shop"})).await.refusal(), (400, 7502));
    let settings = json!({"eventual_listing_milliseconds": 0});
    vendor.control().change(&serde_json::from_value(settings).unwrap());
    assert_eq!(vendor.get("/d1/database").await.result().as_array().unwrap().len(), 1);
}
