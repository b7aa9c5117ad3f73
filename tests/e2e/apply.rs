//! What users do: plan, apply, change, look, tear down.

use serde_json::json;

use crate::golden::assert_golden;
use crate::shop::{
    apply, assert_exactly_the_shop, assert_nothing_left, is_as_declared, mutating_calls, opened_env, run,
    world,
};

#[tokio::test(flavor = "multi_thread")]
async fn applying_the_shop_makes_exactly_what_is_declared_and_teardown_leaves_nothing() {
    let world = world().await;
    let plan = run(&world, &["plan"], 0).await;
    assert!(plan.stdout.contains("5 to create"), "{}", plan.everything());
    assert_golden(&world, "plan-of-the-shop", &plan.stdout);
    assert_nothing_left(&world).await;
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
    run(&world, &["teardown", "--yes"], 0).await;
    assert_nothing_left(&world).await;
    let env = std::fs::read_to_string(world.project().join(".env")).unwrap_or_default();
    assert!(!env.contains("CLOUDFLARE_D1_TOKEN"), "variables of deleted instances are removed: {env}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_apply_asks_the_vendor_to_change_nothing() {
    let world = world().await;
    apply(&world).await;
    let before = mutating_calls(&world).await;
    let again = apply(&world).await;
    assert!(again.stdout.contains("Nothing to do"), "{}", again.everything());
    assert_eq!(mutating_calls(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_parameter_is_one_update_and_nothing_else() {
    let world = world().await;
    apply(&world).await;
    let changed =
        world.config().expect("readable").replace("read_replication: disabled", "read_replication: auto");
    world.write_config(&changed).expect("writable");
    let plan = run(&world, &["plan", "--detailed-exitcode"], 3).await;
    assert!(plan.stdout.contains("1 to update"), "{}", plan.everything());
    assert!(plan.stdout.contains("params.read_replication"), "{}", plan.everything());
    let before = mutating_calls(&world).await;
    apply(&world).await;
    assert_eq!(mutating_calls(&world).await, before + 1, "one PATCH");
    assert_exactly_the_shop(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_worker_secrets_are_added_changed_and_removed_as_a_set() {
    let world = world().await;
    apply(&world).await;
    let changed = world
        .config()
        .expect("readable")
        .replace("SUPPORT_HANDLE: \"@@shop-support\"", "OTHER: \"x${db.database_name}\"")
        .replace("shop=${db.database_id};", "only=");
    world.write_config(&changed).expect("writable");
    apply(&world).await;
    let secrets = world.fake().live().await.expect("the vendor answers").worker_secrets("shop");
    let names: Vec<&str> = secrets.keys().map(String::as_str).collect();
    assert_eq!(names, ["D1_TOKEN", "DATABASES", "OTHER"]);
    assert!(secrets["DATABASES"].starts_with("only=analytics="), "{}", secrets["DATABASES"]);
    assert!(is_as_declared(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_declared_is_kept_until_it_is_pruned() {
    let world = world().await;
    apply(&world).await;
    let text = world.config().expect("readable");
    let without = text.split("  www:\n").next().expect("a first part").to_owned();
    world.write_config(&without).expect("writable");
    let kept = run(&world, &["apply", "--yes"], 0).await;
    assert!(kept.everything().contains("www"), "the undeclared instance is named: {}", kept.everything());
    assert_eq!(world.fake().live().await.expect("answers").pages_domains(), ["www.shop.example"]);
    run(&world, &["apply", "--yes", "--prune"], 0).await;
    assert!(world.fake().live().await.expect("answers").pages_domains().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_what_is_protected_survives_teardown_and_so_does_what_it_needs() {
    let world = world().await;
    let text = world
        .config()
        .expect("readable")
        .replace("name: shop-d1-token", "name: shop-d1-token\n    protected: true");
    world.write_config(&text).expect("writable");
    apply(&world).await;
    run(&world, &["teardown", "--yes"], 0).await;
    let live = world.fake().live().await.expect("answers");
    assert_eq!(live.tokens().len(), 1, "the protected token is kept");
    assert!(
        live.databases().iter().any(|(name, _)| name.starts_with("shop-db")),
        "and the database it needs"
    );
    assert!(live.pages_domains().is_empty(), "the rest is gone");
    run(&world, &["teardown", "--yes", "--force"], 0).await;
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a55_a_teardown_without_yes_says_what_would_go_and_why_and_touches_nothing() {
    let world = world().await;
    let text = world.config().expect("readable");
    let protected = text.replace("name: shop-d1-token", "name: shop-d1-token\n    protected: true");
    world.write_config(&protected).expect("writable");
    apply(&world).await;
    let files = || {
        let read = |name| std::fs::read(world.project().join(name)).expect("readable");
        [".env", ".sutler/state.db", ".sutler/keys"].map(read)
    };
    let (calls, before) = (mutating_calls(&world).await, files());
    let preview = run(&world, &["teardown"], 0).await;
    for told in [
        "- www",
        "- worker-secrets",
        "- analytics-db",
        "api-token is kept: protected; --force deletes all the same",
        "db is kept: still used by api-token",
        "3 to delete",
    ] {
        assert!(preview.stdout.contains(told), "{told}: {}", preview.stdout);
    }
    assert!(
        preview.stderr.contains("Nothing was deleted. To do it, run the same with --yes."),
        "{}",
        preview.stderr
    );
    let forced = run(&world, &["teardown", "--force"], 0).await;
    assert!(
        forced.stdout.contains("it is protected, and --force deletes it all the same"),
        "{}",
        forced.stdout
    );
    assert!(forced.stdout.contains("5 to delete"), "{}", forced.stdout);
    let told = run(&world, &["--json", "teardown"], 0).await;
    let last: serde_json::Value =
        serde_json::from_str(told.stdout.lines().last().expect("a terminal record")).expect("JSON");
    assert_eq!(
        (&last["kind"], &last["preview"], &last["changed"]),
        (&"teardown_result".into(), &true.into(), &false.into())
    );
    assert_eq!((mutating_calls(&world).await, files()), (calls, before));
    run(&world, &["teardown", "--yes", "--force"], 0).await;
    assert_nothing_left(&world).await;
    let again = run(&world, &["teardown", "--yes"], 0).await;
    assert!(again.stdout.contains("nothing to delete"), "{}", again.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_stops_only_its_descendants_and_the_next_apply_finishes() {
    let world = world().await;
    let text = world.config().expect("readable").replace("script: shop", "script: missing");
    world.write_config(&text).expect("writable");
    let partial = run(&world, &["apply", "--yes"], 4).await;
    assert!(
        partial.everything().contains("missing"),
        "the failure names the script: {}",
        partial.everything()
    );
    let live = world.fake().live().await.expect("answers");
    assert_eq!((live.databases().len(), live.tokens().len(), live.pages_domains().len()), (2, 1, 1));
    let text = world.config().expect("readable").replace("script: missing", "script: shop");
    world.write_config(&text).expect("writable");
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_foreign_database_of_the_same_name_is_left_alone() {
    let world = world().await;
    world
        .fake()
        .somebody("d1.create", &json!({}), &json!({ "name": "shop-db" }))
        .await
        .expect("the fake obeys");
    apply(&world).await;
    run(&world, &["teardown", "--yes"], 0).await;
    let names: Vec<String> =
        world.fake().live().await.expect("answers").databases().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["shop-db"], "the foreign one is still there, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_worker_secret_is_a_conflict_and_is_not_overwritten() {
    let world = world().await;
    let foreign = json!({ "name": "SUPPORT_HANDLE", "text": "theirs", "type": "secret_text" });
    let script = json!({ "script_name": "shop" });
    world.fake().somebody("secrets.put", &script, &foreign).await.expect("the fake obeys");
    let partial = run(&world, &["apply", "--yes"], 4).await;
    assert!(partial.everything().contains("SUPPORT_HANDLE"), "{}", partial.everything());
    let secrets = world.fake().live().await.expect("answers").worker_secrets("shop");
    assert_eq!(secrets.get("SUPPORT_HANDLE").map(String::as_str), Some("theirs"));
    assert_eq!(secrets.len(), 1, "nothing was set beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_unbinding_revokes_the_token_at_the_vendor() {
    let world = world().await;
    apply(&world).await;
    let token = opened_env(&world).await["CLOUDFLARE_D1_TOKEN"].as_str().expect("a token").to_owned();
    assert!(world.fake().accepts_token(&token).await.expect("answers"));
    run(&world, &["teardown", "--yes"], 0).await;
    assert!(
        !world.fake().accepts_token(&token).await.expect("answers"),
        "the token is refused after teardown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_output_is_one_versioned_document_and_apply_streams_one_terminal_record() {
    let world = world().await;
    let plan = run(&world, &["--json", "plan"], 0).await.json().expect("JSON");
    assert_eq!((&plan["kind"], &plan["format_version"]), (&"plan".into(), &1.into()));
    let applied = run(&world, &["--json", "apply", "--yes"], 0).await;
    let lines: Vec<serde_json::Value> =
        applied.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["sequence"], number + 1, "{line}");
    }
    let terminal: Vec<_> = lines.iter().filter(|line| line["kind"] == "apply_result").collect();
    assert_eq!(terminal.len(), 1);
    assert_eq!(lines.last().map(|line| &line["kind"]), Some(&"apply_result".into()));
    for verb in ["status", "outputs", "graph", "catalog", "check"] {
        let document = run(&world, &["--json", verb], 0).await.json().expect("JSON");
        assert_eq!((&document["kind"], &document["format_version"]), (&verb.into(), &1.into()), "{document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_is_drawn_as_text_dot_mermaid_and_svg() {
    let world = world().await;
    for (format, beginning) in [("text", ""), ("dot", "digraph"), ("mermaid", "flowchart"), ("svg", "<svg")] {
        let drawn = run(&world, &["graph", "--format", format], 0).await.stdout;
        assert!(drawn.trim_start().starts_with(beginning), "{format}: {drawn}");
        for reference in ["db", "api-token", "worker-secrets", "www"] {
            assert!(drawn.contains(reference), "{format} names {reference}: {drawn}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_apply_wants_to_be_told_yes() {
    let world = world().await;
    let refused = run(&world, &["apply"], 2).await;
    assert!(refused.stderr.contains("--yes"), "{}", refused.everything());
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_with_the_opened_sink_in_its_environment() {
    let world = world().await;
    apply(&world).await;
    let shown = run(&world, &["env", "--", "sh", "-c", "printf %s \"$CLOUDFLARE_D1_ID\""], 0).await;
    let env = opened_env(&world).await;
    assert_eq!(shown.stdout, env["CLOUDFLARE_D1_ID"].as_str().expect("an id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_dotenv_file_is_written_again_without_asking_the_vendor_for_anything() {
    let world = world().await;
    apply(&world).await;
    let before = opened_env(&world).await;
    std::fs::remove_file(world.project().join(".env")).expect("removable");
    assert!(!is_as_declared(&world).await, "the plan says that variables are missing");
    let calls = mutating_calls(&world).await;
    apply(&world).await;
    assert_eq!(opened_env(&world).await, before);
    assert_eq!(mutating_calls(&world).await, calls);
    assert!(is_as_declared(&world).await);
}
