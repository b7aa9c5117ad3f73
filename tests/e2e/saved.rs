//! Saved plans: what was looked at is what runs, or nothing does (I-21, S-36); and an older state is noticed (S-37).

use sutler_tests::world::World;

use crate::shop::{apply, assert_exactly_the_shop, assert_nothing_left, mutating_calls, run, world};

#[tokio::test(flavor = "multi_thread")]
async fn a29_i_21_a_saved_plan_is_carried_out_exactly_without_asking() {
    let world = world().await;
    let saved = run(&world, &["plan", "--out", "shop.plan"], 0).await;
    assert!(saved.everything().contains("sutler apply shop.plan"), "{}", saved.everything());
    let text = std::fs::read_to_string(world.project().join("shop.plan")).expect("it was saved");
    assert!(text.starts_with("sutler:v1:") && !text.contains("shop-db"), "it is sealed");
    let shown = run(&world, &["show", "shop.plan"], 0).await;
    assert_eq!(shown.stdout, saved.stdout, "what is shown is what was planned");
    let json = run(&world, &["show", "shop.plan", "--json"], 0).await.json().expect("JSON");
    assert_eq!(json["kind"], "saved_plan");
    assert_eq!(json["plan"]["steps"].as_array().expect("steps").len(), 5);
    run(&world, &["apply", "shop.plan"], 0).await;
    assert_exactly_the_shop(&world).await;
    let stale = run(&world, &["apply", "shop.plan"], 8).await;
    assert!(stale.everything().contains("state"), "it was carried out once: {}", stale.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn i_21_a_plan_is_stale_once_anything_it_was_made_from_moved() {
    let world = world().await;
    run(&world, &["plan", "--out", "first.plan"], 0).await;
    let before = world.config().expect("readable");
    world.write_config(&before.replace("shop-analytics", "shop-numbers")).expect("writable");
    let stale = run(&world, &["apply", "first.plan"], 8).await;
    let told = stale.everything();
    assert!(told.contains("the configuration is another one") && told.contains("analytics-db"), "{told}");
    assert!(told.contains("sutler plan --out"), "{told}");
    assert_nothing_left(&world).await;
    world.write_config(&before).expect("writable");
    apply(&world).await;
    let stale = run(&world, &["apply", "first.plan", "--json"], 8).await;
    let last: serde_json::Value =
        serde_json::from_str(stale.stdout.lines().last().expect("a terminal record")).expect("JSON");
    assert_eq!((&last["kind"], &last["exit_code"]), (&"apply_result".into(), &8.into()));

    world
        .write_config(&before.replace("read_replication: disabled", "read_replication: auto"))
        .expect("writable");
    run(&world, &["plan", "--out", "second.plan"], 0).await;
    run(&world, &["plan", "--out", "third.plan", "--target", "db"], 0).await;
    let calls = mutating_calls(&world).await;
    run(&world, &["apply", "third.plan"], 0).await;
    assert_eq!(mutating_calls(&world).await, calls + 1, "one PATCH");
    let stale = run(&world, &["apply", "second.plan"], 8).await;
    assert!(stale.everything().contains("from serial"), "{}", stale.everything());
    assert_eq!(mutating_calls(&world).await, calls + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plan_of_ours_is_refused() {
    let world = world().await;
    run(&world, &["plan", "--out", "shop.plan"], 0).await;
    let path = world.project().join("shop.plan");
    let text = std::fs::read_to_string(&path).expect("readable");
    let (start, end) = text.trim_end().split_at(text.len() / 2);
    let flipped = match end.strip_prefix('A') {
        Some(rest) => format!("{start}B{rest}"),
        None => format!("{start}A{}", &end[1..]),
    };
    for (content, code) in
        [(flipped, 7), ("stack: shop\n".to_owned(), 2), (String::new(), 2), ("sutler:v1:AQ".to_owned(), 2)]
    {
        std::fs::write(&path, content).expect("writable");
        run(&world, &["apply", "shop.plan"], code).await;
        run(&world, &["show", "shop.plan"], code).await;
    }
    std::fs::write(&path, &text).expect("writable");
    std::fs::remove_file(keys(&world)).expect("the ring is there");
    run(&world, &["apply", "shop.plan"], 7).await;
    run(&world, &["apply", "no-such.plan"], 1).await;
    run(&world, &["apply", "shop.plan", "--prune"], 2).await;
    assert_nothing_left(&world).await;
}

fn keys(world: &World) -> std::path::PathBuf {
    world.project().join(".sutler/keys")
}

#[tokio::test(flavor = "multi_thread")]
async fn s_37_an_older_state_is_noticed_and_taken_only_when_asked() {
    let world = world().await;
    apply(&world).await;
    let state = world.project().join(".sutler");
    let copy = world.project().join("backup");
    std::fs::create_dir(&copy).expect("a folder");
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::copy(state.join(name), copy.join(name));
    }
    let before = world.config().expect("readable");
    world
        .write_config(&before.replace("read_replication: disabled", "read_replication: auto"))
        .expect("writable");
    apply(&world).await;
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(state.join(name));
        let _ = std::fs::copy(copy.join(name), state.join(name));
    }
    let calls = mutating_calls(&world).await;
    for arguments in [&["plan"][..], &["apply", "--yes"], &["outputs"], &["check"], &["history", "db"]] {
        let refused = run(&world, arguments, 7).await;
        let told = refused.everything();
        assert!(told.contains("rolled back") && told.contains("--accept-rollback"), "{told}");
    }
    assert_eq!(mutating_calls(&world).await, calls);
    run(&world, &["apply", "--yes", "--accept-rollback"], 0).await;
    run(&world, &["plan", "--detailed-exitcode"], 0).await;

    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(state.join(name));
    }
    let lost = run(&world, &["apply", "--yes"], 7).await;
    assert!(lost.everything().contains("none at all"), "{}", lost.everything());
    assert_exactly_nothing_more(&world, calls).await;
}

/// A lost state makes no twins.
async fn assert_exactly_nothing_more(world: &World, least: usize) {
    let databases = world.fake().live().await.expect("the vendor answers").databases();
    assert_eq!(databases.len(), 2, "{databases:?}");
    assert!(mutating_calls(world).await >= least);
}
