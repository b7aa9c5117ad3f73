//! Resource tags as the brokers meet them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::vendor::{Vendor, send};

fn tags(uuid: &str, value: &str) -> Value {
    json!({"resource_type": "d1_database", "resource_id": uuid, "tags": {"osb-instance": value}})
}

#[tokio::test]
async fn tags_are_put_read_and_removed() {
    let vendor = Vendor::start().await;
    let uuid = vendor.database("shop").await;
    let path = format!("/tags?resource_type=d1_database&resource_id={uuid}");
    assert_eq!(vendor.get(&path).await.refusal(), (500, 10013));
    let put = vendor.put("/tags", tags(&uuid, "one")).await.result();
    assert_eq!(vendor.get(&path).await.result(), put);
    assert_eq!(put["tags"], json!({"osb-instance": "one"}));

    let stale = vendor.request(Method::PUT, "/tags").header("if-match", "stale").json(&tags(&uuid, "two"));
    assert_eq!(send(stale).await.status, 412);
    let etag = put["etag"].as_str().unwrap();
    let fresh = vendor.request(Method::PUT, "/tags").header("if-match", etag).json(&tags(&uuid, "two"));
    assert_eq!(send(fresh).await.result()["tags"]["osb-instance"], "two");

    let whose = json!({"resource_type": "d1_database", "resource_id": uuid});
    assert_eq!(send(vendor.request(Method::DELETE, "/tags").json(&whose)).await.status, 204);
    assert!(vendor.control().state().tags.is_empty());
}

#[tokio::test]
async fn the_tags_of_a_database_go_with_it() {
    let vendor = Vendor::start().await;
    assert_eq!(vendor.put("/tags", tags("nobody", "one")).await.refusal(), (404, 7003));
    let uuid = vendor.database("shop").await;
    vendor.put("/tags", tags(&uuid, "one")).await.result();
    vendor.delete(&format!("/d1/database/{uuid}")).await.result();
    assert!(vendor.control().state().tags.is_empty());
}
