//! It survives: `sutler apply` and the brokers are killed with signal 9 at fifty points each, and run again.

use std::time::{Duration, Instant};

use sutler_tests::world::{World, WorldOptions};

use crate::shop::{apply, assert_exactly_the_shop, assert_nothing_left, run};

/// How many points of a run a kill is tried at.
const POINTS: u32 = 50;

async fn fast_world() -> World {
    let options =
        WorldOptions { pages_delay: Duration::from_millis(30), log_level: "info", ..WorldOptions::default() };
    World::shop(options).await.expect("the world comes up")
}

/// How long an apply from nothing takes here and now; the stack is torn down again.
async fn measure(world: &World) -> Duration {
    let took = apply(world).await.took;
    run(world, &["teardown", "--yes"], 0).await;
    assert_nothing_left(world).await;
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_at_fifty_points_is_finished_by_the_next_one() {
    let world = fast_world().await;
    let whole = measure(&world).await;
    let mut killed = 0;
    for point in 0..POINTS {
        let delay = whole * point / POINTS;
        let running = world.start_sutler(&["apply", "--yes"]).expect("starts");
        tokio::time::sleep(delay).await;
        let ended = running.kill().await.expect("killed");
        if ended.code.is_none() {
            killed += 1;
        }
        apply(&world).await;
        assert_exactly_the_shop(&world).await;
        run(&world, &["teardown", "--yes"], 0).await;
        assert_nothing_left(&world).await;
    }
    assert!(
        killed >= POINTS * 3 / 5,
        "only {killed} of {POINTS} kills met a running apply; the run took {whole:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a63_an_apply_survives_brokers_killed_at_fifty_points() {
    let mut world = fast_world().await;
    let whole = measure(&world).await;
    for point in 0..POINTS {
        let delay = whole * point / POINTS;
        let broker = if point % 2 == 0 { "data" } else { "edge" };
        let running = world.start_sutler(&["apply", "--yes"]).expect("starts");
        tokio::time::sleep(delay).await;
        world.broker_mut(broker).kill().await.expect("killed");
        world.broker_mut(broker).restart().await.expect("restarts on its store");
        // It may have ridden over the gap, or have failed in part: either way the next run finishes.
        running.wait().await.expect("ends by itself");
        apply(&world).await;
        assert_exactly_the_shop(&world).await;
        run(&world, &["teardown", "--yes"], 0).await;
        assert_nothing_left(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_killed_at_ten_points_is_finished_by_the_next_one() {
    let world = fast_world().await;
    apply(&world).await;
    let started = Instant::now();
    run(&world, &["teardown", "--yes"], 0).await;
    let whole = started.elapsed();
    for point in 0..10_u32 {
        apply(&world).await;
        let running = world.start_sutler(&["teardown", "--yes"]).expect("starts");
        tokio::time::sleep(whole * point / 10).await;
        running.kill().await.expect("killed");
        run(&world, &["teardown", "--yes"], 0).await;
        assert_nothing_left(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_finishes_an_accepted_operation_after_its_restart_without_being_asked() {
    let mut world =
        World::shop(WorldOptions { pages_delay: Duration::from_millis(1500), ..WorldOptions::default() })
            .await
            .expect("the world comes up");
    let running = world.start_sutler(&["apply", "--yes"]).expect("starts");
    wait_for(&world, |text| text.contains("/domains")).await;
    running.kill().await.expect("killed");
    world.broker_mut("edge").kill().await.expect("killed");
    world.broker_mut("edge").restart().await.expect("restarts");
    // Nobody asks the broker: the domain becomes active because the broker goes on by itself.
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.fake().live().await.expect("answers").active_pages_domains().is_empty() {
        assert!(Instant::now() < deadline, "the broker did not go on by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
}

/// Waits until the vendor's ledger holds what is looked for.
async fn wait_for(world: &World, found: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(world.fake().ledger_file()).is_ok_and(|text| found(&text)) {
        assert!(Instant::now() < deadline, "the vendor was not asked in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_apply_records_what_is_running_and_the_next_one_goes_on() {
    let world =
        World::shop(WorldOptions { pages_delay: Duration::from_millis(400), ..WorldOptions::default() })
            .await
            .expect("the world comes up");
    let running = world.start_sutler(&["apply", "--yes"]).expect("starts");
    wait_for(&world, |text| text.contains("\"POST\"")).await;
    running.signal("INT").await.expect("sent");
    let ended = running.wait().await.expect("ends");
    assert!(matches!(ended.code, Some(0 | 1 | 4)), "{}", ended.everything());
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a36_two_applies_at_once_do_the_work_once() {
    let world = fast_world().await;
    let first = world.start_sutler(&["apply", "--yes", "--lock-timeout", "60s"]).expect("starts");
    let second = world.start_sutler(&["apply", "--yes", "--lock-timeout", "60s"]).expect("starts");
    for ended in [first.wait().await.expect("ends"), second.wait().await.expect("ends")] {
        assert_eq!(ended.code, Some(0), "{}", ended.everything());
    }
    assert_exactly_the_shop(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_held_by_another_is_exit_code_five_and_names_the_holder() {
    let world =
        World::shop(WorldOptions { pages_delay: Duration::from_millis(1500), ..WorldOptions::default() })
            .await
            .expect("the world comes up");
    let first = world.start_sutler(&["apply", "--yes"]).expect("starts");
    wait_for(&world, |text| text.contains("/domains")).await;
    let refused = run(&world, &["apply", "--yes"], 5).await;
    let holder = first.id().expect("still running").to_string();
    assert!(
        refused.stderr.contains(&holder),
        "the holder's process {holder} is named: {}",
        refused.everything()
    );
    first.wait().await.expect("ends");
    assert_exactly_the_shop(&world).await;
}
