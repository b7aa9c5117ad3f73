//! Killed in the middle, and run again.

use serde_json::Value;

use super::{FIRST, calls, is_as_declared, larger, ledger, outcomes, status};
use crate::project::{Project, finished};

/// What changes in the migration that is killed: one is made, one changed, one taken out, one looked at again.
fn changed() -> String {
    let more = "  more: { service: database, name: shop-more, bind: { password: MORE_PASSWORD } }\n";
    format!("{}{more}", larger().replace("  spare: { service: database, name: shop-spare }\n", ""))
}

/// A project that stands at the first migration, with a second one to run.
async fn before_the_second() -> Project {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    project.declare(&changed());
    project.run(&["generate", "--name", "second"], 0).await;
    project
}

fn last(ledger: &[String]) -> &str {
    ledger.last().map_or("", String::as_str)
}

#[tokio::test(flavor = "multi_thread")]
async fn a46_the_ledger_says_applied_exactly_when_everything_is_done() {
    // dies before, and after, the first, second, … commit of the run
    for point in ["O14-before", "O14-after"] {
        for time in 1..40 {
            let project = before_the_second().await;
            let kill = format!("{point}=kill@{time}");
            let run = project.run_with(&[("SUTLER_FAULTS", &kill)], &["migrate", "--yes"]).await;
            let entry = ledger(&project).await;
            assert_eq!(
                last(&entry) == "0002_second applied",
                is_as_declared(&project).await,
                "{kill}: the entry and the last effect are one commit: {entry:?}"
            );
            if run.code == Some(0) {
                assert!(time > 4, "it died several times before: {time}");
                assert_eq!(last(&entry), "0002_second applied");
                break;
            }
            assert_eq!(run.code, None, "{run:#?}");
            // run again, it goes on from there
            project.run(&["migrate", "--yes"], 0).await;
            assert_eq!(last(&ledger(&project).await), "0002_second applied");
            assert!(is_as_declared(&project).await, "{kill}");
            assert_eq!(project.refs().await, ["db", "more", "web"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_killed_anywhere_is_finished_by_running_it_again() {
    for point in [
        "O01-after",
        "O19-begun",
        "O03-before",
        "O03-after",
        "O04-sent",
        "O04-after",
        "O07-before",
        "O07-after",
        "O09-sent",
        "O10-after",
        "O11-before",
        "O11-after",
        "O12-after",
        "O16-intent",
        "O16-sent",
        "O17-before",
        "O17-after",
        "O23-intent",
        "O23-sent",
        "O23-after",
        "O19-after",
        "O22-before",
        "O22-after",
    ] {
        let project = before_the_second().await;
        let kill = format!("{point}=kill@1");
        let killed = project.run_with(&[("SUTLER_FAULTS", &kill)], &["migrate", "--yes"]).await;
        assert_eq!(killed.code, None, "{kill}: {killed:#?}");
        project.run(&["migrate", "--yes"], 0).await;
        assert_eq!(ledger(&project).await, ["0001_init applied", "0002_second applied"], "{kill}");
        assert!(is_as_declared(&project).await, "{kill}");
        assert_eq!(project.refs().await, ["db", "more", "web"], "{kill}");
        project.run(&["migrations", "verify"], 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_an_interrupted_migration_is_seen_and_nothing_runs_past_it() {
    let project = before_the_second().await;
    project.declare(FIRST);
    project.run(&["generate", "--name", "third"], 0).await;
    let killed = project.run_with(&[("SUTLER_FAULTS", "O04-after=kill")], &["migrate", "--yes"]).await;
    assert_eq!(killed.code, None);
    assert_eq!(status(&project, 3).await, ["0001_init applied", "0002_second begun", "0003_third pending"]);
    let started = row(&project, "0002_second").await["started"].clone();
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0002_second applied", "0003_third applied"]);
    let entry = row(&project, "0002_second").await;
    assert_eq!(entry["started"], started, "it was begun once");
    assert!(entry["finished"].is_string() && entry["duration_ms"].is_u64(), "{entry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_while_a_migration_waits_for_a_broker_everyone_can_read_how_far_it_is() {
    let project = before_the_second().await;
    let mut running = project.start_with(("SUTLER_FAULTS", "O23-intent=hang"), &["migrate", "--yes"]);
    let begun = async {
        while last(&ledger(&project).await) != "0002_second begun" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), begun).await.expect("it begins");
    assert_eq!(status(&project, 3).await, ["0001_init applied", "0002_second begun"]);
    project.run(&["state", "verify"], 0).await;
    running.kill().await.unwrap();
    project.run(&["migrate", "--yes"], 0).await;
    assert!(is_as_declared(&project).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b14_what_a_broker_says_of_a_failure_is_told_safely_and_the_next_run_goes_on() {
    let project = before_the_second().await;
    let refused = wiremock::ResponseTemplate::new(400)
        .set_body_json(serde_json::json!({ "description": "no \u{1b}[2J\u{202e} room" }));
    wiremock::Mock::given(wiremock::matchers::method("PATCH"))
        .respond_with(refused)
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&project.broker)
        .await;
    let failed = finished(project.start(&["migrate", "--yes", "--json"])).await;
    assert!(matches!(failed.code, Some(1 | 4)), "{failed:#?}");
    assert_eq!(outcomes(&failed), ["0002_second unfinished"]);
    assert_eq!(last(&ledger(&project).await), "0002_second begun");
    // what a peer says cannot move the cursor, and is in no file of ours
    for text in [&failed.stdout, &failed.stderr] {
        assert!(
            text.contains("room") && !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{failed:#?}"
        );
    }
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0002_second applied"]);
    assert!(is_as_declared(&project).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_begun_is_not_gone_on_with_where_somebody_changed_what_it_did_not_touch() {
    let project = before_the_second().await;
    let killed = project.run_with(&[("SUTLER_FAULTS", "O19-begun=kill")], &["migrate", "--yes"]).await;
    assert_eq!(killed.code, None);
    project.declare(&FIRST.replace("size: 1", "size: 9"));
    project.run(&["apply", "--yes", "--target", "db"], 0).await;
    let before = calls(&project).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(refused.stderr.contains("db is neither as it was before nor as it is to be"), "{refused:#?}");
    assert_eq!(calls(&project).await, before);
}

async fn row(project: &Project, id: &str) -> Value {
    let exported = project.run(&["state", "export"], 0).await.json();
    let rows = exported["ledger"].as_array().unwrap();
    rows.iter().find(|row| row["reference"].as_str().unwrap().ends_with(id)).cloned().unwrap_or_default()
}
