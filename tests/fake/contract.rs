//! The contract finds what is wrong on either side.

use reqwest::Method;
use serde_json::json;
use sutler_tests::cloudflare::{Contract, Enforcement, Fault, FaultAction, Table};

use crate::vendor::{MASTER, Vendor, send};

fn violations(vendor: &Vendor) -> Vec<String> {
    vendor.control().ledger().pop().unwrap().contract_violations
}

#[tokio::test]
async fn a_bad_request_is_found_and_not_done() {
    let vendor = Vendor::start().await;
    let refused = vendor.post("/d1/database", json!({"name": "shop", "primary_location_hint": "mars"})).await;
    assert_eq!(refused.status, 500);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("request of d1.create: /primary_location_hint"), "{message}");
    assert_eq!(violations(&vendor).len(), 1);
    assert!(vendor.control().state().databases.is_empty());
}

#[tokio::test]
async fn a_field_nobody_knows_is_found_and_its_value_is_not_repeated() {
    let vendor = Vendor::with(|options| options.scripts = vec!["shop".to_owned()]).await;
    let secret = json!({"name": "A", "text": 7_654_321, "type": "secret_text", "extra": "canary"});
    let refused = vendor.put("/workers/scripts/shop/secrets", secret).await;
    assert_eq!(refused.status, 500);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(!message.contains("canary") && !message.contains("7654321"), "{message}");
    assert_eq!(violations(&vendor).len(), 2, "{message}");
}

#[tokio::test]
async fn a_bad_answer_is_found() {
    let vendor = Vendor::start().await;
    let action =
        FaultAction::AlterAnswer { merge: json!({"result": {"uuid": 7, "name": null}}), checked: true };
    vendor.control().add_fault(Fault::new("POST", "*", action));
    let refused = vendor.post("/d1/database", json!({"name": "shop"})).await;
    assert_eq!(refused.status, 500);
    let found = violations(&vendor);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("answer of d1.create with status 200"), "{found:?}");
}

#[tokio::test]
async fn queries_bodies_and_their_absence_are_judged() {
    let vendor = Vendor::start().await;
    for path in ["/d1/database?colour=red", "/d1/database?per_page=5", "/d1/database?page=two", "/tags"] {
        assert_eq!(vendor.get(path).await.status, 500, "{path}");
    }
    assert_eq!(send(vendor.request(Method::POST, "/d1/database")).await.status, 500);
    assert_eq!(send(vendor.request(Method::GET, "/d1/database").json(&json!({}))).await.status, 500);
    let text = vendor.request(Method::POST, "/d1/database").header("content-type", "text/plain");
    assert_eq!(send(text.body(r#"{"name":"shop"}"#)).await.status, 500);
    assert_eq!(send(vendor.request(Method::POST, "/d1/database").body("{")).await.status, 500);
    assert!(vendor.control().ledger().iter().all(|entry| !entry.contract_violations.is_empty()));
    assert!(vendor.control().state().databases.is_empty());
}

#[tokio::test]
async fn what_is_not_in_the_contract_has_no_route() {
    let vendor = Vendor::start().await;
    assert_eq!(vendor.get("/images/v1").await.refusal(), (404, 7000));
    assert!(violations(&vendor)[0].starts_with("outside_the_contract: GET"));
    let elsewhere = send(vendor.bare(Method::GET, "/favicon.ico").bearer_auth(MASTER)).await;
    assert_eq!(elsewhere.refusal(), (404, 7000));
}

#[tokio::test]
async fn s_62_a_call_that_no_provider_says_it_makes_fails_the_run() {
    let vendor = Vendor::with(|options| options.table = Table::of_cloudflare()).await;
    assert_eq!(vendor.get("/d1/database").await.status, 200);
    // the contract knows it, and a fake without a table does it
    let secret = json!({ "name": "A", "text": "x", "type": "secret_text" });
    let refused = vendor.put("/workers/scripts/shop/secrets", secret.clone()).await;
    assert_eq!(refused.status, 500, "{refused:?}");
    assert!(violations(&vendor)[0].starts_with("outside_the_table"), "{:?}", violations(&vendor));
    let anything = Vendor::with(|options| options.scripts = vec!["shop".to_owned()]).await;
    assert_eq!(anything.put("/workers/scripts/shop/secrets", secret).await.status, 200);
}

#[tokio::test]
async fn s_62_every_call_of_every_table_is_one_that_the_contract_knows() {
    let vendor = Vendor::start().await;
    let calls = sutler_broker_server::providers::cloudflare::calls();
    assert!(calls.len() > 15, "{calls:?}");
    for call in calls {
        let path: Vec<&str> = call
            .template
            .split('/')
            .map(|part| match part {
                "{account}" => crate::vendor::ACCOUNT,
                varying if varying.starts_with('{') => "0123456789abcdef0123456789abcdef",
                constant => constant,
            })
            .collect();
        let path = format!("/client/v4{}", path.join("/"));
        send(vendor.bare(call.method.clone(), &path).bearer_auth(MASTER)).await;
        let outside = violations(&vendor).iter().any(|found| found.starts_with("outside_the_contract"));
        assert!(!outside, "{} {}", call.method, call.template);
    }
    for call in sutler_broker_server::providers::cloudflare::s3_calls() {
        let path = format!("/s3/{}/eu{}", crate::vendor::ACCOUNT, call.template.replace("{bucket}", "files"));
        send(vendor.bare(call.method.clone(), &path)).await;
        assert!(violations(&vendor).is_empty(), "{} {}", call.method, call.template);
    }
}

#[tokio::test]
async fn a_violation_that_is_only_recorded_is_answered_as_the_vendor_would() {
    let vendor = Vendor::with(|options| options.enforcement = Enforcement::Recorded).await;
    let hint = json!({"name": "shop", "primary_location_hint": "mars"});
    assert_eq!(vendor.post("/d1/database", hint).await.refusal(), (400, 7400));
    assert_eq!(violations(&vendor).len(), 1);
    assert_eq!(vendor.get("/d1/database?per_page=5").await.refusal(), (400, 7400));
    let account = crate::vendor::ACCOUNT;
    let ignored = json!({"name": "t", "condition": {"request.ip": {"in": ["192.0.2.0/24"]}}, "policies": [{
        "effect": "allow", "resources": {format!("com.cloudflare.api.account.{account}"): "*"},
        "permission_groups": [{"id": crate::vendor::D1_WRITE}],
    }]});
    assert!(vendor.post("/tokens", ignored).await.result().get("condition").is_none());
}

#[test]
fn a_broken_contract_is_refused() {
    assert!(Contract::parse("{}").is_err());
    let wrong = json!({"base": "/x", "definitions": {"refusal": {}}, "operations": [{
        "id": "a", "method": "GET", "path": "/a", "answer": {"type": "nonsense"},
    }]});
    assert!(Contract::parse(&wrong.to_string()).is_err());
    assert!(Contract::cloudflare().is_ok());
}
