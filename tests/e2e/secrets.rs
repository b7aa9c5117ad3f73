//! A secret of a run is nowhere in clear but in the vendor's answers and the opened sink.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sutler_tests::world::{Canary, World, WorldOptions};

use crate::shop::{apply, opened_env, run};

#[tokio::test(flavor = "multi_thread")]
async fn a51_no_secret_of_a_run_is_in_clear_in_anything_that_was_written() {
    let world = World::shop(WorldOptions::default()).await.expect("the world comes up");
    let planted = "planted-canary-8f14e45fceea167a5a36dedd4bea2543";
    // A secret parameter reaches the CLI's configuration in clear (the user wrote it there); it must go nowhere else.
    let text = world.config().expect("readable").replace("\"@@shop-support\"", &format!("\"{planted}\""));
    world.write_config(&text).expect("writable");
    for arguments in [
        &["-vv", "plan"][..],
        &["-vv", "apply", "--yes"],
        &["-vv", "status"],
        &["outputs"],
        &["--json", "outputs"],
    ] {
        run(&world, arguments, 0).await;
    }
    let env = opened_env(&world).await;
    let live = world.fake().live().await.expect("answers");
    let mut canary = Canary::of(&world);
    canary.watch("planted parameter", planted);
    canary.watch("token", env["CLOUDFLARE_D1_TOKEN"].as_str().expect("a token"));
    for (name, value) in live.worker_secrets("shop") {
        if name == "D1_TOKEN" {
            canary.watch("worker secret", value);
        }
    }
    let changed =
        text.replace(planted, &format!("{planted}-changed")).replace("ttl_hours: 720", "ttl_hours: 360");
    world.write_config(&changed).expect("writable");
    for arguments in [&["-vv", "apply", "--yes"][..], &["-vv", "check"], &["-vv", "teardown", "--yes"]] {
        run(&world, arguments, 0).await;
    }
    // what the system tells about processes, while they run
    let brokers = ["data", "edge"].map(|name| world.broker(name).id().expect("it runs"));
    let mut seen: Vec<_> =
        brokers.iter().flat_map(|id| canary.search_process(*id, &["cmdline", "environ"])).collect();
    seen.extend(canary.search_process(world.fake().id().expect("it runs"), &["cmdline", "environ"]));
    // the CLI was given the passwords in its environment: that is what `{ env: NAME }` in its configuration means
    let running = world.start_sutler(&["-vv", "plan"]).expect("starts");
    seen.extend(canary.search_process(running.id().expect("it runs"), &["cmdline"]));
    running.wait().await.expect("ends");
    // and what the vendor's access log shows: addresses, never bodies
    let ledger = world.fake().ledger().await.expect("answers");
    assert!(ledger.len() > 20, "{}", ledger.len());
    let addresses: Vec<String> =
        ledger.iter().map(|entry| format!("{} {} {:?}\n", entry.method, entry.path, entry.query)).collect();
    seen.extend(canary.look(Path::new("the vendor's access log"), addresses.concat().as_bytes()));
    assert!(seen.is_empty(), "{seen:#?}");
    let violations: Vec<_> = ledger.iter().filter(|entry| !entry.contract_violations.is_empty()).collect();
    assert!(violations.is_empty(), "{violations:#?}");
    std::fs::remove_file(world.project().join("sutler.yaml"))
        .expect("the user's own copy of the planted secret");
    let findings = canary.search(world.root()).expect("readable");
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(canary.watched() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_finds_a_planted_leak() {
    let world = World::shop(WorldOptions::default()).await.expect("the world comes up");
    apply(&world).await;
    let token = opened_env(&world).await["CLOUDFLARE_D1_TOKEN"].as_str().expect("a token").to_owned();
    let mut canary = Canary::of(&world);
    canary.watch("token", &token);
    assert!(canary.search(world.root()).expect("readable").is_empty());
    let hexadecimal: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(world.project().join("leak.log"), format!("x {hexadecimal} y")).expect("writable");
    assert_eq!(canary.search(world.root()).expect("readable").len(), 1);
    let told =
        tokio::process::Command::new("sleep").arg("60").env("TOKEN", &token).kill_on_drop(true).spawn();
    let told = told.expect("starts");
    let id = told.id().expect("it runs");
    // the program is in place of ours a moment after the process is there
    let deadline = Instant::now() + Duration::from_secs(30);
    while canary.search_process(id, &["cmdline", "environ"]).is_empty() {
        assert!(Instant::now() < deadline, "a token in the environment is not found");
        tokio::task::yield_now().await;
    }
}
