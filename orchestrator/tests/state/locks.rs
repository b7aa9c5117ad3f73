//! Who holds the lock, who is told, and what a run does that lost it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::broker::slow_down;
use crate::project::{INSTANCES, Project, finished};

/// The lock, once somebody holds it.
pub(crate) async fn lock(project: &Project) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let status = project.run(&["status", "--json"], 0).await.json();
        if !status["lock"].is_null() {
            return status["lock"].clone();
        }
        assert!(Instant::now() < deadline, "nobody took the lock");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn story(project: Project) {
    project.run(&["apply", "--yes"], 0).await;
    let free = project.run(&["state", "force-unlock", "4b3c8a52-9f0e-4c57-8d83-7b9b7c1d2e3f"], 1).await;
    assert!(free.stderr.contains("is not locked"), "{free:?}");
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    slow_down(&project.broker, Duration::from_secs(20)).await;
    let running = project.start(&["apply", "--yes"]);
    let held = lock(&project).await;
    let id = held["id"].as_str().unwrap();
    assert_eq!((&held["who"], &held["purpose"]), (&"ada".into(), &"apply".into()));
    // everyone else is told who it is, and how to get past a dead one
    for arguments in
        [&["apply", "--yes"][..], &["state", "rm", "spare", "--yes"], &["state", "mv", "db", "x", "--yes"]]
    {
        let refused = project.run(arguments, 5).await;
        assert!(refused.stderr.contains("ada on") && refused.stderr.contains("'apply'"), "{refused:?}");
        assert!(refused.stderr.contains(&format!("force-unlock {id}")), "{refused:?}");
    }
    let planned = project.run(&["plan"], 0).await;
    assert!(planned.stderr.contains("being changed at this moment by ada"), "{planned:?}");
    let wrong = project.run(&["state", "force-unlock", "4b3c8a52-9f0e-4c57-8d83-7b9b7c1d2e3f"], 5).await;
    assert!(wrong.stderr.contains(id) && wrong.stderr.contains("nothing was changed"), "{wrong:?}");
    project.run(&["state", "force-unlock", "nonsense"], 2).await;
    let taken = project.run(&["state", "force-unlock", id, "--json"], 0).await.json();
    assert_eq!(taken["lock"]["id"], held["id"]);
    // somebody else goes on at once; the run that lost its lock finds out, and writes nothing
    project.run(&["state", "rm", "spare", "--yes"], 0).await;
    let now = project.run(&["state", "export"], 0).await.json();
    let lost = finished(running).await;
    assert_eq!(lost.code, Some(6), "{lost:#?}");
    assert_eq!(project.run(&["state", "export"], 0).await.json(), now);
    project.run(&["state", "verify", "--full"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_18_a_lock_in_sqlite_is_taken_away_by_its_id_only() {
    story(Project::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_18_a_lock_in_postgresql_is_taken_away_by_its_id_only() {
    story(Project::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_18_a_lock_in_a_bucket_is_taken_away_by_its_id_only() {
    story(Project::bucket().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_19_the_lock_of_a_killed_run_needs_nobody() {
    let project = Project::sqlite().await;
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    slow_down(&project.broker, Duration::from_secs(60)).await;
    let mut running = project.start(&["apply", "--yes"]);
    lock(&project).await;
    running.kill().await.unwrap();
    project.broker.reset().await;
    project.run(&["state", "rm", "spare", "--yes"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_the_lock_as_long_as_it_is_told() {
    let project = Project::sqlite().await;
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    slow_down(&project.broker, Duration::from_secs(4)).await;
    let running = project.start(&["apply", "--yes"]);
    lock(&project).await;
    let waited = project.run(&["state", "rm", "spare", "--yes", "--lock-timeout", "90s"], 0).await;
    assert!(waited.stderr.contains("waiting for the lock of ada on"), "{waited:?}");
    assert_eq!(finished(running).await.code, Some(0));
    project.run(&["state", "rm", "web", "--yes", "--lock-timeout", "soon"], 2).await;
}
