//! `migrate --on boot`: many replicas of an application start at once.

use super::{FIRST, calls, folder, is_as_declared, larger, ledger, locked, outcomes};
use crate::project::{Finished, Project, finished};

/// Replicas that start at the same moment.
async fn boot(project: &Project, replicas: usize) -> Vec<Finished> {
    let started: Vec<_> =
        (0..replicas).map(|_| project.start(&["migrate", "--on", "boot", "--json"])).collect();
    let mut runs = Vec::new();
    for replica in started {
        runs.push(finished(replica).await);
    }
    runs
}

fn count(runs: &[Finished], wanted: &[&str]) -> usize {
    runs.iter().filter(|run| outcomes(run) == wanted).count()
}

async fn one_does_the_work(project: Project) {
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    // b08: nobody has made the place for the state yet, and all of them find that out at once
    let runs = boot(&project, 3).await;
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:#?}");
    assert_eq!(count(&runs, &["0001_init applied"]), 1, "{runs:#?}");
    let others = count(&runs, &["0001_init applied_by_another"]) + count(&runs, &[]);
    assert_eq!(others, 2, "who came too late says so: {runs:#?}");
    let mut first = calls(&project).await;
    first.sort();
    assert_eq!(first, ["PUT shop-db", "PUT shop-spare", "PUT shop-web"], "nothing is made twice");

    project.declare(&larger());
    project.run(&["generate", "--name", "larger"], 0).await;
    let runs = boot(&project, 3).await;
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:#?}");
    assert_eq!(count(&runs, &["0002_larger applied"]), 1, "{runs:#?}");
    assert_eq!(calls(&project).await[3..], ["PATCH shop-db"]);
    assert_eq!(ledger(&project).await, ["0001_init applied", "0002_larger applied"]);
    assert!(is_as_declared(&project).await);
    project.run(&["state", "verify", "--full"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_of_three_replicas_one_does_the_work_and_the_others_say_so() {
    one_does_the_work(Project::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_three_replicas_of_an_environment_that_is_new_do_not_trip_over_each_other() {
    one_does_the_work(Project::bucket().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_whoever_waited_is_told_who_did_it() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    let slow = project.start_with(("SUTLER_FAULTS", "O01-after=delay:1500"), &["migrate", "--yes"]);
    locked(&project).await;
    let waited = project.run(&["migrate", "--on", "boot"], 0).await;
    assert!(waited.stderr.contains("waiting for the lock of ada"), "{waited:#?}");
    assert!(waited.stderr.contains("0001_init: applied by another, ada@"), "{waited:#?}");
    assert_eq!(finished(slow).await.code, Some(0));
    assert!(folder(&project).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_at_boot_is_followed_by_one_that_finishes() {
    let project = Project::postgres().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    let dying = project.start_with(("SUTLER_FAULTS", "O04-after=kill@2"), &["migrate", "--on", "boot"]);
    let died = finished(dying).await;
    assert_eq!(died.code, None, "{died:#?}");
    let runs = boot(&project, 2).await;
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:#?}");
    assert_eq!(ledger(&project).await, ["0001_init applied"]);
    assert!(is_as_declared(&project).await);
}
