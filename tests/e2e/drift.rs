//! Drift: what is live is asked of the brokers, what differs is told, and state takes it over only when it is certain.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sutler_tests::world::{Finished, World};

use crate::golden::assert_golden;
use crate::shop::{apply, assert_exactly_the_shop, is_as_declared, mutating_calls, run, world};

/// Asks again until it is told what is expected: a broker serves what the vendor said for two seconds (`fetch_cache`).
async fn pull_until(world: &World, arguments: &[&str], told: impl Fn(&Finished) -> bool) -> Finished {
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        let pulled = world.sutler(arguments).await.expect("sutler starts");
        if told(&pulled) {
            return pulled;
        }
        assert!(Instant::now() < patience, "{}", pulled.everything());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn pull_json(world: &World, code: i32) -> Value {
    let pulled = pull_until(world, &["--json", "pull"], |pulled| pulled.code == Some(code)).await;
    pulled.json().expect("JSON")
}

fn verdict<'p>(pulled: &'p Value, reference: &str) -> &'p str {
    let all = pulled["instances"].as_array().expect("a list");
    let one = all.iter().find(|one| one["ref"] == reference).expect("it is told");
    one["verdict"].as_str().expect("a word")
}

async fn database_id(world: &World, part: &str) -> String {
    let databases = world.fake().live().await.expect("answers").databases();
    databases.into_iter().find(|(name, _)| name.starts_with(part)).expect("it is there").1
}

