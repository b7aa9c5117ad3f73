//! Looking at a state and changing it by hand.

use crate::broker::SECRET;
use crate::project::{INSTANCES, Project};

/// Everything, on one backend.
async fn story(project: Project) {
    let new = project.run(&["state", "list"], 0).await;
    assert!(new.stdout.contains("Nothing is recorded"), "{new:?}");
    project.run(&["state", "verify"], 0).await;
    project.run(&["apply", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["db", "spare", "web"]);
    let first = revisions(&project).await;
    assert_eq!(first.len(), 1, "a run that changed something makes one revision");
    project.run(&["apply", "--yes"], 0).await;
    assert_eq!(revisions(&project).await, first, "a run with nothing to do writes nothing");
    look(&project).await;
    project.declare(&INSTANCES.replace("size: 1", "size: 2").replace("  spare:", "  #"));
    project.run(&["apply", "--yes", "--prune"], 0).await;
    assert_eq!(project.refs().await, ["db", "web"]);
    assert_eq!(revisions(&project).await.len(), 2);
    restore(&project, first[0]).await;
    rename(&project).await;
    remove(&project).await;
    let sound = project.run(&["state", "verify", "--full", "--json"], 0).await.json();
    assert_eq!((&sound["sound"], &sound["since"]), (&true.into(), &serde_json::Value::Null));
}

async fn revisions(project: &Project) -> Vec<u64> {
    let listed = project.run(&["state", "revisions", "--json"], 0).await.json();
    let serials: Vec<u64> =
        listed["revisions"].as_array().unwrap().iter().map(|one| one["revision"].as_u64().unwrap()).collect();
    assert_eq!(listed["current"].as_u64(), serials.last().copied());
    serials
}

async fn look(project: &Project) {
    let listed = project.run(&["state", "list"], 0).await.stdout;
    assert!(listed.contains("REF") && listed.contains("database/standard"), "{listed}");
    let shown = project.run(&["state", "show", "db"], 0).await.stdout;
    assert!(shown.contains("status") && shown.contains("ready") && shown.contains("secret ("), "{shown}");
    assert!(shown.contains("creation intended"), "{shown}");
    let shown = project.run(&["state", "show", "db", "--json"], 0).await.json();
    assert_eq!(shown["fields"]["status"]["value"], "ready");
    assert!(shown["fields"]["outputs.password"]["secret"].is_string(), "{shown}");
    let unknown = project.run(&["state", "show", "bd"], 2).await;
    assert!(unknown.stderr.contains("did you mean 'db'"), "{unknown:?}");
    let sound = project.run(&["state", "verify"], 0).await.stdout;
    assert!(sound.contains("sound") && sound.contains("3 records") && sound.contains("--full"), "{sound}");
    let exported = project.run(&["state", "export"], 0).await.json();
    assert_eq!((&exported["kind"], &exported["stack"]), (&"state-export".into(), &"shop".into()));
    assert_eq!(exported["records"].as_array().unwrap().len(), 3);
    assert!(!exported.to_string().contains(SECRET));
    let again = project.run(&["state", "export"], 0).await.json();
    assert_eq!(exported, again);
}

async fn restore(project: &Project, revision: u64) {
    let text = revision.to_string();
    let then = project.run(&["state", "export", "--revision", &text], 0).await.json();
    let now = project.run(&["state", "export"], 0).await.json();
    let asked = project.run(&["state", "restore", &text], 2).await;
    assert!(
        asked.stderr.contains("+ spare: restored from revision") && asked.stderr.contains("--yes"),
        "{asked:?}"
    );
    let unknown = project.run(&["state", "restore", "999", "--yes"], 2).await;
    assert!(unknown.stderr.contains("no revision 999") && unknown.stderr.contains(&text), "{unknown:?}");
    assert_eq!(project.run(&["state", "export"], 0).await.json(), now, "nothing was changed so far");
    let restored = project.run(&["state", "restore", &text, "--yes", "--json"], 0).await.json();
    assert_eq!(restored["serial"].as_u64(), now["serial"].as_u64().map(|serial| serial + 1));
    let back = project.run(&["state", "export"], 0).await.json();
    assert_eq!(back["records"], then["records"]);
    let idle = project.run(&["state", "restore", &text, "--yes"], 0).await;
    assert!(idle.stderr.contains("nothing to do"), "{idle:?}");
    project.declare(INSTANCES);
    project.run(&["plan", "--detailed-exitcode"], 0).await;
}

async fn rename(project: &Project) {
    project.run(&["state", "mv", "db", "web", "--yes"], 2).await;
    project.run(&["state", "mv", "nothing", "other", "--yes"], 2).await;
    project.run(&["state", "mv", "db", "no such ref", "--yes"], 2).await;
    project.run(&["state", "mv", "db", "main", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["main", "spare", "web"]);
    project.declare(&INSTANCES.replace("  db:", "  main:").replace("@db.url", "@main.url"));
    let planned = project.run(&["plan", "--detailed-exitcode"], 0).await;
    assert!(planned.stdout.contains("Nothing to do") || planned.stdout.contains("unchanged"), "{planned:?}");
    let env = project.start(&["env", "--format", "json"]);
    let env = crate::project::finished(env).await;
    assert!(env.stdout.contains(SECRET), "what was sealed opens at its new place");
}

async fn remove(project: &Project) {
    let needed = project.run(&["state", "rm", "main", "--yes"], 1).await;
    assert!(needed.stderr.contains("needed by web"), "{needed:?}");
    let asked = project.run(&["state", "rm", "spare"], 2).await;
    assert!(asked.stderr.contains("stays at broker 'edge'"), "{asked:?}");
    assert_eq!(project.refs().await.len(), 3);
    project.run(&["state", "rm", "spare", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["main", "web"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_sqlite_can_be_looked_at_and_changed_by_hand() {
    story(Project::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_postgresql_can_be_looked_at_and_changed_by_hand() {
    story(Project::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_a_bucket_can_be_looked_at_and_changed_by_hand() {
    story(Project::bucket().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i_05_what_is_protected_is_not_forgotten() {
    let project = Project::sqlite().await;
    project.declare(&INSTANCES.replace("name: shop-spare", "name: shop-spare, protected: true"));
    project.run(&["apply", "--yes"], 0).await;
    let refused = project.run(&["state", "rm", "spare", "--yes"], 1).await;
    assert!(refused.stderr.contains("protected") && refused.stderr.contains("--force"), "{refused:?}");
    project.run(&["state", "rm", "spare", "--yes", "--force"], 0).await;
    assert_eq!(project.refs().await, ["db", "web"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_26_damage_is_told_with_exit_code_7_by_every_verb() {
    let project = Project::sqlite().await;
    project.run(&["apply", "--yes"], 0).await;
    let file = project.folder.path().join(".sutler/state.db");
    let harm = "UPDATE record SET body = replace(body, 'shop-db', 'shop-xx') WHERE reference = 'db'";
    rusqlite::Connection::open(file).unwrap().execute_batch(harm).unwrap();
    for arguments in [
        &["state", "list"][..],
        &["state", "show", "db"],
        &["state", "verify"],
        &["state", "verify", "--full"],
        &["state", "export"],
        &["state", "rm", "db", "--yes"],
        &["state", "mv", "db", "main", "--yes"],
        &["status"],
        &["apply", "--yes"],
    ] {
        let refused = project.run(arguments, 7).await;
        assert!(refused.stderr.contains("'db' is not what was written"), "{arguments:?}: {refused:?}");
    }
}
