//! What the ledger keeps: who, when, on which occasion, and decisions.

use serde_json::Value;

use super::{FIRST, calls, ledger, locked, outcomes, status, three_migrations};
use crate::project::Project;

async fn rows(project: &Project) -> Vec<Value> {
    project.run(&["state", "export"], 0).await.json()["ledger"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_tells_who_did_what_when_and_on_which_occasion() {
    for (variables, arguments, by) in [
        (&[][..], &["migrate", "--yes"][..], "cli"),
        (&[("CI", "true")], &["migrate", "--yes"], "ci"),
        (&[("CI", "false")], &["migrate", "--yes"], "cli"),
        (&[("CI", "true")], &["migrate", "--on", "boot"], "boot"),
    ] {
        let project = Project::sqlite().await;
        project.declare(FIRST);
        project.run(&["generate"], 0).await;
        let run = project.run_with(variables, arguments).await;
        assert_eq!(run.code, Some(0), "{run:#?}");
        let rows = rows(&project).await;
        let entry = &rows[0];
        assert_eq!(entry["reference"], "ledger/migration/0001_init");
        assert_eq!((&entry["applied_by"], &entry["outcome"]), (&by.into(), &"applied".into()));
        assert!(entry["actor"].as_str().unwrap().starts_with("ada@"), "{entry}");
        assert!(entry["started"].as_str().unwrap() <= entry["finished"].as_str().unwrap(), "{entry}");
        let sum = std::fs::read_to_string(super::folder(&project).join("migrations.sum")).unwrap();
        let chain = sum.trim_end().rsplit("chain=").next().unwrap();
        assert_eq!(entry["digest"], chain);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_skipped_migration_is_a_recorded_decision() {
    let project = three_migrations().await;
    let empty = project.run(&["migrations", "skip", "0001_init", "--reason", " "], 2).await;
    assert!(empty.stderr.contains("say why"), "{empty:#?}");
    project.run(&["migrations", "skip", "0009_none", "--reason", "x"], 2).await;
    project.run(&["migrations", "skip", "0001_init", "--reason", "made by hand in March"], 0).await;
    let rows = rows(&project).await;
    assert_eq!(
        (&rows[0]["outcome"], &rows[0]["notes"][0]),
        (&"skipped".into(), &"made by hand in March".into())
    );
    assert!(rows[0]["actor"].as_str().unwrap().starts_with("ada@"));
    let again = project.run(&["migrations", "skip", "0001_init", "--reason", "x"], 2).await;
    assert!(again.stderr.contains("skipped here already"), "{again:#?}");
    assert_eq!(
        status(&project, 3).await,
        ["0001_init skipped", "0002_larger pending", "0003_no-spare pending"]
    );
    let text = project.run(&["migrations", "status"], 3).await.stdout;
    assert!(text.contains("made by hand in March") && text.contains("ada@"), "{text}");
    // what comes after it begins where it would have ended
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(refused.stderr.contains("0002_larger begins"), "{refused:#?}");
    assert!(calls(&project).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_waiting_for_the_lock_says_who_holds_it_and_ends() {
    let project = three_migrations().await;
    let mut holder = project.start_with(("SUTLER_FAULTS", "O01-after=hang"), &["migrate", "--yes"]);
    locked(&project).await;
    let refused = project.run(&["migrate", "--on", "boot", "--lock-timeout", "300ms"], 5).await;
    assert!(refused.stderr.contains("waiting for the lock of ada"), "{refused:#?}");
    assert!(refused.stderr.contains("migrate"), "what for: {refused:#?}");
    assert!(calls(&project).await.is_empty() && ledger(&project).await.is_empty());
    holder.kill().await.unwrap();
    project.run(&["migrate", "--on", "boot"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_what_is_done_is_what_is_there_once_the_lock_is_held() {
    let project = three_migrations().await;
    let mut holder = project.start_with(("SUTLER_FAULTS", "O01-after=hang"), &["migrate", "--yes"]);
    locked(&project).await;
    let waiting = project.start(&["migrate", "--on", "boot", "--json"]);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    // edited while somebody waits
    let path = super::folder(&project).join("0001_init/steps.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("size: 1", "size: 8")).unwrap();
    holder.kill().await.unwrap();
    let refused = crate::project::finished(waiting).await;
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("it was edited"), "{refused:#?}");
    assert!(calls(&project).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_another_kind_of_entry_is_beside_migrations_in_the_same_ledger() {
    let project = three_migrations().await;
    project.run(&["migrate", "--yes"], 0).await;
    project.run(&["state", "rekey"], 0).await;
    let rows = rows(&project).await;
    let keys: Vec<&str> = rows.iter().map(|row| row["reference"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys[3].starts_with("ledger/state_rekey/k-"), "{keys:?}");
    assert_eq!((&rows[3]["outcome"], &rows[3]["applied_by"]), (&"applied".into(), &"cli".into()));
    assert_eq!(status(&project, 0).await.len(), 3);
    // and everything goes on
    project.declare(FIRST);
    project.run(&["generate", "--name", "back"], 0).await;
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0004_back applied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_state_has_the_ledger_of_that_time() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    let revisions = project.run(&["state", "revisions", "--json"], 0).await.json();
    let first = revisions["current"].to_string();
    project.declare(&super::larger());
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    project.run(&["state", "restore", &first, "--yes"], 0).await;
    assert_eq!(ledger(&project).await, ["0001_init applied"]);
    assert_eq!(status(&project, 3).await, ["0001_init applied", "0002_change pending"]);
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0002_change applied"], "records and ledger tell of the same moment");
}
