//! Several runs at once, and runs that are killed: one writes at a time, nothing is made twice, nothing is lost.

use std::time::Duration;

use tokio::process::{Child, Command};

use crate::broker::slow_down;
use crate::locks::lock;
use crate::project::{INSTANCES, Project, finished};

/// How many requests of this kind the broker has got.
async fn asked(project: &Project, verb: &str, part: &str) -> usize {
    let requests = project.broker.received_requests().await.unwrap();
    let fits = |request: &&wiremock::Request| {
        request.method.as_str() == verb
            && request.url.path().contains(part)
            && !request.url.path().contains("service_bindings")
    };
    requests.iter().filter(fits).count()
}

/// Four runs at the same moment on a state that is not there yet.
async fn at_once(project: Project) {
    let runs: Vec<_> = (0..4).map(|_| project.start(&["apply", "--yes", "--lock-timeout", "100s"])).collect();
    for run in runs {
        let ended = finished(run).await;
        // a key ring that two make at once is one ring: whoever came second may have to look again
        assert!(matches!(ended.code, Some(0 | 7)), "{ended:#?}");
    }
    project.run(&["apply", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["db", "spare", "web"]);
    assert_eq!(asked(&project, "PUT", "/v2/service_instances/").await, 3, "each was made once");
    project.run(&["state", "verify", "--full"], 0).await;
}

/// Runs that are killed anywhere; the next one goes on, on its own.
async fn killed(project: Project) {
    project.run(&["apply", "--yes"], 0).await;
    for round in 0_u64..8 {
        project.declare(&INSTANCES.replace("size: 1", &format!("size: {}", round + 2)));
        let mut run = project.start(&["apply", "--yes"]);
        tokio::time::sleep(Duration::from_millis(60 * (round + 1))).await;
        // it may have ended by itself
        let _ = run.kill().await;
        project.run(&["state", "verify"], 0).await;
        project.run(&["apply", "--yes"], 0).await;
        project.run(&["plan", "--detailed-exitcode"], 0).await;
    }
    assert_eq!(project.refs().await, ["db", "spare", "web"]);
    assert_eq!(asked(&project, "DELETE", "/").await, 0);
    project.run(&["state", "verify", "--full"], 0).await;
}

/// A run that is stopped for longer than its lease, while another one goes on.
async fn paused(project: Project) {
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    slow_down(&project.broker, Duration::from_secs(16)).await;
    let run = project.start_with(("SUTLER_LEASE", "9s"), &["apply", "--yes"]);
    lock(&project).await;
    // its intent is written, and its lock not yet renewed: a process that is stopped while it writes an SQLite file holds
    // the file itself, and nobody can help that
    while asked(&project, "PATCH", "/v2/service_instances/").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(&run, "STOP").await;
    // it lives, so only the end of its lease frees the lock
    project.run(&["state", "rm", "spare", "--yes", "--lock-timeout", "90s"], 0).await;
    let now = project.run(&["state", "export"], 0).await.json();
    signal(&run, "CONT").await;
    let lost = finished(run).await;
    assert_eq!(lost.code, Some(6), "{lost:#?}");
    assert_eq!(project.run(&["state", "export"], 0).await.json(), now, "it wrote nothing");
    project.run(&["state", "verify", "--full"], 0).await;
}

pub(crate) async fn signal(run: &Child, name: &str) {
    let id = run.id().expect("it runs").to_string();
    let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
    assert!(sent.success());
}

macro_rules! on_each_backend {
    ($($story:ident: $sqlite:ident, $postgres:ident, $bucket:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $sqlite() {
                $story(Project::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn $postgres() {
                $story(Project::postgres().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn $bucket() {
                $story(Project::bucket().await).await;
            }
        )+
    };
}

on_each_backend! {
    at_once: four_runs_at_once_on_sqlite_make_everything_once, four_runs_at_once_on_postgresql_make_everything_once,
        four_runs_at_once_on_a_bucket_make_everything_once;
    killed: i_19_a_killed_run_on_sqlite_is_finished_by_the_next, i_19_a_killed_run_on_postgresql_is_finished_by_the_next,
        i_19_a_killed_run_on_a_bucket_is_finished_by_the_next;
    paused: i_17_a_run_paused_past_its_lease_on_sqlite_writes_nothing,
        i_17_a_run_paused_past_its_lease_on_postgresql_writes_nothing,
        i_17_a_run_paused_past_its_lease_on_a_bucket_writes_nothing;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_credentials_is_told_at_once() {
    let project = Project::bucket().await;
    let refused = project.run_without(&["AWS_ACCESS_KEY_ID"], &["state", "list"], 1).await;
    assert!(
        refused.stderr.contains("AWS_ACCESS_KEY_ID") && refused.stderr.contains("s3://states/"),
        "{refused:?}"
    );
}