/// Somebody deletes the domain and changes a database, in the dashboard.
async fn somebody_meddles(world: &World) {
    let domain = json!({ "project_name": "shop-site", "domain_name": "www.shop.example" });
    world.fake().somebody("domains.delete", &domain, &json!(null)).await.expect("obeys");
    let database = json!({ "database_id": database_id(world, "shop-db").await });
    let mode = json!({ "read_replication": { "mode": "auto" } });
    world.fake().somebody("d1.patch", &database, &mode).await.expect("obeys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a30_a31_pull_tells_what_is_live_missing_and_drifted_field_by_field() {
    let world = world().await;
    apply(&world).await;
    let live = run(&world, &["pull"], 0).await;
    assert_golden(&world, "pull-of-the-shop", &live.stdout);
    somebody_meddles(&world).await;
    let before = mutating_calls(&world).await;
    let found = pull_until(&world, &["pull"], |pulled| {
        pulled.stdout.contains("missing") && pulled.stdout.contains("drifted")
    })
    .await;
    assert_eq!(found.code, Some(3));
    assert_golden(&world, "pull-after-somebody-meddled", &found.stdout);
    let told = pull_json(&world, 3).await;
    assert_eq!((verdict(&told, "www"), verdict(&told, "db")), ("missing", "drifted"));
    assert_eq!(verdict(&told, "analytics-db"), "live");
    let only = run(&world, &["pull", "analytics-db"], 0).await;
    assert!(!only.stdout.contains("www"), "{}", only.everything());
    run(&world, &["pull", "nobody"], 2).await;
    assert_eq!(mutating_calls(&world).await, before, "nothing was asked of the vendor but to tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_reconcile_forgets_what_is_gone_and_the_next_apply_puts_everything_right() {
    let world = world().await;
    apply(&world).await;
    somebody_meddles(&world).await;
    pull_until(&world, &["pull"], |it| it.stdout.contains("missing") && it.stdout.contains("drifted")).await;
    let refused = run(&world, &["pull", "--reconcile"], 2).await;
    assert!(refused.stderr.contains("--yes"), "{}", refused.everything());
    // the domain is the only instance but one of its broker, whose other one lives
    let done = run(&world, &["pull", "--reconcile", "--yes"], 0).await;
    assert!(done.stdout.contains("2 records written"), "{}", done.everything());
    let listed = run(&world, &["state", "list"], 0).await;
    assert!(!listed.stdout.contains("www"), "{}", listed.everything());
    let told = run(&world, &["history", "www"], 0).await;
    assert!(told.stdout.contains("does not exist any more"), "a tombstone: {}", told.everything());
    let again = run(&world, &["pull", "--reconcile", "--yes"], 0).await;
    assert!(again.stderr.contains("nothing to take over"), "{}", again.everything());
    let plan = run(&world, &["plan"], 0).await;
    for words in ["1 to create, 1 to update", "read_replication was changed at the vendor"] {
        assert!(plan.stdout.contains(words), "{words}: {}", plan.everything());
    }
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
    pull_json(&world, 0).await;
    run(&world, &["check"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_what_is_protected_is_kept_although_it_is_gone_unless_forced() {
    let world = world().await;
    apply(&world).await;
    let text = world.config().expect("readable").replace("  www:\n", "  www:\n    protected: true\n");
    world.write_config(&text).expect("writable");
    let domain = json!({ "project_name": "shop-site", "domain_name": "www.shop.example" });
    world.fake().somebody("domains.delete", &domain, &json!(null)).await.expect("obeys");
    pull_until(&world, &["pull"], |pulled| pulled.stdout.contains("missing")).await;
    let kept = run(&world, &["pull", "--reconcile", "--yes"], 3).await;
    assert!(
        kept.stderr.contains("protected"),
        "protection of the configuration counts: {}",
        kept.everything()
    );
    assert!(run(&world, &["state", "list"], 0).await.stdout.contains("www"));
    run(&world, &["pull", "--reconcile", "--yes", "--force"], 0).await;
    assert!(!run(&world, &["state", "list"], 0).await.stdout.contains("www"));
}

/// What stands between the broker and the vendor, or is the vendor's bad day.
fn bad_days() -> Vec<(&'static str, Value)> {
    let answer = |status: u16, body: Value| json!({ "answer": { "status": status, "body": body } });
    let failure = |code: i64| json!({ "success": false, "errors": [{ "code": code, "message": "no" }], "messages": [], "result": null });
    vec![
        ("401", answer(401, failure(10000))),
        ("403", answer(403, failure(9109))),
        ("429", answer(429, failure(10013))),
        ("500", answer(500, failure(7500))),
        ("503", answer(503, json!("<html>busy</html>"))),
        ("a page of HTML", answer(200, json!("<html>login</html>"))),
        ("HTML with 404", answer(404, json!("<html>not here</html>"))),
        (
            "an empty list",
            answer(200, json!({ "success": true, "errors": [], "messages": [], "result": [] })),
        ),
        ("a dropped connection", json!("drop_response")),
        ("silence", json!({ "delay": { "milliseconds": 1500, "after_work": false } })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_i_08_a_vendor_on_a_bad_day_changes_nothing() {
    let world = world().await;
    apply(&world).await;
    let before = run(&world, &["--json", "state", "export"], 0).await.stdout;
    for (what, action) in bad_days() {
        // every read of a database, whatever is cached or repeated
        let fault =
            json!({ "method": "GET", "path": "*/d1/database/*", "times": 1_000_000, "action": action });
        world.fake().control("/__control/faults", &fault).await.expect("obeys");
        let pulled =
            pull_until(&world, &["--json", "pull", "--wait", "0s", "db", "analytics-db"], |pulled| {
                pulled.json().is_ok_and(|told| {
                    verdict(&told, "db") == "unknown" && verdict(&told, "analytics-db") == "unknown"
                })
            })
            .await;
        assert_eq!(pulled.code, Some(1), "{what}: {}", pulled.everything());
        let arguments = ["pull", "--wait", "0s", "--reconcile", "--yes", "db", "analytics-db"];
        let reconciled = run(&world, &arguments, 1).await;
        assert!(reconciled.stderr.contains("nothing to take over"), "{what}: {}", reconciled.everything());
        world.fake().clear_faults().await.expect("obeys");
    }
    assert_eq!(run(&world, &["--json", "state", "export"], 0).await.stdout, before);
    assert!(is_as_declared(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_at_a_broker_that_is_down_is_unknown_and_the_rest_is_told() {
    let mut world = world().await;
    apply(&world).await;
    world.broker_mut("edge").kill().await.expect("killed");
    let pulled = run(&world, &["--json", "pull"], 4).await.json().expect("JSON");
    for (reference, expected) in [("db", "live"), ("www", "unknown"), ("worker-secrets", "unknown")] {
        assert_eq!(verdict(&pulled, reference), expected, "{pulled}");
    }
    run(&world, &["pull", "--reconcile", "--yes"], 4).await;
    assert!(run(&world, &["state", "list"], 0).await.stdout.contains("www"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_told_as_text_json_junit_and_annotations_at_the_declaration() {
    let world = world().await;
    apply(&world).await;
    somebody_meddles(&world).await;
    let text = world.config().expect("readable").replace("ttl_hours: 720", "ttl_hours: 360");
    world.write_config(&text).expect("writable");
    pull_until(&world, &["pull"], |it| it.stdout.contains("missing") && it.stdout.contains("drifted")).await;
    for format in ["text", "json", "junit", "github"] {
        let checked = run(&world, &["check", "--format", format], 3).await;
        assert_golden(&world, &format!("check-as-{format}"), &checked.stdout);
    }
    let declared = world.config().expect("readable");
    let line = declared.lines().position(|line| line == "  www:").expect("it is declared") + 1;
    let annotated = run(&world, &["check", "--format", "github"], 3).await;
    let expected =
        format!("::error file=sutler.yaml,line={line},col=3,title=sutler%3A www is missing::www: ");
    assert!(annotated.stdout.contains(&expected), "{expected}\n{}", annotated.everything());
    let dashed = run(&world, &["--json", "check"], 3).await;
    assert_eq!(
        dashed.json().expect("JSON"),
        run(&world, &["check", "--format", "json"], 3).await.json().expect("JSON")
    );
}
