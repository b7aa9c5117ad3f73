//! The simpler products, as the brokers meet them: each object lives and dies, and each has its own rules.

use serde_json::{Value, json};

use crate::vendor::Vendor;

fn text(shown: &Value, name: &str) -> String {
    shown[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_namespace_has_a_title_of_its_own_and_takes_its_keys_along() {
    let vendor = Vendor::start().await;
    let made = vendor.post("/storage/kv/namespaces", json!({"title": "shop"})).await.result();
    let again = vendor.post("/storage/kv/namespaces", json!({"title": "shop"})).await;
    assert_eq!(again.refusal(), (400, 10014));
    let path = format!("/storage/kv/namespaces/{}", text(&made, "id"));
    assert_eq!(vendor.get(&path).await.result(), made);
    let parameters = [("namespace_id", made["id"].as_str().unwrap()), ("key_name", "a")];
    vendor.control().somebody("kv.write", &parameters, json!(null)).unwrap();
    let keys = vendor.get(&format!("{path}/keys?limit=10")).await;
    assert_eq!(keys.result(), json!([{"name": "a"}]));
    assert!(vendor.delete(&path).await.result().is_null());
    assert_eq!(vendor.get(&path).await.refusal(), (404, 10013));
    assert_eq!(vendor.delete(&path).await.refusal(), (404, 10013));
}

#[tokio::test]
async fn namespaces_are_listed_twenty_at_a_time_unless_told_otherwise() {
    let vendor = Vendor::start().await;
    for number in 0..21 {
        vendor.post("/storage/kv/namespaces", json!({"title": format!("n-{number}")})).await.result();
    }
    let first = vendor.get("/storage/kv/namespaces").await;
    assert_eq!(first.body["result_info"], json!({"page": 1, "per_page": 20, "count": 20, "total_count": 21}));
    let second = vendor.get("/storage/kv/namespaces?page=2").await.result();
    assert_eq!(second.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_queue_gets_its_settings_once_it_exists() {
    let vendor = Vendor::start().await;
    let made = vendor.post("/queues", json!({"queue_name": "orders"})).await.result();
    assert_eq!(vendor.post("/queues", json!({"queue_name": "orders"})).await.refusal(), (409, 11009));
    let path = format!("/queues/{}", text(&made, "queue_id"));
    let changed = vendor.patch(&path, json!({"settings": {"delivery_delay": 5}})).await.result();
    assert_eq!(
        (&changed["settings"]["delivery_delay"], &changed["settings"]["delivery_paused"]),
        (&json!(5), &json!(false))
    );
    let parameters = [("queue_id", made["queue_id"].as_str().unwrap())];
    vendor.control().somebody("queues.send", &parameters, json!(null)).unwrap();
    let consumer = json!({"script_name": "shop"});
    vendor.control().somebody("queues.consume", &parameters, consumer).unwrap();
    assert_eq!(vendor.get(&format!("{path}/metrics")).await.result()["backlog_count"], 1);
    assert_eq!(vendor.get(&path).await.result()["consumers_total_count"], 1);
    assert!(vendor.delete(&path).await.result().is_null());
    assert_eq!(vendor.get(&path).await.refusal(), (404, 11000));
}

#[tokio::test]
async fn two_widgets_can_have_one_name_and_the_list_shows_no_secret() {
    let vendor = Vendor::start().await;
    let widget = json!({"name": "shop", "domains": ["a.example"], "mode": "managed"});
    let first = vendor.post("/challenges/widgets", widget.clone()).await.result();
    let second = vendor.post("/challenges/widgets", widget).await.result();
    assert_ne!(first["sitekey"], second["sitekey"]);
    let listed = vendor.get("/challenges/widgets?filter=name:sho").await.result();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(listed[0].get("secret").is_none());
    let path = format!("/challenges/widgets/{}", text(&first, "sitekey"));
    assert_eq!(vendor.get(&path).await.result()["secret"], first["secret"]);
    let rotated =
        vendor.post(&format!("{path}/rotate_secret"), json!({"invalidate_immediately": true})).await;
    assert_ne!(rotated.result()["secret"], first["secret"]);
    vendor.delete(&path).await.result();
    assert_eq!(vendor.get(&path).await.refusal(), (404, 10404));
}

#[tokio::test]
async fn hyperdrive_tries_the_database_and_never_shows_its_password() {
    let vendor = Vendor::start().await;
    let configuration = |host: &str| {
        json!({"name": "shop", "origin": {
            "scheme": "postgres", "host": host, "port": 5432, "database": "d", "user": "u", "password": "c4n4ry",
        }})
    };
    let path = "/hyperdrive/configs";
    assert_eq!(vendor.post(path, configuration("unreachable.example.com")).await.refusal(), (400, 2011));
    let made = vendor.post(path, configuration("db.example.com")).await.result();
    assert!(!made.to_string().contains("c4n4ry"));
    assert_eq!(vendor.post(path, configuration("db.example.com")).await.refusal(), (409, 2017));
    let path = format!("{path}/{}", text(&made, "id"));
    assert_eq!(
        vendor.patch(&path, json!({"caching": {"disabled": true}})).await.result()["caching"],
        json!({"disabled": true})
    );
    assert!(vendor.delete(&path).await.result().is_null());
    assert_eq!(vendor.get(&path).await.refusal(), (404, 2006));
}

#[tokio::test]
async fn the_name_of_a_deleted_index_is_not_free_at_once() {
    let vendor = Vendor::start().await;
    let index = json!({"name": "books", "config": {"preset": "@cf/baai/bge-base-en-v1.5"}});
    let made = vendor.post("/vectorize/v2/indexes", index.clone()).await.result();
    assert_eq!(made["config"], json!({"dimensions": 768, "metric": "cosine"}));
    assert_eq!(vendor.post("/vectorize/v2/indexes", index.clone()).await.refusal(), (409, 3002));
    let path = "/vectorize/v2/indexes/books";
    let property = json!({"propertyName": "year", "indexType": "number"});
    vendor.post(&format!("{path}/metadata_index/create"), property.clone()).await.result();
    let again = vendor.post(&format!("{path}/metadata_index/create"), property.clone()).await;
    assert_eq!(again.refusal(), (400, 40005));
    let listed = vendor.get(&format!("{path}/metadata_index/list")).await.result();
    assert_eq!(listed["metadataIndexes"], json!([property]));
    vendor.control().somebody("vectorize.insert", &[("index_name", "books")], json!(null)).unwrap();
    assert_eq!(vendor.get(&format!("{path}/info")).await.result()["vectorCount"], 1);
    assert!(vendor.delete(path).await.result().is_null());
    assert_eq!(vendor.get(path).await.refusal(), (404, 3000));
    assert_eq!(vendor.post("/vectorize/v2/indexes", index).await.refusal(), (410, 3005));
}
