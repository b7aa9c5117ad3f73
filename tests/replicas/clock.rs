//! Replicas whose clocks are wrong (F09): whatever is old, due or over is so by the clock of the database.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;

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

/// One replica accepts, and dies; the other one, by whose clock that was days ago or is to come, goes on.
async fn goes_on(first: &mut Replica, second: &mut Replica, name: &str) {
    first.up().await;
    let platform = Platform::new(vec![first.port]).await;
    let (service, plan) = platform.offer("sutler-probe", "slow");
    let body = json!({
        "service_id": service, "plan_id": plan, "organization_guid": "organization", "space_guid": "space",
    });
    let path = format!("/v2/service_instances/{name}");
    let asked =
        platform.everywhere(Method::PUT, &format!("{path}?accepts_incomplete=true"), Some(&body)).await;
    assert_eq!(asked[0].0, 202, "{asked:?}");
    first.down().await;
    second.up().await;
    let platform = Platform::new(vec![second.port]).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let last = loop {
        assert!(Instant::now() < deadline, "{name} does not end: {}", second.said());
        let polled = platform.everywhere(Method::GET, &format!("{path}/last_operation"), None).await;
        assert_eq!(polled[0].0, 200, "{polled:?}");
        if polled[0].1["state"] != "in progress" {
            break polled[0].1.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(last["state"], "succeeded", "{name}: {last}");
    second.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_i_14_an_operation_is_not_older_for_a_replica_whose_clock_is_wrong() {
    let (site, mut replicas) = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let library = wrong_clock(folder.path());
    for replica in &mut replicas {
        replica.down().await;
        replica.replace("slow: 300ms", "slow: 2s");
    }
    let [right, wrong, ..] = replicas.as_mut_slice() else { panic!("there are three") };
    // an operation fails after a day
    wrong.wrong_by(&library, -2 * DAY);
    goes_on(wrong, right, "accepted-by-a-slow-clock").await;
    wrong.wrong_by(&library, 2 * DAY);
    goes_on(right, wrong, "taken-over-by-a-fast-clock").await;
    // ... and is remembered for a week: a replica forgets what is old when it starts
    let remembered = "SELECT count(*) FROM operations";
    assert_eq!(site.count(remembered).await, 2);
    wrong.wrong_by(&library, 30 * DAY);
    wrong.up().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(wrong.said().contains("listening"), "{}", wrong.said());
    assert_eq!(site.count(remembered).await, 2, "they ended a moment ago");
}
