//! While a state is being moved nobody else changes it, and whoever lost the right to move it changes nothing.

use std::time::{Duration, Instant};

use super::judge::{Side, judge};
use super::places::{Kind, Places, look};
use crate::locks::lock;
use crate::project::{INSTANCES, Project, finished};
use crate::together::signal;

/// Waits until a run has told that it reached a point.
async fn reached(project: &Project, point: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let path = project.folder.path().join("reached");
    while !std::fs::read_to_string(&path).is_ok_and(|told| told.contains(point)) {
        assert!(Instant::now() < deadline, "{point} was not reached");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Something to do.
fn larger() -> String {
    INSTANCES.replace("size: 1", "size: 2")
}

async fn frozen(mut project: Project, kind: Kind) {
    let mut places = Places::new();
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&larger());
    let (from, before) = (project.url().to_owned(), project.run(&["state", "export"], 0).await.json());
    let truth = look(&project, &from).await.stands.unwrap();
    let (to, other) = (places.fresh(kind, &project).await, places.fresh(kind, &project).await);
    let migrate = ["state", "migrate", "--to", &to];
    let told = project.folder.path().join("reached").display().to_string();
    let faults = [("SUTLER_FAULTS", "S05-before=hang"), ("SUTLER_FAULTS_REACHED", &told)];
    let mut moving = project.start_with_all(&faults, &migrate);
    reached(&project, "S05-before").await;
    let held = lock(&project).await;
    assert_eq!((&held["who"], &held["purpose"]), (&"ada".into(), &"state migrate".into()));
    let again = ["state", "migrate", "--to", &other];
    for arguments in [
        &["apply", "--yes"][..],
        &["state", "rm", "spare", "--yes"],
        &again,
        &["state", "migrate", "--resume"],
        &["state", "migrate", "--abort"],
    ] {
        let refused = project.run(arguments, 5).await;
        assert!(
            refused.stderr.contains("'state migrate'") && refused.stderr.contains("ada on"),
            "{refused:?}"
        );
    }
    // reading goes on
    assert_eq!(project.run(&["state", "export"], 0).await.json(), before);
    moving.kill().await.unwrap();
    let status = project.run(&["status"], 0).await;
    assert!(status.stdout.contains("being moved to") && status.stdout.contains("--abort"), "{status:?}");
    for arguments in [&["apply", "--yes"][..], &["state", "rm", "spare", "--yes"], &again] {
        let refused = project.run(arguments, 5).await;
        for told in ["--resume", "--abort", "ada on", &to[..7]] {
            assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        }
    }
    assert!(look(&project, &other).await.stands.is_none(), "a second move left nothing");
    let elsewhere = project.run(&["state", "migrate", "--resume", "--to", &other], 2).await;
    assert!(elsewhere.stderr.contains("--abort"), "{elsewhere:?}");
    project.run(&["state", "migrate", "--abort"], 0).await;
    let (source, target) = (look(&project, &from).await, look(&project, &to).await);
    assert_eq!(judge(&source, &target, &truth), Ok(Side::Source));
    assert!(source.standing.is_null() && target.stands.is_none(), "{source:?} {target:?}");
    assert_eq!(project.run(&["state", "export"], 0).await.json(), before, "it is as it was");
    project.run(&["state", "verify", "--full"], 0).await;
    assert!(project.run(&["status", "--json"], 0).await.json()["moving"].is_null());
    project.run(&["state", "rm", "spare", "--yes"], 0).await;
    project.run(&["apply", "--yes"], 0).await;
    project.run(&["state", "migrate", "--abort"], 2).await;
    // and it can be moved after all
    project.run(&again, 0).await;
    project.live_at(&other);
    project.declare(&larger());
    project.run(&["plan", "--detailed-exitcode"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_a_file_that_is_being_moved_to_a_database() {
    frozen(Project::sqlite().await, Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_a_database_that_is_being_moved_to_a_bucket() {
    frozen(Project::postgres().await, Kind::Bucket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_a_bucket_that_is_being_moved_to_a_file() {
    frozen(Project::bucket().await, Kind::Sqlite).await;
}

/// A move that is stopped for longer than its lease, while another run brings it to its end.
async fn paused(mut project: Project, kind: Kind) {
    let mut places = Places::new();
    project.run(&["apply", "--yes"], 0).await;
    let (from, to) = (project.url().to_owned(), places.fresh(kind, &project).await);
    let truth = look(&project, &from).await.stands.unwrap();
    let told = project.folder.path().join("reached").display().to_string();
    let moving = project.start_with_all(
        &[
            ("SUTLER_LEASE", "9s"),
            ("SUTLER_FAULTS", "S05-before=delay:10000"),
            ("SUTLER_FAULTS_REACHED", &told),
        ],
        &["state", "migrate", "--to", &to],
    );
    // between two renewals: a process that is stopped while it writes an SQLite file holds the file itself, and nobody can
    // help that
    reached(&project, "S05-before").await;
    signal(&moving, "STOP").await;
    // it lives, so only the end of its leases frees the locks
    project.run(&["state", "migrate", "--resume", "--lock-timeout", "90s"], 0).await;
    project.live_at(&to);
    project.run(&["state", "rm", "spare", "--yes"], 0).await;
    let now = project.run(&["state", "export"], 0).await.json();
    signal(&moving, "CONT").await;
    let lost = finished(moving).await;
    assert_eq!(lost.code, Some(6), "{lost:#?}");
    assert_eq!(project.run(&["state", "export"], 0).await.json(), now, "it wrote nothing");
    project.run(&["state", "verify", "--full"], 0).await;
    let source = look(&project, &from).await;
    assert!(source.standing.get("left").is_some(), "{source:?}");
    assert!(source.stands.is_some_and(|stands| stands.serial == truth.serial));
}

#[tokio::test(flavor = "multi_thread")]
async fn i_17_a_move_that_lost_its_locks_writes_nothing_from_a_file_to_a_database() {
    paused(Project::sqlite().await, Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_17_a_move_that_lost_its_locks_writes_nothing_from_a_database_to_a_bucket() {
    paused(Project::postgres().await, Kind::Bucket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_17_a_move_that_lost_its_locks_writes_nothing_from_a_bucket_to_a_file() {
    paused(Project::bucket().await, Kind::Sqlite).await;
}
