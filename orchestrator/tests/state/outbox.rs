//! Events leave from whichever machine ran last: what one has told, no other tells again.

use serde_json::Value;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::moves::places::{Kind, Places};
use crate::project::{INSTANCES, Project, command, finished};

/// The ids of what a listener was told, in order.
async fn told(listener: &MockServer) -> Vec<String> {
    let posts = listener.received_requests().await.unwrap();
    let event = |post: &wiremock::Request| serde_json::from_slice::<Value>(&post.body).unwrap();
    posts.iter().map(|post| event(post)["id"].as_str().unwrap().to_owned()).collect()
}

/// Two machines change one state, one after the other; each tells what it finds untold.
async fn story(project: Project) {
    let listener = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&listener).await;
    project.declare_with_listener(INSTANCES, &listener.uri());
    project.run(&["apply", "--yes"], 0).await;
    let first = told(&listener).await;
    assert!(first.len() >= 6, "{first:?}");
    let elsewhere = project.elsewhere(str::to_owned);
    let there = async |arguments: &[&str]| {
        let ended = finished(command(elsewhere.path(), arguments).spawn().unwrap()).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:#?}");
    };
    there(&["events", "--deliver"]).await;
    assert_eq!(told(&listener).await, first, "the other machine has nothing to add");
    let config = elsewhere.path().join("sutler.yaml");
    let text = std::fs::read_to_string(&config).unwrap().replace("size: 1", "size: 2");
    std::fs::write(&config, text).unwrap();
    there(&["apply", "--yes"]).await;
    project.run(&["events", "--deliver"], 0).await;
    let journal = project.run(&["events", "--json"], 0).await.stdout;
    let id = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["event"]["id"].as_str().unwrap().to_owned()
    };
    let changes: Vec<String> = journal.lines().map(id).collect();
    assert!(changes.len() > first.len());
    assert_eq!(told(&listener).await, changes, "each change once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_on_one_postgresql_tell_each_change_once() {
    story(Project::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_on_one_bucket_tell_each_change_once() {
    story(Project::bucket().await).await;
}

/// What was told before a state moves is not told again from where it went, and nothing of it stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_moves_takes_along_what_listeners_were_told() {
    let listener = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&listener).await;
    let (mut project, mut places) = (Project::sqlite().await, Places::new());
    project.declare_with_listener(INSTANCES, &listener.uri());
    project.run(&["apply", "--yes"], 0).await;
    let before = told(&listener).await;
    for kind in [Kind::Postgres, Kind::Bucket, Kind::Sqlite] {
        let (from, to) = (project.url().to_owned(), places.fresh(kind, &project).await);
        let moved = project.run(&["state", "migrate", "--to", &to], 0).await;
        let at = moved.stdout.split_whitespace().nth(2).unwrap().trim_end_matches(':').to_owned();
        project.live_at(&at);
        project.declare_with_listener(INSTANCES, &listener.uri());
        project.run(&["events", "--deliver"], 0).await;
        assert_eq!(told(&listener).await, before, "{kind:?}");
        project.run(&["state", "migrate", "--remove-source", "--yes", "--from", &from], 0).await;
    }
    project.declare_with_listener(&INSTANCES.replace("size: 1", "size: 2"), &listener.uri());
    project.run(&["apply", "--yes"], 0).await;
    let after = told(&listener).await;
    assert!(after.len() > before.len() && after.starts_with(&before), "{after:?}");
}
