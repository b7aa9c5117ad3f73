//! Two branches that both added a migration, and checkpoints.

use std::fs;

use super::{
    FIRST, calls, copy, files, folder, is_as_declared, larger, ledger, outcomes, run_in, status,
    three_migrations,
};
use crate::project::Project;

const MORE: &str = "  more: { service: database, name: shop-more }\n";

/// A project whose folder has a migration of each of two branches, both after the first, with the lines of both.
async fn two_branches(one: &str, other: &str) -> Project {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    let common = tempfile::tempdir().unwrap();
    copy(&folder(&project), common.path());
    project.declare(one);
    project.run(&["generate", "--name", "ours"], 0).await;
    let ours = tempfile::tempdir().unwrap();
    copy(&folder(&project), ours.path());
    fs::remove_dir_all(folder(&project)).unwrap();
    copy(common.path(), &folder(&project));
    project.declare(other);
    project.run(&["generate", "--name", "theirs"], 0).await;
    let theirs = fs::read_to_string(folder(&project).join("migrations.sum")).unwrap();
    let added = theirs.lines().last().unwrap();
    copy(ours.path(), &folder(&project));
    let path = folder(&project).join("migrations.sum");
    let both = format!("{}{added}\n", fs::read_to_string(&path).unwrap());
    fs::write(path, both).unwrap();
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a44_two_branches_are_refused_by_name_and_line_until_one_is_put_after_the_other() {
    let with_more = format!("{FIRST}{MORE}");
    let project = two_branches(&larger(), &with_more).await;
    for arguments in [&["migrate", "--yes"][..], &["migrations", "status"], &["generate"]] {
        let refused = project.run(arguments, 2).await;
        for told in [
            "migrations.sum:4:",
            "0002_ours (line 3) and 0002_theirs both come after 0001_init",
            "sutler migrations rebase 0002_theirs",
        ] {
            assert!(refused.stderr.contains(told), "{told}: {refused:#?}");
        }
    }
    let lint = project.run(&["migrations", "lint"], 0).await;
    assert!(lint.stdout.contains("Nothing dangerous"), "they change different things: {lint:#?}");
    let rebased = project.run(&["migrations", "rebase", "0002_theirs", "--json"], 0).await.json();
    assert_eq!(rebased["moved"][0]["to"], "0003_theirs");
    assert!(!folder(&project).join("0002_theirs").exists());
    project.run(&["migrations", "verify", "--offline"], 0).await;
    // what is declared is what both wanted
    project.declare(&format!("{}{MORE}", larger()));
    project.run(&["generate"], 0).await;
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0001_init applied", "0002_ours applied", "0003_theirs applied"]);
    assert!(is_as_declared(&project).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_change_the_same_are_named_and_not_guessed_at() {
    let project = two_branches(&larger(), &FIRST.replace("size: 1", "size: 5")).await;
    let before = files(&folder(&project));
    let lint = project.run(&["migrations", "lint", "--json"], 3).await.json();
    assert_eq!(
        (&lint["dangers"][0]["danger"], &lint["dangers"][0]["ref"]),
        (&"branches".into(), &"db".into()),
        "{lint}"
    );
    let refused = project.run(&["migrations", "rebase", "0002_theirs"], 1).await;
    assert!(refused.stderr.contains("0002_theirs and 0002_ours both change 'db'"), "{refused:#?}");
    assert_eq!(files(&folder(&project)), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_here_is_not_rebased() {
    let project = three_migrations().await;
    project.run(&["migrate", "--yes"], 0).await;
    let refused = project.run(&["migrations", "rebase", "0003_no-spare"], 2).await;
    assert!(refused.stderr.contains("cannot change"), "{refused:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lint_names_what_destroys_replaces_and_unprotects() {
    let project = Project::sqlite().await;
    let protected = FIRST.replace("name: shop-spare", "name: shop-spare, protected: true");
    project.declare(&protected);
    project.run(&["generate"], 0).await;
    assert!(project.run(&["migrations", "lint"], 0).await.stdout.contains("Nothing dangerous"));
    project.declare(FIRST);
    project.run(&["generate", "--name", "unprotect"], 0).await;
    project.declare(&FIRST.replace("  spare: { service: database, name: shop-spare }\n", ""));
    project.run(&["generate", "--name", "destroy"], 0).await;
    let lint = project.run(&["migrations", "lint", "--json"], 3).await.json();
    let told: Vec<String> = lint["dangers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {} {}",
                one["migration"].as_str().unwrap(),
                one["ref"].as_str().unwrap(),
                one["danger"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(told, ["0002_unprotect spare unprotect", "0003_destroy spare destroy"]);
    project.run(&["migrations", "lint", "0001_init"], 0).await;
    project.run(&["migrations", "lint", "0007_none"], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_run_alone_where_nothing_was_done_and_costs_nothing_elsewhere() {
    let project = three_migrations().await;
    project.run(&["migrate", "--yes"], 0).await;
    let before = calls(&project).await;
    project.run(&["migrations", "squash", "--name", "base"], 0).await;
    project.run(&["migrations", "squash"], 2).await;
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0004_base was_there"]);
    assert_eq!(calls(&project).await, before);
    // a new environment
    let fresh = tempfile::tempdir().unwrap();
    copy(&folder(&project), &fresh.path().join("migrations"));
    fs::copy(project.folder.path().join("sutler.yaml"), fresh.path().join("sutler.yaml")).unwrap();
    let run = run_in(fresh.path(), &["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0004_base applied"]);
    let mut made = calls(&project).await.split_off(before.len());
    made.sort();
    assert_eq!(made, ["PUT shop-db", "PUT shop-web"], "what is gone is never made");
    // what comes next comes next everywhere
    project.declare(FIRST);
    project.run(&["generate", "--name", "next"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    assert_eq!(ledger(&project).await.last().unwrap(), "0005_next applied");
    // and what it stands for may be taken out of the folder
    for id in ["0001_init", "0002_larger", "0003_no-spare"] {
        fs::remove_dir_all(folder(&project).join(id)).unwrap();
    }
    let path = folder(&project).join("migrations.sum");
    let text = fs::read_to_string(&path).unwrap();
    let kept = text.lines().filter(|line| !["0001", "0002", "0003"].iter().any(|id| line.starts_with(id)));
    let kept: Vec<&str> = kept.collect();
    fs::write(&path, format!("{}\n", kept.join("\n"))).unwrap();
    assert_eq!(status(&project, 0).await, ["0004_base applied", "0005_next applied"]);
    project.run(&["migrations", "verify"], 0).await;
}
