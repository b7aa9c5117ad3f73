//! The folder of migrations: what is lost, edited, foreign, or written by two at once.

use std::fs;
use std::path::PathBuf;

use super::{FIRST, calls, copy, files, folder, larger, ledger, run_in, three_migrations};
use crate::broker::SECRET;
use crate::project::{Finished, Project, finished};

/// Every verb that uses the folder refuses, and nothing was done.
async fn refused(project: &Project, told: &[&str]) -> Finished {
    let before = (files(&folder(project)), calls(project).await);
    let mut last = None;
    for arguments in
        [&["migrations", "status"][..], &["migrations", "verify"], &["generate"], &["migrate", "--yes"]]
    {
        let run = project.run(arguments, 2).await;
        for told in told {
            assert!(run.stderr.contains(told), "{told}: {arguments:?} {run:#?}");
        }
        last = Some(run);
    }
    assert_eq!((files(&folder(project)), calls(project).await), before);
    last.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a38_a_lost_snapshot_is_damage_and_never_an_empty_one() {
    let project = three_migrations().await;
    fs::remove_file(folder(&project).join("0003_no-spare/snapshot.json")).unwrap();
    refused(&project, &["0003_no-spare/snapshot.json", "is not there", "version control"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a39_lost_steps_are_damage_and_never_no_steps() {
    let project = three_migrations().await;
    fs::remove_file(folder(&project).join("0002_larger/steps.yaml")).unwrap();
    refused(&project, &["0002_larger/steps.yaml", "is not there"]).await;
    fs::remove_dir_all(folder(&project).join("0002_larger")).unwrap();
    refused(&project, &["0002_larger/steps.yaml", "0002_larger/snapshot.json"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a39_a_lost_sum_file_is_damage_and_never_no_migrations() {
    let project = three_migrations().await;
    fs::remove_file(folder(&project).join("migrations.sum")).unwrap();
    refused(&project, &["migrations.sum", "it is gone, but there are migrations"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a44_a_migration_that_was_edited_is_refused_before_and_after_it_ran() {
    let project = three_migrations().await;
    let path = folder(&project).join("0001_init/steps.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("size: 1", "size: 7")).unwrap();
    refused(&project, &["0001_init/steps.yaml: it was edited after it was generated"]).await;
    fs::write(&path, &text).unwrap();
    project.run(&["migrate", "--yes"], 0).await;
    fs::write(&path, format!("{text}\n")).unwrap();
    refused(&project, &["0001_init/steps.yaml: it was edited"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a44_an_error_of_the_sum_file_names_file_and_line() {
    let project = three_migrations().await;
    let path = folder(&project).join("migrations.sum");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // edited, taken out of the middle, two in another order
    let flipped = text.replacen("steps=", "steps=0", 1);
    fs::write(&path, flipped).unwrap();
    refused(&project, &["migrations/migrations.sum:2:"]).await;
    fs::write(&path, format!("{}\n{}\n{}\n", lines[0], lines[1], lines[3])).unwrap();
    refused(&project, &["migrations/migrations.sum:3:", "not listed before it"]).await;
    fs::write(&path, format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1])).unwrap();
    refused(&project, &["migrations/migrations.sum:2:"]).await;
    fs::write(&path, format!("{}\n{}\n{}\n", lines[0], lines[1], lines[2])).unwrap();
    refused(&project, &["0003_no-spare: it is not listed in migrations.sum"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b09_what_was_done_here_and_is_another_one_now_is_refused() {
    let project = three_migrations().await;
    project.run(&["migrate", "--yes"], 0).await;
    // somebody threw everything away and generated it again, under the same names
    fs::remove_dir_all(folder(&project)).unwrap();
    project.declare(&larger());
    project.run(&["generate", "--name", "init"], 0).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(
        refused.stderr.contains("0001_init is another one than the one that was done here"),
        "{refused:#?}"
    );
    project.run(&["migrations", "verify"], 8).await;
    project.run(&["migrations", "verify", "--offline"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b02_a_folder_that_cannot_be_read_is_not_a_folder_without_migrations() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    let none = project.run(&["migrate", "--yes"], 0).await;
    assert!(none.stderr.contains("Nothing to do"), "without a folder there is nothing: {none:#?}");
    fs::write(folder(&project), "no folder").unwrap();
    for arguments in [&["migrate", "--on", "boot"][..], &["migrations", "status"], &["generate"]] {
        let refused = project.run(arguments, 2).await;
        assert!(refused.stderr.contains("migrations"), "{refused:#?}");
    }
    // one that was named has to be there
    let refused = project.run(&["migrate", "--yes", "--folder", "elsewhere"], 2).await;
    assert!(refused.stderr.contains("elsewhere: it cannot be read"), "{refused:#?}");
    assert!(calls(&project).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_what_is_no_migration_is_named_and_not_skipped() {
    let project = three_migrations().await;
    fs::write(folder(&project).join("README.md"), "How we migrate.").unwrap();
    fs::write(folder(&project).join(".gitattributes"), "* -text\n").unwrap();
    project.run(&["migrations", "verify"], 0).await;
    for name in ["0004_x.ts", "_0004_x", "4_x", "notes.txt"] {
        let path = folder(&project).join(name);
        fs::write(&path, "").unwrap();
        refused(&project, &[name, "it is no migration"]).await;
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a40_a_name_never_leaves_the_folder() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    for name in ["../../escaped", "a/b", "/tmp/x", "..", "", "UPPER", "x.y"] {
        let refused = project.run(&["generate", "--name", name], 2).await;
        assert!(refused.stderr.contains("migration"), "{name}: {refused:#?}");
    }
    assert!(!folder(&project).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a45_a_secret_that_is_written_out_is_refused_and_none_that_is_resolved_is_written() {
    let project = Project::sqlite().await;
    let secret = "  app: { service: database, params: { admin_password: hunter2-in-the-open } }\n";
    project.declare(&format!("{FIRST}{secret}"));
    let refused = project.run(&["generate"], 2).await;
    let told = &refused.stderr;
    assert!(told.contains("sutler.yaml:") && told.contains("/admin_password is secret"), "{refused:#?}");
    assert!(!told.contains("hunter2-in-the-open"), "{refused:#?}");
    assert!(!folder(&project).join("migrations.sum").exists());
    // a reference is none
    project.declare(&format!("{FIRST}{}", secret.replace("hunter2-in-the-open", "'@db.password'")));
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    for (name, bytes) in files(&folder(&project)) {
        assert!(!String::from_utf8(bytes).unwrap().contains(SECRET), "{name}");
    }
    assert!(
        fs::read_to_string(folder(&project).join("0001_init/steps.yaml")).unwrap().contains("@db.password")
    );
    // who insists is told by lint
    project.declare(&format!("{FIRST}{secret}"));
    project.run(&["generate", "--allow-literals"], 0).await;
    let lint = project.run(&["migrations", "lint", "0002_change", "--json"], 3).await.json();
    assert_eq!(lint["dangers"][0]["danger"], "secret_literal", "{lint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a47_the_same_change_is_the_same_bytes() {
    let (one, other) = (three_migrations().await, three_migrations().await);
    assert_eq!(files(&folder(&one)), files(&folder(&other)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a37_two_who_generate_at_once_write_one_migration_each_in_order_or_one() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    // a second configuration of the same folder, with one instance more
    let text = fs::read_to_string(project.folder.path().join("sutler.yaml")).unwrap();
    fs::write(
        project.folder.path().join("more.yaml"),
        format!("{text}  more: {{ service: database, name: shop-more }}\n"),
    )
    .unwrap();
    let (one, same, more) = (
        project.start(&["generate", "--name", "one"]),
        project.start(&["generate", "--name", "one"]),
        project.start(&["-c", "more.yaml", "generate", "--name", "more", "--force"]),
    );
    for child in [one, same, more] {
        let run = finished(child).await;
        assert_eq!(run.code, Some(0), "{run:#?}");
    }
    project.run(&["migrations", "verify", "--offline"], 0).await;
    let names: Vec<PathBuf> =
        fs::read_dir(folder(&project)).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!names.iter().any(|path| path.to_string_lossy().contains(".new-")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a37_a_generate_that_is_killed_anywhere_leaves_a_chain_that_holds() {
    for point in ["M01-folder", "M01-listed"] {
        let project = Project::sqlite().await;
        project.declare(FIRST);
        project.run(&["generate"], 0).await;
        project.declare(&larger());
        let kill = format!("{point}=kill");
        let killed = project.run_with(&[("SUTLER_FAULTS", &kill)], &["generate", "--name", "larger"]).await;
        assert_eq!(killed.code, None, "{killed:#?}");
        let listed =
            fs::read_to_string(folder(&project).join("migrations.sum")).unwrap().contains("0002_larger");
        assert_eq!(listed, point == "M01-listed");
        if !listed {
            // the folder is there and counts nowhere; it can be taken
            let refused = project.run(&["migrate", "--yes"], 2).await;
            assert!(refused.stderr.contains("sutler migrations rebase 0002_larger"), "{refused:#?}");
            project.run(&["migrations", "rebase", "0002_larger"], 0).await;
        }
        project.run(&["generate"], 0).await;
        project.run(&["migrate", "--yes"], 0).await;
        assert_eq!(ledger(&project).await, ["0001_init applied", "0002_larger applied"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_a_checkout_that_is_older_than_the_environment_does_nothing() {
    let project = three_migrations().await;
    let older = tempfile::tempdir().unwrap();
    copy(&folder(&project), &older.path().join("migrations"));
    let text = fs::read_to_string(project.folder.path().join("sutler.yaml")).unwrap();
    let state = project.folder.path().join(".sutler/state.db");
    let shared = text.replace("sqlite:.sutler/state.db", &format!("sqlite:{}", state.display()));
    assert!(text.contains("sqlite:.sutler/state.db"), "{text}");
    fs::write(older.path().join("sutler.yaml"), shared).unwrap();
    project.declare(FIRST);
    project.run(&["generate", "--name", "newest"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    fs::create_dir_all(older.path().join(".sutler")).unwrap();
    fs::copy(project.folder.path().join(".sutler/keys"), older.path().join(".sutler/keys")).unwrap();
    let before = calls(&project).await;
    for arguments in [&["migrate", "--yes"][..], &["migrate", "--on", "boot"]] {
        let refused = run_in(older.path(), arguments, 8).await;
        assert!(refused.stderr.contains("the environment has 0004_newest"), "{refused:#?}");
    }
    assert_eq!(calls(&project).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a45_a_variable_that_is_a_secret_stays_a_reference_in_every_file() {
    let project = Project::sqlite().await;
    let app = "  app: { service: database, params: { admin_password: '${var.admin}' } }\n";
    project.declare(&format!(
        "{FIRST}{app}variables: {{ admin: {{ secret: true, from: {{ env: ADMIN }} }} }}\n"
    ));
    let with = [("ADMIN", "hunter2-from-elsewhere")];
    for arguments in [&["generate"][..], &["migrate", "--yes"], &["migrations", "verify"], &["generate"]] {
        let run = project.run_with(&with, arguments).await;
        assert_eq!(run.code, Some(0), "{arguments:?} {run:#?}");
    }
    let written = files(&folder(&project));
    assert_eq!(written.len(), 3, "a second generate has nothing to do");
    for (name, bytes) in written {
        assert!(!String::from_utf8(bytes).unwrap().contains("hunter2-from-elsewhere"), "{name}");
    }
    let steps = fs::read_to_string(folder(&project).join("0001_init/steps.yaml")).unwrap();
    assert!(steps.contains("${var.admin}"), "{steps}");
}
