//! Bad input ends in an error that says what, where and what to do, with the right exit code, before anything changed.

use crate::golden::assert_golden;
use crate::shop::{apply, assert_nothing_left, run, world};

/// A change to the shop's configuration, the expected exit code, and what the error must say.
const CASES: &[(&str, &str, &str, i32, &[&str])] = &[
    ("broken YAML", "stack: shop", "stack: [shop", 2, &["sutler.yaml:"]),
    (
        "unknown field",
        "  db:\n    service",
        "  db:\n    servise: x\n    service",
        2,
        &["servise", "sutler.yaml:"],
    ),
    ("unknown reference", "\"@db.database_id\"", "\"@dp.database_id\"", 2, &["dp", "sutler.yaml:"]),
    (
        "cycle",
        "name: shop-analytics",
        "params: { read_replication: \"@worker-secrets.x\" }",
        2,
        &["worker-secrets"],
    ),
    (
        "unknown service",
        "service: cloudflare-pages-domain",
        "service: cloudflare-page-domain",
        2,
        &["cloudflare-page-domain", "sutler.yaml:"],
    ),
    ("unknown plan", "name: shop-analytics", "plan: huge", 2, &["huge", "standard", "sutler.yaml:"]),
    (
        "parameter against the schema",
        "primary_location_hint: weur",
        "primary_location_hint: mars",
        2,
        &["primary_location_hint", "sutler.yaml:"],
    ),
    ("unknown parameter", "ttl_hours: 720", "ttl_ours: 720", 2, &["ttl_ours", "sutler.yaml:"]),
    (
        "unknown broker",
        "service: cloudflare-token",
        "service: nowhere/cloudflare-token",
        2,
        &["nowhere", "sutler.yaml:"],
    ),
    ("unknown output", "\"@api-token.token\"", "\"@api-token.tokken\"", 2, &["tokken", "sutler.yaml:"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a27_bad_configuration_is_refused_before_anything_is_changed() {
    let world = world().await;
    let good = world.config().expect("readable");
    for (name, from, to, code, expected) in CASES {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{name}: the case changes nothing");
        world.write_config(&bad).expect("writable");
        for verb in [&["plan"][..], &["apply", "--yes"]] {
            let refused = run(&world, verb, *code).await;
            for text in *expected {
                assert!(
                    refused.stderr.contains(text),
                    "{name}: '{text}' is not said\n{}",
                    refused.everything()
                );
            }
        }
    }
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_ref_is_refused() {
    let world = world().await;
    let text = world.config().expect("readable") + "  db:\n    service: cloudflare-d1\n";
    world.write_config(&text).expect("writable");
    let refused = run(&world, &["plan"], 2).await;
    assert_golden(&world, "duplicate-ref", &refused.stderr);
    assert!(refused.stderr.contains("db"), "{}", refused.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_two_brokers_offer_must_say_which() {
    let world = world().await;
    let data = world.broker("data").url();
    let twice = format!(
        "brokers:\n  copy:\n    url: {data}\n    auth: {{ basic: {{ username: platform, password: {{ env: DATA_BROKER_PASSWORD }} }} }}\n"
    );
    let text = world.config().expect("readable").replacen("brokers:\n", &twice, 1);
    world.write_config(&text).expect("writable");
    let refused = run(&world, &["plan"], 2).await;
    assert_golden(&world, "ambiguous-service", &refused.stderr);
    for said in ["cloudflare-d1", "copy/cloudflare-d1", "data/cloudflare-d1"] {
        assert!(refused.stderr.contains(said), "'{said}' is not said\n{}", refused.everything());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_cannot_be_reached_is_named() {
    let mut world = world().await;
    world.broker_mut("edge").kill().await.expect("killed");
    let refused = run(&world, &["apply", "--yes"], 1).await;
    assert_golden(&world, "unreachable-broker", &refused.stderr);
    assert!(refused.stderr.contains("edge"), "{}", refused.everything());
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_apply_ends_its_json_stream_with_the_one_terminal_record() {
    let mut world = world().await;
    world.broker_mut("edge").kill().await.expect("killed");
    let failed = run(&world, &["--json", "apply", "--yes"], 1).await;
    let lines: Vec<serde_json::Value> =
        failed.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let last = lines.last().expect("a terminal record");
    assert_eq!((&last["kind"], &last["exit_code"]), (&"apply_result".into(), &1.into()));
    assert!(last["error"].as_str().is_some_and(|error| error.contains("edge")), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_never_shown() {
    let world = world().await;
    let text = world.config().expect("readable").replacen(
        "{ env: DATA_BROKER_PASSWORD }",
        "{ file: wrong.password }",
        1,
    );
    world.write_config(&text).expect("writable");
    std::fs::write(world.project().join("wrong.password"), "not-the-password-at-all").expect("writable");
    let refused = run(&world, &["plan"], 1).await;
    assert_golden(&world, "wrong-password", &refused.stderr);
    assert!(refused.stderr.contains("data"), "{}", refused.everything());
    assert!(refused.stderr.contains("password"), "{}", refused.everything());
    assert!(!refused.stderr.contains("not-the-password-at-all"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_password_variable_is_a_configuration_error() {
    let world = world().await;
    let text = world.config().expect("readable").replacen("DATA_BROKER_PASSWORD", "NOT_SET_ANYWHERE", 1);
    world.write_config(&text).expect("writable");
    let refused = run(&world, &["plan"], 2).await;
    assert_golden(&world, "missing-password", &refused.stderr);
    assert!(refused.stderr.contains("NOT_SET_ANYWHERE"), "{}", refused.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_answers_garbage_is_named() {
    let world = world().await;
    let server = wiremock::MockServer::start().await;
    let garbage = wiremock::ResponseTemplate::new(200).set_body_string("<html>hello</html>");
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(garbage).mount(&server).await;
    let text = world.config().expect("readable").replace(&world.broker("edge").url(), &server.uri());
    world.write_config(&text).expect("writable");
    let refused = run(&world, &["apply", "--yes"], 1).await;
    assert_golden(&world, "garbage-broker", &refused.stderr);
    assert!(refused.stderr.contains("edge"), "{}", refused.everything());
    assert_nothing_left(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_of_another_stack_is_refused_with_exit_code_seven() {
    let world = world().await;
    apply(&world).await;
    let text = world.config().expect("readable").replace("stack: shop", "stack: other");
    world.write_config(&text).expect("writable");
    for verb in [&["plan"][..], &["apply", "--yes"], &["teardown", "--yes"]] {
        let refused = run(&world, verb, 7).await;
        assert!(
            refused.stderr.contains("shop") && refused.stderr.contains("other"),
            "{}",
            refused.everything()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_with_exit_code_seven_and_nothing_is_lost() {
    let world = world().await;
    apply(&world).await;
    let keys = world.project().join(".sutler/keys");
    let right = std::fs::read(&keys).expect("the key ring is there");
    std::fs::remove_file(&keys).expect("removable");
    for verb in [&["apply", "--yes"][..], &["outputs"], &["env"]] {
        let refused = run(&world, verb, 7).await;
        assert!(refused.stderr.contains("key"), "{}", refused.everything());
        assert_golden(&world, "wrong-key", &refused.stderr);
    }
    std::fs::remove_file(&keys).ok();
    write_private(&keys, &right);
    run(&world, &["check"], 0).await;
}

/// Puts the key ring back the way it was made.
fn write_private(path: &std::path::Path, bytes: &[u8]) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).expect("writable");
    file.write_all(bytes).expect("writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_state_is_refused_with_exit_code_seven_and_not_overwritten() {
    let world = world().await;
    apply(&world).await;
    let state = world.project().join(".sutler/state.db");
    let damaged = b"this is not a database".repeat(300);
    for file in ["state.db-wal", "state.db-shm"] {
        std::fs::remove_file(world.project().join(".sutler").join(file)).ok();
    }
    std::fs::write(&state, &damaged).expect("writable");
    for verb in [&["plan"][..], &["apply", "--yes"], &["status"]] {
        let refused = run(&world, verb, 7).await;
        assert_golden(&world, "damaged-state", &refused.stderr);
    }
    assert_eq!(std::fs::read(&state).expect("readable"), damaged, "left as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_configuration_at_all_says_how_to_begin() {
    let world = world().await;
    std::fs::remove_file(world.project().join("sutler.yaml")).expect("removable");
    let refused = run(&world, &["plan"], 2).await;
    assert_golden(&world, "no-configuration", &refused.stderr);
    assert!(refused.stderr.contains("sutler init"), "{}", refused.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_written_in_the_file_works_on_loopback_with_a_warning_and_is_never_shown() {
    let world = world().await;
    let password = world.broker("data").password().to_owned();
    let text = world.config().expect("readable").replacen("{ env: DATA_BROKER_PASSWORD }", &password, 1);
    world.write_config(&text).expect("writable");
    let planned = run(&world, &["plan"], 0).await;
    assert!(planned.stderr.contains("written in the"), "{}", planned.everything());
    let broken = text.replacen("primary_location_hint: weur", "primary_location_hint: mars", 1);
    world.write_config(&broken).expect("writable");
    let refused = run(&world, &["plan"], 2).await;
    assert!(!refused.everything().contains(&password), "a problem elsewhere does not quote it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a53_what_was_done_before_a_failure_is_told_while_it_is_done() {
    let world = world().await;
    let text = world.config().expect("readable").replace("script: shop", "script: missing");
    world.write_config(&text).expect("writable");
    let failed = run(&world, &["--json", "apply", "--yes"], 4).await;
    let lines: Vec<serde_json::Value> =
        failed.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["sequence"].as_u64()).collect();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>(), "one after the other");
    let terminal: Vec<_> = lines.iter().filter(|line| line["kind"] == "apply_result").collect();
    assert_eq!(terminal, [lines.last().expect("a last one")]);
    assert_eq!(terminal[0]["exit_code"], 4);
    let told = failed.stdout.find("\"api-token\"").expect("what was made is named");
    assert!(failed.stdout[told..].contains("apply_result"), "and before the end: {}", failed.stdout);
    for (reference, word) in [("db", "done"), ("api-token", "done"), ("worker-secrets", "failed")] {
        let is_told = |line: &serde_json::Value| {
            line["kind"] == "apply_progress"
                && line.to_string().contains(reference)
                && line.to_string().contains(word)
        };
        assert!(lines.iter().any(is_told), "{reference} {word}: {}", failed.stdout);
    }
    let people = run(&world, &["apply", "--yes"], 4).await;
    assert!(people.stderr.contains("1 failed") && people.stderr.contains("missing"), "{}", people.stderr);
}
