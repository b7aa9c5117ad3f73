//! What can go wrong on cue.

use std::time::{Duration, Instant};

use serde_json::json;
use sutler_tests::cloudflare::{CannedAnswer, Fault, FaultAction, RateLimit};

use crate::vendor::{Vendor, send};

const CREATE: &str = "/accounts/*/d1/database";

fn create(vendor: &Vendor, name: &str) -> reqwest::RequestBuilder {
    vendor.request(reqwest::Method::POST, "/d1/database").json(&json!({"name": name}))
}

#[tokio::test]
async fn a_dropped_request_is_not_done() {
    let vendor = Vendor::start().await;
    vendor.control().add_fault(Fault::new("POST", CREATE, FaultAction::DropRequest).from_call(2));
    send(create(&vendor, "first")).await.result();
    assert!(create(&vendor, "second").send().await.is_err());
    assert_eq!(vendor.control().state().databases.len(), 1);
    let entry = vendor.control().ledger().pop().unwrap();
    assert_eq!((entry.status, entry.answered, entry.outcome.len()), (None, false, 0));
    assert_eq!(entry.faults, ["drop_request"]);
    send(create(&vendor, "second")).await.result();
}

#[tokio::test]
async fn a_dropped_response_is_done_all_the_same() {
    let vendor = Vendor::start().await;
    vendor.control().add_fault(Fault::new("POST", CREATE, FaultAction::DropResponse));
    assert!(create(&vendor, "shop").send().await.is_err());
    assert_eq!(vendor.control().state().databases.len(), 1);
    let entry = vendor.control().ledger().pop().unwrap();
    assert_eq!((entry.status, entry.answered, entry.outcome.len()), (Some(200), false, 1));
    assert_eq!(send(create(&vendor, "shop")).await.refusal(), (400, 7502));
}

#[tokio::test]
async fn a_delayed_call_is_carried_through_though_the_caller_has_gone() {
    let vendor = Vendor::start().await;
    let delay = FaultAction::Delay { milliseconds: 300, after_work: false };
    vendor.control().add_fault(Fault::new("POST", CREATE, delay));
    let impatient = create(&vendor, "shop").timeout(Duration::from_millis(50));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    assert!(vendor.control().state().databases.is_empty());
    let started = Instant::now();
    while vendor.control().state().databases.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_answer_is_given_as_it_was_written_down() {
    let vendor = Vendor::start().await;
    let control = vendor.control();
    control.add_fault(Fault::new("POST", CREATE, FaultAction::Answer(CannedAnswer::html(502))));
    let refused = send(create(&vendor, "shop")).await;
    assert_eq!(
        (refused.status, refused.headers["content-type"].to_str().unwrap()),
        (502, "text/html; charset=utf-8")
    );
    assert!(control.state().databases.is_empty());

    let odd = CannedAnswer::json(200, json!({"success": false, "errors": [], "result": null})).after_work();
    control.add_fault(Fault::new("POST", CREATE, FaultAction::Answer(odd)));
    let odd = send(create(&vendor, "shop")).await;
    assert_eq!((odd.status, &odd.body["success"]), (200, &json!(false)));
    assert_eq!(control.state().databases.len(), 1);
    assert!(control.ledger().iter().all(|entry| entry.contract_violations.is_empty()));
}

#[tokio::test]
async fn a_field_can_be_taken_out_of_an_answer() {
    let vendor = Vendor::start().await;
    let action = FaultAction::AlterAnswer { merge: json!({"result_info": null}), checked: false };
    vendor.control().add_fault(Fault::new("GET", CREATE, action));
    assert!(vendor.get("/d1/database").await.body.get("result_info").is_none());
    assert!(vendor.get("/d1/database").await.body.get("result_info").is_some());
}

#[tokio::test]
async fn too_many_calls_are_refused_for_a_while() {
    let limit = RateLimit { requests: 2, pause_milliseconds: 100 };
    let vendor = Vendor::with(|options| options.rate_limit = Some(limit)).await;
    for _ in 0..2 {
        vendor.get("/d1/database").await.result();
    }
    let refused = vendor.get("/d1/database").await;
    assert_eq!(refused.refusal(), (429, 971));
    assert_eq!(refused.headers["retry-after"], "1");
    let started = Instant::now();
    while vendor.get("/d1/database").await.status == 429 {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn cleared_faults_strike_nobody() {
    let vendor = Vendor::start().await;
    vendor.control().add_fault(Fault::new("*", "*", FaultAction::DropRequest).for_calls(u64::MAX));
    assert!(create(&vendor, "shop").send().await.is_err());
    vendor.control().clear_faults();
    send(create(&vendor, "shop")).await.result();
}
