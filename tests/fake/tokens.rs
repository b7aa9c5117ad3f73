//! Account tokens as the brokers meet them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::vendor::{ACCOUNT, Answer, D1_WRITE, Vendor, send};

fn wanted(name: &str) -> Value {
    json!({"name": name, "policies": [{
        "effect": "allow",
        "resources": {format!("com.cloudflare.api.account.{ACCOUNT}"): "*"},
        "permission_groups": [{"id": D1_WRITE}],
    }]})
}

async fn verify(vendor: &Vendor, value: &str) -> Answer {
    let path = format!("/client/v4/accounts/{ACCOUNT}/tokens/verify");
    send(vendor.bare(Method::GET, &path).bearer_auth(value)).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_value_is_shown_by_the_call_that_made_it_and_by_no_other() {
    let vendor = Vendor::start().await;
    let created = vendor.post("/tokens", wanted("shop")).await.result();
    let value = text(&created["value"]);
    let id = text(&created["id"]);
    for answer in [vendor.get("/tokens").await, vendor.get(&format!("/tokens/{id}")).await] {
        assert!(!answer.body.to_string().contains(&value));
    }
    assert_eq!(vendor.control().state().tokens[0].value, value);
    assert_eq!(verify(&vendor, &value).await.result(), json!({"id": id, "status": "active"}));
}

#[tokio::test]
async fn rolling_kills_the_old_value() {
    let vendor = Vendor::start().await;
    let created = vendor.post("/tokens", wanted("shop")).await.result();
    let old = text(&created["value"]);
    let new = vendor.put(&format!("/tokens/{}/value", text(&created["id"])), json!({})).await.result();
    assert_ne!(new, json!(old));
    assert_eq!(verify(&vendor, &old).await.refusal(), (401, 9109));
    assert_eq!(verify(&vendor, new.as_str().unwrap()).await.result()["id"], created["id"]);
}

#[tokio::test]
async fn a_deleted_token_is_refused() {
    let vendor = Vendor::start().await;
    let created = vendor.post("/tokens", wanted("shop")).await.result();
    let path = format!("/tokens/{}", text(&created["id"]));
    assert_eq!(vendor.delete(&path).await.result(), json!({"id": created["id"]}));
    assert_eq!(verify(&vendor, &text(&created["value"])).await.refusal(), (401, 9109));
    assert_eq!(vendor.get(&path).await.refusal(), (404, 1003));
    assert_eq!(vendor.delete(&path).await.refusal(), (404, 1003));
}

#[tokio::test]
async fn two_tokens_may_have_one_name_and_the_twenty_first_is_on_the_second_page() {
    let vendor = Vendor::start().await;
    for _ in 0..21 {
        vendor.post("/tokens", wanted("shop")).await.result();
    }
    let first = vendor.get("/tokens").await;
    assert_eq!(first.body["result_info"]["per_page"], 20);
    assert_eq!(first.body["result_info"]["total_count"], 21);
    assert_eq!(vendor.get("/tokens?page=2").await.result().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_may_do_what_its_policies_say() {
    let vendor = Vendor::start().await;
    let value = text(&vendor.post("/tokens", wanted("shop")).await.result()["value"]);
    let call = |path: &str| {
        let path = format!("/client/v4/accounts/{ACCOUNT}{path}");
        send(vendor.bare(Method::GET, &path).bearer_auth(&value))
    };
    assert_eq!(call("/d1/database").await.result(), json!([]));
    assert_eq!(call("/pages/projects").await.refusal().0, 403);
}

#[tokio::test]
async fn an_update_replaces_everything_and_a_disabled_token_says_so() {
    let vendor = Vendor::start().await;
    let mut body = wanted("shop");
    body["expires_on"] = json!("2999-01-01T00:00:00Z");
    body["condition"] = json!({"request_ip": {"in": ["127.0.0.0/8"]}});
    let created = vendor.post("/tokens", body).await.result();
    assert_eq!(created["condition"]["request_ip"]["in"][0], "127.0.0.0/8");
    let path = format!("/tokens/{}", text(&created["id"]));
    let mut body = wanted("other");
    body["status"] = json!("disabled");
    let changed = vendor.put(&path, body).await.result();
    assert_eq!(changed["name"], "other");
    assert!(changed.get("condition").is_none() && changed.get("expires_on").is_none());
    assert_eq!(verify(&vendor, &text(&created["value"])).await.result()["status"], "disabled");
}

#[tokio::test]
async fn wrong_wishes_are_refused_with_the_codes_of_the_product() {
    let vendor = Vendor::start().await;
    let changed = |change: fn(&mut Value)| {
        let mut body = wanted("shop");
        change(&mut body);
        vendor.post("/tokens", body)
    };
    let unknown_group = changed(|body| body["policies"][0]["permission_groups"][0]["id"] = json!("nobody"));
    assert_eq!(unknown_group.await.refusal(), (400, 1001));
    assert_eq!(changed(|body| body["name"] = json!("")).await.refusal(), (400, 400));
    assert_eq!(changed(|body| body["policies"] = json!([])).await.refusal(), (400, 400));
    let fractions = changed(|body| body["expires_on"] = json!("2999-01-01T00:00:00.123Z"));
    assert_eq!(fractions.await.refusal(), (400, 400));
    let elsewhere =
        changed(|body| body["policies"][0]["resources"] = json!({"com.cloudflare.api.d1.x": "*"}));
    assert_eq!(elsewhere.await.refusal(), (400, 400));
    assert!(vendor.control().state().tokens.is_empty());
}

#[tokio::test]
async fn permission_groups_are_found_by_name_and_scope() {
    let vendor = Vendor::start().await;
    let found = vendor.get("/tokens/permission_groups?name=D1%20Write").await.result();
    let expected = json!([{"id": D1_WRITE, "name": "D1 Write", "scopes": ["com.cloudflare.api.account"]}]);
    assert_eq!(found, expected);
    let scoped = vendor.get("/tokens/permission_groups?scope=com.cloudflare.edge.r2.bucket").await.result();
    assert_eq!(scoped.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_gets_in_without_a_known_token() {
    let vendor = Vendor::start().await;
    let path = format!("/client/v4/accounts/{ACCOUNT}/d1/database");
    assert_eq!(send(vendor.bare(Method::GET, &path)).await.refusal(), (400, 9106));
    let basic = send(vendor.bare(Method::GET, &path).basic_auth("a", Some("b"))).await;
    assert_eq!(basic.refusal(), (400, 6003));
    assert_eq!(basic.body["errors"][0]["error_chain"][0]["code"], 6111);
    assert_eq!(send(vendor.bare(Method::GET, &path).bearer_auth("guess")).await.refusal(), (401, 10000));
    let other = "/client/v4/accounts/ffffffffffffffffffffffffffffffff/d1/database";
    let master = crate::vendor::MASTER;
    assert_eq!(send(vendor.bare(Method::GET, other).bearer_auth(master)).await.refusal(), (404, 7003));
}
