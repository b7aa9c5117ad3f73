//! Stopping and not waiting: signals to the real process, `--detach`, `status --wait`.

use std::time::Duration;

use sutler_tests::world::{World, WorldOptions};

use crate::shop::{apply, assert_exactly_the_shop, run};

/// A vendor that is slow enough to be interrupted.
async fn slow() -> World {
    let options = WorldOptions { pages_delay: Duration::from_millis(1_500), ..WorldOptions::default() };
    World::shop(options).await.expect("the world comes up")
}

async fn until_polled(world: &World) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(world.fake().ledger_file()).unwrap_or_default();
        if text.contains("/domains") {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "the vendor was not asked in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_once_finishes_what_runs_and_twice_stops_at_a_safe_point() {
    for signals in [1, 2] {
        let world = slow().await;
        let running = world.start_sutler(&["apply", "--yes"]).expect("starts");
        until_polled(&world).await;
        running.signal("INT").await.expect("sent");
        if signals == 2 {
            wait_for_word(&world, "Stopping: nothing new").await;
            running.signal("INT").await.expect("sent");
        }
        let ended = running.wait().await.expect("ends");
        assert!(ended.stderr.contains("Stopping: nothing new"), "{}", ended.everything());
        let domain_is_active = !world.fake().live().await.expect("answers").active_pages_domains().is_empty();
        match signals {
            1 => assert!(domain_is_active, "what ran is finished: {}", ended.everything()),
            _ => {
                assert!(ended.stderr.contains("left for the next run"), "{}", ended.everything());
                assert!(matches!(ended.code, Some(1 | 4)), "{}", ended.everything());
            }
        }
        apply(&world).await;
        assert_exactly_the_shop(&world).await;
    }
}

/// Waits until some run of the CLI has said it.
async fn wait_for_word(world: &World, word: &str) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let said = || {
        let logs = std::fs::read_dir(world.root().join("cli-output")).into_iter().flatten().flatten();
        logs.map(|log| std::fs::read_to_string(log.path()).unwrap_or_default())
            .any(|text| text.contains(word))
    };
    while !said() {
        assert!(std::time::Instant::now() < deadline, "nobody said '{word}'");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_apply_ends_at_acceptance_and_status_waits_for_the_rest() {
    let world = slow().await;
    let detached = run(&world, &["apply", "--yes", "--detach"], 0).await;
    assert!(detached.stderr.contains("sutler status --wait"), "{}", detached.everything());
    assert!(world.fake().live().await.expect("answers").active_pages_domains().is_empty(), "it did not wait");
    let status = run(&world, &["status", "--json"], 0).await.json().expect("JSON");
    let www = status["instances"].as_array().unwrap().iter().find(|one| one["ref"] == "www").unwrap().clone();
    assert_eq!((&www["status"], &www["running"]), (&"provisioning".into(), &"create".into()));
    run(&world, &["status", "--wait", "--timeout", "1ms"], 4).await;
    run(&world, &["status", "--wait", "--timeout", "2m"], 0).await;
    assert_eq!(world.fake().live().await.expect("answers").active_pages_domains(), ["www.shop.example"]);
    apply(&world).await;
    assert_exactly_the_shop(&world).await;
}
