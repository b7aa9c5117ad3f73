//! Environments that are fresh, that existed before, that are ahead, and that went their own way.

use super::{
    FIRST, calls, copy, files, folder, is_as_declared, larger, ledger, outcomes, run_in, status,
    three_migrations, without_spare,
};
use crate::project::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_environment_is_brought_to_the_end_step_by_step() {
    let project = three_migrations().await;
    assert!(calls(&project).await.is_empty(), "generating changes nothing anywhere");
    assert_eq!(
        status(&project, 3).await,
        ["0001_init pending", "0002_larger pending", "0003_no-spare pending"]
    );
    let refused = project.run(&["migrate"], 2).await;
    assert!(refused.stderr.contains("--yes"), "nobody can be asked here: {refused:#?}");
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0001_init applied", "0002_larger applied", "0003_no-spare applied"]);
    let mut first = calls(&project).await;
    first[..3].sort();
    assert_eq!(first, ["PUT shop-db", "PUT shop-spare", "PUT shop-web", "PATCH shop-db", "DELETE"]);
    assert!(is_as_declared(&project).await);
    assert_eq!(ledger(&project).await, ["0001_init applied", "0002_larger applied", "0003_no-spare applied"]);
    assert_eq!(status(&project, 0).await.len(), 3);
    let again = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert!(outcomes(&again).is_empty(), "a second run has nothing to do: {again:#?}");
    assert_eq!(calls(&project).await.len(), 5);
    project.run(&["migrations", "verify"], 0).await;
    project.run(&["state", "verify", "--full"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_to_do_nothing_is_written() {
    let project = Project::sqlite().await;
    project.declare(" {}\n");
    let none = project.run(&["generate"], 0).await;
    assert!(none.stdout.contains("Nothing to do") && !folder(&project).exists(), "{none:#?}");
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    let before = files(&folder(&project));
    // nobody is asked: not even for a catalog
    let asked = project.broker.received_requests().await.unwrap().len();
    project.run(&["generate"], 0).await;
    assert_eq!(files(&folder(&project)), before);
    assert_eq!(project.broker.received_requests().await.unwrap().len(), asked);
    project.run(&["migrate", "--yes"], 0).await;
    let serial = project.run(&["state", "export"], 0).await.json()["serial"].clone();
    project.run(&["migrate", "--yes"], 0).await;
    assert_eq!(project.run(&["state", "export"], 0).await.json()["serial"], serial);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_was_applied_before_is_taken_as_it_is() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["apply", "--yes"], 0).await;
    let before = calls(&project).await;
    project.run(&["generate"], 0).await;
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0001_init was_there"]);
    assert_eq!(calls(&project).await, before, "nothing is made twice");
    project.declare(&larger());
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    assert_eq!(calls(&project).await[before.len()..], ["PATCH shop-db"]);
    assert!(is_as_declared(&project).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a41_an_environment_that_is_ahead_is_refused_and_never_rolled_back() {
    let project = three_migrations().await;
    // somebody applied what is declared now: the end of the chain
    project.run(&["apply", "--yes"], 0).await;
    let before =
        (calls(&project).await, project.run(&["state", "export"], 0).await.json()["records"].clone());
    let refused = project.run(&["migrate", "--yes", "--json"], 8).await;
    assert!(outcomes(&refused).is_empty());
    for told in
        ["0001_init", "db is neither as it was before nor as it is to be", "sutler migrations skip 0001_init"]
    {
        assert!(refused.stderr.contains(told), "{told}: {refused:#?}");
    }
    let after = (calls(&project).await, project.run(&["state", "export"], 0).await.json()["records"].clone());
    assert_eq!(before, after, "nothing was touched");
    assert!(ledger(&project).await.is_empty());
    // what it does not need is decided; the rest fits
    for id in ["0001_init", "0002_larger"] {
        project.run(&["migrations", "skip", id, "--reason", "applied by hand"], 0).await;
    }
    let run = project.run(&["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0003_no-spare was_there"]);
    assert_eq!(calls(&project).await, before.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a41_what_was_taken_out_long_ago_is_not_made_again_to_be_taken_out() {
    let project = Project::sqlite().await;
    let without = FIRST.replace("  spare: { service: database, name: shop-spare }\n", "");
    for instances in [FIRST, &without] {
        project.declare(instances);
        project.run(&["generate"], 0).await;
    }
    project.run(&["apply", "--yes"], 0).await;
    let before = calls(&project).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(refused.stderr.contains("db is already as it is to be, although"), "{refused:#?}");
    assert_eq!(calls(&project).await, before, "spare was neither made nor deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a41_an_environment_that_went_its_own_way_is_refused_with_the_difference() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    // a hotfix by hand
    project.declare(&FIRST.replace("size: 1", "size: 9"));
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&larger());
    project.run(&["generate", "--name", "larger"], 0).await;
    let before = calls(&project).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(
        refused.stderr.contains("db is neither as it was before nor as it is to be: size changes"),
        "{refused:#?}"
    );
    assert_eq!(calls(&project).await, before);
    // what is missing is a difference too
    project.declare(FIRST);
    project.run(&["apply", "--yes"], 0).await;
    project.run(&["state", "rm", "db", "--force", "--yes"], 0).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(refused.stderr.contains("it is not there, and was before the migration"), "{refused:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a42_what_no_step_names_is_never_deleted() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    // applied by hand, and in no snapshot
    project.declare(&format!("{FIRST}  extra: {{ service: database, name: shop-extra }}\n"));
    project.run(&["apply", "--yes"], 0).await;
    project.declare(&without_spare());
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["db", "extra", "web"], "only what the steps name goes");
    assert_eq!(calls(&project).await.iter().filter(|call| *call == "DELETE").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a42_what_others_still_use_is_not_deleted_under_them() {
    let project = Project::sqlite().await;
    let bound = FIRST.replace("name: shop-spare", "name: shop-spare, bind: { url: SPARE_URL }");
    project.declare(&bound);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    project.declare(&format!("{bound}  extra: {{ service: database, params: {{ url: '@spare.url' }} }}\n"));
    project.run(&["apply", "--yes"], 0).await;
    let before = calls(&project).await;
    project.declare(&without_spare());
    project.run(&["generate"], 0).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(refused.stderr.contains("spare cannot be taken out: still used by extra"), "{refused:#?}");
    assert_eq!(calls(&project).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a43_a_change_of_protection_or_variables_is_a_migration() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    for (name, change, word) in [
        ("protect", ("name: shop-spare", "name: shop-spare, protected: true"), "record"),
        ("rename-variable", ("DB_PASSWORD", "DATABASE_PASSWORD"), "record"),
        ("bind", ("name: shop-spare", "name: shop-spare, bind: { url: SPARE_URL }"), "rebind"),
    ] {
        project.declare(&FIRST.replace(change.0, change.1));
        let written = project.run(&["generate", "--name", name, "--json"], 0).await.json();
        assert_eq!(written["steps"][0]["action"], word, "{written}");
        project.run(&["migrate", "--yes"], 0).await;
        assert!(is_as_declared(&project).await, "{name}");
        // and back
        project.declare(FIRST);
        project.run(&["generate", "--name", "back"], 0).await;
        project.run(&["migrate", "--yes"], 0).await;
        assert!(is_as_declared(&project).await, "{name}");
    }
    assert_eq!(calls(&project).await.len(), 3, "no instance was asked to change");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_protected_is_not_taken_out_by_the_way() {
    let project = Project::sqlite().await;
    project.declare(&FIRST.replace("name: shop-spare", "name: shop-spare, protected: true"));
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    project.declare(&FIRST.replace("  spare: { service: database, name: shop-spare }\n", ""));
    let refused = project.run(&["generate"], 2).await;
    assert!(refused.stderr.contains("spare") && refused.stderr.contains("protected"), "{refused:#?}");
    project.run(&["generate", "--force"], 0).await;
    let before = calls(&project).await;
    let refused = project.run(&["migrate", "--yes"], 8).await;
    assert!(
        refused.stderr.contains("spare cannot be taken out") && refused.stderr.contains("--force"),
        "{refused:#?}"
    );
    assert_eq!(calls(&project).await, before);
    project.run(&["migrate", "--yes", "--force"], 0).await;
    assert_eq!(project.refs().await, ["db", "web"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_environment_runs_the_same_migrations_by_itself() {
    let project = three_migrations().await;
    project.run(&["migrate", "--yes"], 0).await;
    let other = tempfile::tempdir().unwrap();
    copy(&folder(&project), &other.path().join("migrations"));
    std::fs::copy(project.folder.path().join("sutler.yaml"), other.path().join("sutler.yaml")).unwrap();
    let before = calls(&project).await;
    let run = run_in(other.path(), &["migrate", "--yes", "--json"], 0).await;
    assert_eq!(outcomes(&run), ["0001_init applied", "0002_larger applied", "0003_no-spare applied"]);
    assert_eq!(
        calls(&project).await.len(),
        2 * before.len(),
        "the same deltas, in an environment of its own"
    );
    run_in(other.path(), &["plan", "--detailed-exitcode"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a43_another_service_is_a_replacement_which_is_finished_wherever_it_was_killed() {
    let replaced = FIRST.replace("  db: { service: database,", "  db: { service: cache,");
    for kill in [
        "none",
        "O03-after=kill",
        "O04-after=kill",
        "O07-after=kill",
        "O16-intent=kill",
        "O16-sent=kill",
        "O17-before=kill",
    ] {
        let project = Project::sqlite().await;
        project.declare(FIRST);
        project.run(&["generate"], 0).await;
        project.run(&["migrate", "--yes"], 0).await;
        project.declare(&replaced);
        let written = project.run(&["generate", "--json"], 0).await.json();
        assert_eq!(written["steps"][0]["action"], "replace", "{written}");
        let lint = project.run(&["migrations", "lint", "--json"], 3).await.json();
        assert_eq!(lint["dangers"][0]["danger"], "replace", "{lint}");
        if kill != "none" {
            project.run_with(&[("SUTLER_FAULTS", kill)], &["migrate", "--yes"]).await;
        }
        project.run(&["migrate", "--yes"], 0).await;
        assert!(is_as_declared(&project).await, "{kill}");
        let requests = project.broker.received_requests().await.unwrap();
        let gone: std::collections::BTreeSet<&str> = requests
            .iter()
            .filter(|request| request.method.as_str() == "DELETE" && !request.url.path().contains("bindings"))
            .map(|request| request.url.path())
            .collect();
        assert_eq!(gone.len(), 1, "{kill}: the old one goes, and nothing else: {gone:?}");
        assert_eq!(ledger(&project).await.last().unwrap(), "0002_change applied", "{kill}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ref_that_is_renamed_or_forgotten_is_a_step_too_and_nobody_is_asked() {
    let project = Project::sqlite().await;
    project.declare(FIRST);
    project.run(&["generate"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    let before = calls(&project).await;
    let renamed = FIRST.replace("  spare:", "  reserve:");
    project.declare(&format!("{renamed}moved: {{ spare: reserve }}\n"));
    let written = project.run(&["generate", "--name", "rename", "--json"], 0).await.json();
    assert_eq!(written["steps"].as_array().unwrap().len(), 1, "{written}");
    project.run(&["migrate", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["db", "reserve", "web"]);
    project.declare(&format!(
        "{}removed: [reserve]\n",
        renamed.replace("  reserve: { service: database, name: shop-spare }\n", "")
    ));
    project.run(&["generate", "--name", "forget"], 0).await;
    project.run(&["migrate", "--yes"], 0).await;
    assert_eq!(project.refs().await, ["db", "web"]);
    assert_eq!(calls(&project).await, before);
    assert_eq!(ledger(&project).await, ["0001_init applied", "0002_rename applied", "0003_forget applied"]);
    assert!(is_as_declared(&project).await);
    // a fresh environment goes the same way
    let fresh = tempfile::tempdir().unwrap();
    copy(&folder(&project), &fresh.path().join("migrations"));
    std::fs::copy(project.folder.path().join("sutler.yaml"), fresh.path().join("sutler.yaml")).unwrap();
    run_in(fresh.path(), &["migrate", "--yes"], 0).await;
    run_in(fresh.path(), &["plan", "--detailed-exitcode"], 0).await;
}
