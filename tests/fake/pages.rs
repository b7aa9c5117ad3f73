//! Pages projects and domains as the brokers meet them.

use std::time::{Duration, Instant};

use serde_json::json;
use sutler_tests::cloudflare::{Ending, Outcome, ValidationMethod};

use crate::vendor::{Vendor, send};

const DOMAINS: &str = "/pages/projects/site/domains";
const DOMAIN: &str = "/pages/projects/site/domains/www.example.com";

async fn with_project() -> Vendor {
    Vendor::with(|options| options.projects = vec!["site".to_owned()]).await
}

async fn status(vendor: &Vendor) -> String {
    vendor.get(DOMAIN).await.result()["status"].as_str().unwrap().to_owned()
}

async fn add(vendor: &Vendor) {
    let added = vendor.post(DOMAINS, json!({"name": "www.example.com"})).await.result();
    assert_eq!(added["status"], "initializing");
}

async fn retry(vendor: &Vendor) -> String {
    let answer = send(vendor.request(reqwest::Method::PATCH, DOMAIN)).await.result();
    answer["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_domain_becomes_active_step_by_step() {
    let vendor = with_project().await;
    add(&vendor).await;
    assert_eq!(vendor.get(DOMAINS).await.result()[0]["status"], "initializing");
    assert_eq!(status(&vendor).await, "pending");
    let active = vendor.get(DOMAIN).await.result();
    assert_eq!(active["status"], "active");
    assert_eq!(active["validation_data"], json!({"status": "active", "method": "http"}));
    assert_eq!(active["verification_data"], json!({"status": "active"}));
}

#[tokio::test]
async fn a_domain_takes_its_time() {
    let delay = Duration::from_millis(200);
    let vendor = Vendor::with(|options| {
        options.projects = vec!["site".to_owned()];
        options.pages_delay = delay;
        options.pages_reads = 0;
    })
    .await;
    let started = Instant::now();
    add(&vendor).await;
    let mut seen = vec![status(&vendor).await];
    while seen.last().unwrap() != "active" {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = status(&vendor).await;
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    assert!(started.elapsed() >= delay);
    let mut steps = ["initializing", "pending", "active"].iter();
    assert!(seen.iter().all(|status| steps.any(|step| step == status)), "{seen:?}");
}

#[tokio::test]
async fn a_validation_ends_as_it_was_told_to() {
    let endings = [
        (Ending::Blocked, "blocked"),
        (Ending::Error, "error"),
        (Ending::Deactivated, "deactivated"),
        (Ending::Stuck, "pending"),
        (Ending::Other("frobnicating".to_owned()), "frobnicating"),
    ];
    for (ending, expected) in endings {
        let vendor = with_project().await;
        vendor.control().end_validation("www.example.com", Outcome::new(ending));
        add(&vendor).await;
        status(&vendor).await;
        assert_eq!(status(&vendor).await, expected);
        assert_eq!(vendor.get(DOMAINS).await.result()[0]["status"], expected);
        retry(&vendor).await;
        status(&vendor).await;
        assert_eq!(status(&vendor).await, expected);
    }
}

#[tokio::test]
async fn a_retry_recovers_when_the_cause_is_gone() {
    let vendor = with_project().await;
    let outcome = Outcome {
        error_message: Some("CAA records forbid it".to_owned()),
        method: ValidationMethod::Txt,
        ..Outcome::new(Ending::Error).recovering()
    };
    vendor.control().end_validation("www.example.com", outcome);
    add(&vendor).await;
    status(&vendor).await;
    let failed = vendor.get(DOMAIN).await.result();
    assert_eq!(failed["validation_data"]["error_message"], "CAA records forbid it");
    assert_eq!(failed["validation_data"]["txt_name"], "_acme-challenge.www.example.com");
    assert_eq!(retry(&vendor).await, "initializing");
    assert_eq!(status(&vendor).await, "pending");
    assert_eq!(status(&vendor).await, "active");
}

#[tokio::test]
async fn an_active_domain_can_be_lost() {
    let vendor = with_project().await;
    add(&vendor).await;
    status(&vendor).await;
    assert_eq!(status(&vendor).await, "active");
    assert_eq!(retry(&vendor).await, "active");
    vendor.control().end_validation("www.example.com", Outcome::new(Ending::Deactivated));
    assert_eq!(status(&vendor).await, "deactivated");
}

#[tokio::test]
async fn a_domain_belongs_to_one_project() {
    let vendor = with_project().await;
    vendor.control().declare_project("second").unwrap();
    add(&vendor).await;
    for path in [DOMAINS, "/pages/projects/second/domains"] {
        assert_eq!(vendor.post(path, json!({"name": "WWW.example.com"})).await.refusal(), (409, 8_000_018));
    }
    assert!(vendor.delete(DOMAIN).await.result().is_null());
    assert_eq!(vendor.get(DOMAIN).await.refusal(), (404, 8_000_021));
    assert_eq!(vendor.delete(DOMAIN).await.refusal(), (404, 8_000_021));
    assert_eq!(vendor.get("/pages/projects/nowhere/domains").await.refusal(), (404, 8_000_007));
}

#[tokio::test]
async fn a_project_lives_and_dies() {
    let vendor = Vendor::start().await;
    let wanted = json!({"name": "site", "production_branch": "main"});
    let created = vendor.post("/pages/projects", wanted.clone()).await.result();
    assert_eq!(created["subdomain"], "site.pages.dev");
    assert_eq!(vendor.post("/pages/projects", wanted).await.refusal(), (409, 8_000_002));
    add(&vendor).await;
    let shown = vendor.get("/pages/projects/site").await.result();
    assert_eq!(shown["domains"], json!(["site.pages.dev", "www.example.com"]));
    assert_eq!(vendor.get("/pages/projects").await.body["result_info"]["total_pages"], 1);
    vendor.delete("/pages/projects/site").await.result();
    assert_eq!(vendor.get("/pages/projects/site").await.refusal(), (404, 8_000_007));
    assert_eq!(vendor.control().ledger().iter().rev().nth(1).unwrap().outcome.len(), 2);
}
