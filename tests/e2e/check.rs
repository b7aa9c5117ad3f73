//! `check`: configuration, state and what the brokers say.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::shop::{apply, run, world};

#[tokio::test(flavor = "multi_thread")]
async fn check_passes_when_everything_agrees_and_fails_when_something_is_pending() {
    let world = world().await;
    run(&world, &["check"], 3).await;
    apply(&world).await;
    run(&world, &["check"], 0).await;
    let text = world.config().expect("readable").replace("ttl_hours: 720", "ttl_hours: 360");
    world.write_config(&text).expect("writable");
    let pending = run(&world, &["check"], 3).await;
    assert!(pending.stdout.contains("api-token"), "{}", pending.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_sees_what_somebody_deleted_at_the_vendor() {
    let world = world().await;
    apply(&world).await;
    let domain = json!({ "project_name": "shop-site", "domain_name": "www.shop.example" });
    world.fake().somebody("domains.delete", &domain, &json!(null)).await.expect("obeys");
    // a broker serves what the vendor said for two seconds more (`fetch_cache`)
    let patience = Instant::now() + Duration::from_secs(10);
    let drifted = loop {
        let checked = world.sutler(&["check"]).await.expect("sutler starts");
        if checked.code == Some(3) || Instant::now() > patience {
            break checked;
        }
    };
    assert_eq!(drifted.code, Some(3), "{}", drifted.everything());
    assert!(drifted.stdout.contains("www"), "{}", drifted.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down_is_unknown_and_not_missing() {
    let mut world = world().await;
    apply(&world).await;
    world.broker_mut("edge").kill().await.expect("killed");
    let failed = run(&world, &["check"], 1).await;
    assert!(failed.stderr.contains("edge"), "{}", failed.everything());
    assert!(!failed.stdout.contains("missing"), "{}", failed.everything());
}
