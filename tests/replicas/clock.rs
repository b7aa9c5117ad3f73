//! Replicas whose clocks are wrong (F09): whatever is old, due or over is so by the clock of the database.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    platform::Platform,
    site::{Replica, Site},
};

const DAY: i64 = 24 * 60 * 60;

/// Builds what makes a clock wrong.
fn wrong_clock(folder: &Path) -> PathBuf {
    let library = folder.join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("replicas/clock.c");
    let built = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .expect("this test needs a C compiler named cc; install gcc");
    assert!(built.success());
    library
}

/// Asks for an instance that takes a while. Its path.
async fn accept(platform: &Platform, name: &str) -> String {
    let (service, plan) = platform.offer("sutler-probe", "slow");
    let body = json!({
        "service_id": service, "plan_id": plan, "organization_guid": "organization", "space_guid": "space",
    });
    let path = format!("/v2/service_instances/{name}");
    let asked = format!("{path}?accepts_incomplete=true");
    let answers = platform.everywhere(Method::PUT, &asked, Some(&body)).await;
    assert_eq!(answers[0].0, 202, "{answers:?}");
    path
}

/// How it ended.
async fn ended(platform: &Platform, path: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let polled = platform.everywhere(Method::GET, &format!("{path}/last_operation"), None).await;
        assert_eq!(polled[0].0, 200, "{polled:?}");
        if polled[0].1["state"] != "in progress" {
            return polled[0].1.clone();
        }
        assert!(Instant::now() < deadline, "{path} does not end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// One replica accepts, and dies; the other one, by whose clock that was days ago or is to come, goes on.
async fn goes_on(first: &mut Replica, second: &mut Replica, name: &str) {
    first.up().await;
    let path = accept(&Platform::new(vec![first.port]).await, name).await;
    first.down().await;
    second.up().await;
    let last = ended(&Platform::new(vec![second.port]).await, &path).await;
    assert_eq!(last["state"], "succeeded", "{name}: {last}: {}", second.said());
    second.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_i_14_an_operation_is_not_older_for_a_replica_whose_clock_is_wrong() {
    let (site, mut replicas) = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (library, file) = (wrong_clock(folder.path()), folder.path().join("seconds"));
    for replica in &mut replicas {
        replica.down().await;
        replica.replace("slow: 300ms", "slow: 2s");
    }
    let [right, wrong, ..] = replicas.as_mut_slice() else { panic!("there are three") };
    wrong.wrong_by(&library, &file);
    let set = |seconds: i64| std::fs::write(&file, seconds.to_string()).unwrap();
    // an operation fails after a day
    set(-2 * DAY);
    goes_on(wrong, right, "accepted-by-a-slow-clock").await;
    set(2 * DAY);
    goes_on(right, wrong, "taken-over-by-a-fast-clock").await;
    // ... and is remembered for a week: a replica forgets what is old when it starts
    let remembered = "SELECT count(*) FROM operations";
    assert_eq!(site.count(remembered).await, 2);
    set(30 * DAY);
    wrong.up().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(site.count(remembered).await, 2, "they ended a moment ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_a_clock_that_jumps_under_a_broker_with_sqlite_makes_nothing_older() {
    let (_site, mut replicas) = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (library, file) = (wrong_clock(folder.path()), folder.path().join("seconds"));
    let broker = &mut replicas[0];
    broker.down().await;
    broker.replace("slow: 300ms", "slow: 2s");
    broker.on_sqlite();
    broker.wrong_by(&library, &file);
    broker.up().await;
    let platform = Platform::new(vec![broker.port]).await;
    for (number, jump) in [2 * DAY, -2 * DAY].into_iter().enumerate() {
        let path = accept(&platform, &format!("under-a-jump-{number}")).await;
        std::fs::write(&file, jump.to_string()).unwrap();
        let last = ended(&platform, &path).await;
        assert_eq!(last["state"], "succeeded", "{jump}: {last}");
    }
    assert!(!broker.said().contains("lapsed"), "no lease ended early: {}", broker.said());
}
