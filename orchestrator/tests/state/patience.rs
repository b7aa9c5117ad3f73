//! A broker that has no time: `check` and `pull` wait for it as long as they may, and then say that it is not known.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, ResponseTemplate};

use crate::project::Project;

/// A project that is applied, at a broker whose instances can be read.
async fn project() -> Project {
    let project = Project::sqlite().await;
    let plan = json!({ "id": "plan-1", "name": "standard", "description": "it", "free": true });
    let service = json!({
        "id": "service-1", "name": "database", "description": "it", "bindable": true, "plan_updateable": true,
        "instances_retrievable": true, "plans": [plan],
    });
    let catalog = ResponseTemplate::new(200).set_body_json(json!({ "services": [service] }));
    let catalog = Mock::given(method("GET")).and(path("/v2/catalog")).respond_with(catalog);
    catalog.with_priority(1).mount(&project.broker).await;
    let live = ResponseTemplate::new(200).set_body_json(json!({}));
    let fetch = Mock::given(method("GET")).and(path_regex("^/v2/service_instances/[^/]+$"));
    fetch.respond_with(live).with_priority(9).mount(&project.broker).await;
    project.run(&["apply", "--yes"], 0).await;
    project
}

/// So many reads of instances are refused: the broker is over its vendor's budget.
async fn over_budget(project: &Project, times: u64, seconds: u32) {
    let body = json!({ "description": "the budget of calls to the vendor is used up" });
    let later = ResponseTemplate::new(503).set_body_json(body);
    let later = later.insert_header("retry-after", seconds.to_string());
    let fetch = Mock::given(method("GET")).and(path_regex("^/v2/service_instances/[^/]+$"));
    fetch.respond_with(later).up_to_n_times(times).with_priority(2).mount(&project.broker).await;
}

fn words(of: &[Value]) -> Vec<&str> {
    of.iter().map(|finding| finding["what"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_stack_passes_although_its_broker_is_over_its_budget_for_a_moment() {
    let project = project().await;
    for verb in ["check", "pull"] {
        over_budget(&project, 4, 1).await;
        let told = project.run(&[verb], 0).await;
        assert!(told.stderr.contains("broker 'edge' wants to be asked later"), "{told:#?}");
        assert!(!told.stdout.contains("unknown"), "{told:#?}");
        // without patience, what it did not tell is unknown
        over_budget(&project, 3, 1).await;
        let told = project.run(&[verb, "--wait", "0s", "--json"], 1).await;
        assert!(!told.stderr.contains("later"), "{told:#?}");
    }
    let quiet = project.run(&["--quiet", "check"], 0).await;
    assert_eq!(quiet.stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_does_not_tell_in_time_is_unknown_and_the_exit_code_says_so() {
    let project = project().await;
    let begun = Instant::now();
    over_budget(&project, 1, 30).await;
    let some = project.run(&["check", "--wait", "3s", "--json"], 4).await.json();
    let findings = some["findings"].as_array().unwrap();
    assert_eq!(words(findings), ["unknown"], "{some}");
    let why = findings[0]["detail"].as_str().unwrap();
    for words in ["the budget of calls to the vendor is used up", "later than --wait allows"] {
        assert!(why.contains(words), "{words}: {why}");
    }
    over_budget(&project, 1000, 1).await;
    let none = project.run(&["pull", "--wait", "3s"], 1).await;
    assert!(none.stdout.contains("3 unknown") && none.stdout.contains("times"), "{none:#?}");
    let reconciled = project.run(&["pull", "--reconcile", "--yes", "--wait", "2s"], 1).await;
    assert!(reconciled.stderr.contains("nothing to take over"), "{reconciled:#?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "bounded: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_no_duration_is_refused() {
    let project = project().await;
    for verb in ["check", "pull"] {
        let refused = project.run(&[verb, "--wait", "soon"], 2).await;
        assert!(refused.stderr.contains("--wait soon is not a duration"), "{refused:#?}");
    }
}
