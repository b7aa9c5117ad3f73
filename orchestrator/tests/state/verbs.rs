//! What looks at the past, exchanges keys, and runs what was approved: the same wherever the state is.

use crate::broker::SECRET;
use crate::project::{INSTANCES, Project, finished};

async fn story(project: Project) {
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    project.run(&["plan", "--out", "grow.plan"], 0).await;
    project.run(&["apply", "grow.plan", "--yes"], 0).await;
    past(&project).await;
    approved(&project).await;
    keys(&project).await;
    project.run(&["state", "verify", "--full"], 0).await;
}

async fn past(project: &Project) {
    let told = project.run(&["history", "db"], 0).await.stdout;
    assert!(told.contains("db is ready since 20") && told.contains("by ada"), "{told}");
    let told = project.run(&["history", "db", "--json"], 0).await.json();
    let entries = told["entries"].as_array().unwrap().iter();
    let whats: Vec<&str> = entries.map(|entry| entry["what"].as_str().unwrap()).collect();
    let expected = [
        "creation intended",
        "created; binding intended",
        "bound",
        "variables written",
        "change intended",
        "changed",
    ];
    assert_eq!(whats, expected);
    let events = project.run(&["events", "--json"], 0).await.stdout;
    let sequences: Vec<u64> = events
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["event"]["data"]["sequence"].as_u64()
        })
        .map(Option::unwrap)
        .collect();
    assert!(sequences.iter().copied().eq(1..=sequences.len() as u64), "each once, in order: {sequences:?}");
    let last = sequences.len().to_string();
    assert_eq!(project.run(&["events", "--after", &last], 0).await.stdout.matches("by ada").count(), 0);
    let counts = project.run(&["events", "--count", "--json"], 0).await.json();
    let born: u64 = counts["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|count| count["from"].is_null())
        .map(|count| count["times"].as_u64().unwrap())
        .sum();
    assert_eq!(born, 3, "three came into being: {counts}");
}

/// A plan is refused once the state is another one (I-21), and what it would have done is not done.
async fn approved(project: &Project) {
    project.declare(&INSTANCES.replace("size: 1", "size: 3"));
    project.run(&["plan", "--out", "late.plan"], 0).await;
    project.run(&["apply", "--yes", "--target", "db"], 0).await;
    let refused = project.run(&["apply", "late.plan", "--yes"], 8).await;
    assert!(refused.stderr.contains("plan"), "{refused:?}");
    project.run(&["plan", "--detailed-exitcode"], 0).await;
}

async fn keys(project: &Project) {
    let ring = project.folder.path().join(".sutler/keys");
    let before = std::fs::read_to_string(&ring).unwrap();
    let said = project.run(&["state", "rekey"], 0).await;
    assert!(said.stdout.contains("3 of 3") || said.stderr.contains("3 of 3"), "{said:?}");
    assert_ne!(std::fs::read_to_string(&ring).unwrap(), before);
    let env = finished(project.start(&["env", "--format", "json"])).await;
    assert!(env.stdout.contains(SECRET), "what was sealed anew opens: {}", env.stderr);
    project.run(&["plan", "--detailed-exitcode"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_sqlite_tells_its_past_and_changes_its_keys() {
    story(Project::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_postgresql_tells_its_past_and_changes_its_keys() {
    story(Project::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_a_bucket_tells_its_past_and_changes_its_keys() {
    story(Project::bucket().await).await;
}
