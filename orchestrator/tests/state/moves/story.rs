//! A move as a person makes it: what is said, what comes next, and what the old address does afterwards.

use super::places::{Kind, Places, look};
use crate::project::{INSTANCES, Project};

/// Every command that looks for the state at an address that it has left is told where it is.
async fn told_where_to_look(project: &Project, to: &str) {
    for arguments in [
        &["apply", "--yes"][..],
        &["plan"],
        &["status"],
        &["history", "db"],
        &["events"],
        &["outputs"],
        &["teardown", "--yes"],
        &["state", "list"],
        &["state", "verify"],
        &["state", "revisions"],
        &["state", "rm", "db", "--yes"],
        &["state", "rekey"],
    ] {
        let refused = project.run(arguments, 7).await;
        assert!(
            refused.stderr.contains("has left") && refused.stderr.contains(to),
            "{arguments:?} {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_goes_from_a_file_to_a_database_with_all_its_history() {
    let (mut project, mut places) = (Project::sqlite().await, Places::new());
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    project.run(&["apply", "--yes"], 0).await;
    project.declare(INSTANCES);
    project.run(&["apply", "--yes"], 0).await;
    let file = project.folder.path().join(".sutler/state.db");
    let history = project.run(&["history", "db", "--json"], 0).await.json();
    let events = project.run(&["events", "--json"], 0).await.stdout;
    let backup = std::fs::read(&file).unwrap();
    let (from, to) = (project.url().to_owned(), places.fresh(Kind::Postgres, &project).await);
    let moved = project.run(&["state", "migrate", "--to", &to], 0).await;
    let at = moved.stdout.split_whitespace().nth(2).unwrap().trim_end_matches(':').to_owned();
    for told in [
        "1. write `state: postgres://",
        "2. sutler state migrate --verify --from 'sqlite:/",
        "--remove-source",
    ] {
        assert!(moved.stderr.contains(told), "{told}: {moved:?}");
    }
    told_where_to_look(&project, &at).await;
    let twice = project.run(&["state", "migrate", "--to", &to], 7).await;
    assert!(twice.stderr.contains("has left"), "{twice:?}");

    project.live_at(&at);
    project.run(&["plan", "--detailed-exitcode"], 0).await;
    let seen = project.run(&["history", "db", "--json"], 0).await.json();
    assert_eq!(seen, history);
    assert_eq!(project.run(&["events", "--json"], 0).await.stdout, events);
    let revealed = project.start(&["outputs", "db", "--reveal", "--json"]);
    let revealed = crate::project::finished(revealed).await;
    assert!(revealed.stdout.contains(crate::broker::SECRET), "what is sealed opens there");
    // the history is a history that can be gone back to
    let revisions = project.run(&["state", "revisions", "--json"], 0).await.json();
    let first = revisions["revisions"][0]["revision"].to_string();
    project.run(&["state", "restore", &first, "--yes"], 0).await;
    project.run(&["apply", "--yes"], 0).await;

    let unknown = project.run(&["state", "migrate", "--verify"], 2).await;
    assert!(unknown.stderr.contains("--from URL"), "{unknown:?}");
    let verified = project.run(&["state", "migrate", "--verify", "--from", &from], 0).await;
    assert!(verified.stdout.contains("Verified"), "{verified:?}");
    let asked = project.run(&["state", "migrate", "--remove-source", "--from", &from], 2).await;
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert!(std::fs::metadata(&file).unwrap().len() > 40_000);
    project.run(&["state", "migrate", "--remove-source", "--yes", "--from", &from], 0).await;
    assert!(std::fs::metadata(&file).unwrap().len() < backup.len() as u64, "the space is given back");
    let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
    assert!(!text.contains("shop-db"), "nothing of it is left");

    project.live_at(&from);
    told_where_to_look(&project, &at).await;
    // somebody puts the file of before in its place: the anchor knows that the state has gone
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(file.with_extension(format!("db{suffix}")));
    }
    std::fs::write(&file, &backup).unwrap();
    assert!(look(&project, &from).await.standing.is_null());
    let refused = project.run(&["apply", "--yes"], 7).await;
    assert!(refused.stderr.contains("it went to postgres://"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_says_what_would() {
    let (project, mut places) = (Project::sqlite().await, Places::new());
    let to = places.fresh(Kind::Sqlite, &project).await;
    let here = project.url().to_owned();
    for (arguments, code, told) in [
        (&["--to", &to][..], 2, "there is no state"),
        (&[], 2, "--to URL"),
        (&["--resume"], 2, "--to URL"),
        (&["--abort"], 2, "--to URL"),
        (&["--verify"], 2, "--from URL"),
        (&["--to", "memory:"], 2, "keeps nothing"),
        (&["--to", "postgres://ada:hunter2@db/x"], 2, "password"),
        (&["--to", "ftp://x"], 2, "not the address of a state"),
        (&["--to", &here], 2, "name another place"),
        (&["--to", &to, "--from", &here], 2, "--from"),
        (&["--resume", "--abort"], 2, "cannot be used with"),
        (&["--from", &to], 2, "--from names"),
        (&["--to", &to, "--lock-timeout", "soon"], 2, "not a duration"),
    ] {
        let arguments = [&["state", "migrate"][..], arguments].concat();
        let refused = project.run(&arguments, code).await;
        assert!(
            refused.stderr.contains(told) && !refused.stderr.contains("hunter2"),
            "{arguments:?} {refused:?}"
        );
    }
    assert!(look(&project, &to).await.stands.is_none());
    let help = project.run(&["state", "migrate", "--help"], 0).await;
    for told in ["--resume", "--abort", "--verify", "--remove-source", "Until the switch"] {
        assert!(help.stdout.contains(told), "{help:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_ended_only_where_the_place_that_it_left_can_be_reached() {
    let (mut project, mut places) = (Project::sqlite().await, Places::new());
    project.run(&["apply", "--yes"], 0).await;
    let to = places.fresh(Kind::Sqlite, &project).await;
    let died = [("SUTLER_FAULTS", "S06-after=kill")];
    let died = project.run_with(&died, &["state", "migrate", "--to", &to]).await;
    assert_eq!(died.code, None, "{died:?}");
    project.live_at(&to);
    let file = project.folder.path().join(".sutler/state.db");
    let hidden = project.folder.path().join("hidden");
    std::fs::rename(&file, &hidden).unwrap();
    let away: Vec<_> = ["-wal", "-shm"].iter().map(|end| file.with_extension(format!("db{end}"))).collect();
    assert!(away.iter().all(|file| !file.exists() || std::fs::remove_file(file).is_ok()));
    for errand in ["--resume", "--abort"] {
        let refused = project.run(&["state", "migrate", errand], 1).await;
        assert!(refused.stderr.contains("nothing is there as seen from here"), "{refused:?}");
    }
    assert!(!file.exists(), "nothing was made there");
    assert!(look(&project, &to).await.standing.get("arriving").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_ring_and_an_older_state_are_noticed_before_anything_is_moved() {
    let (project, mut places) = (Project::sqlite().await, Places::new());
    project.run(&["apply", "--yes"], 0).await;
    let file = project.folder.path().join(".sutler/state.db");
    let older = std::fs::read(&file).unwrap();
    let to = places.fresh(Kind::Sqlite, &project).await;
    let migrate = ["state", "migrate", "--to", &to];
    let nowhere = project.run_with(&[("SUTLER_KEYS", "nowhere")], &migrate).await;
    assert_eq!(nowhere.code, Some(7), "{nowhere:?}");
    project.declare(&INSTANCES.replace("size: 1", "size: 2"));
    project.run(&["apply", "--yes"], 0).await;
    std::fs::write(&file, older).unwrap();
    let refused = project.run(&migrate, 7).await;
    assert!(refused.stderr.contains("was rolled back"), "{refused:?}");
    assert!(look(&project, project.url()).await.standing.is_null());
    assert!(look(&project, &to).await.stands.is_none());
}
