//! `upgrade`: from what a broker offered when instances were made to what it offers now.

use serde_json::Value;
use sutler_tests::world::World;

use crate::shop::{apply, run, world};

/// The broker `probe` of this world offers another maintenance version from now on.
async fn offer(world: &mut World, version: &str) {
    let probe = world.broker_mut("probe");
    let text = std::fs::read_to_string(probe.config()).expect("readable");
    let vendors = format!("vendors:\n  probe: {{ maintenance_version: {version} }}\n");
    std::fs::write(probe.config(), text.replacen("vendors:\n", &vendors, 1)).expect("writable");
    probe.stop().await.expect("it drains");
    probe.restart().await.expect("it offers the new version");
}

/// A world with three instances that were made with the version of before.
async fn outdated() -> World {
    let mut world = world().await;
    world.start_broker("probe", &["sutler-probe"]).await.expect("it comes up");
    let url = world.broker("probe").url();
    let text = format!(
        "stack: shop\nbrokers:\n  probe:\n    url: {url}\n    auth: {{ basic: {{ username: platform, password: \
         {{ env: PROBE_BROKER_PASSWORD }} }} }}\nstate: sqlite:.sutler/state.db\ninstances:\n  \
         a: {{ service: sutler-probe, plan: maintenance }}\n  b: {{ service: sutler-probe, plan: maintenance }}\n  \
         c: {{ service: sutler-probe, plan: maintenance }}\n"
    );
    world.write_config(&text).expect("writable");
    apply(&world).await;
    offer(&mut world, "2.2.0").await;
    world
}

/// What the broker itself says that its instances have.
async fn versions(world: &World) -> Vec<String> {
    let export = run(world, &["state", "export"], 0).await.json().expect("JSON");
    let probe = world.broker("probe");
    let client = reqwest::Client::builder().build().expect("a client");
    let mut versions = Vec::new();
    for record in export["records"].as_array().expect("records") {
        let url = format!(
            "{}/v2/service_instances/{}",
            probe.url(),
            record["instance_id"].as_str().expect("an id")
        );
        let request = client.get(url).basic_auth("platform", Some(probe.password()));
        let request = request.header("X-Broker-API-Version", "2.17");
        let fetched: Value = request.send().await.expect("answers").json().await.expect("JSON");
        versions.push(fetched["maintenance_info"]["version"].as_str().expect("a version").to_owned());
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_listed_paused_killed_and_finished() {
    let world = outdated().await;
    let plan = run(&world, &["plan", "--detailed-exitcode"], 0).await;
    assert!(plan.stdout.contains("offers the maintenance version 2.2.0"), "{}", plan.everything());
    let listed = run(&world, &["upgrade"], 0).await;
    assert!(
        listed.stdout.contains("2.1.1+abcdef") && listed.stdout.contains("2.2.0"),
        "{}",
        listed.everything()
    );
    let listed = run(&world, &["upgrade", "c", "--json"], 0).await.json().expect("JSON");
    assert_eq!((&listed["kind"], listed["upgrades"].as_array().map(Vec::len)), (&"upgrades".into(), Some(1)));
    assert_eq!(versions(&world).await, ["2.1.1+abcdef"; 3], "a list changes nothing");

    let paused = run(&world, &["upgrade", "--yes", "--pause-after", "1", "--json"], 4).await;
    let last: Value = serde_json::from_str(paused.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["kind"], &last["exit_code"]), (&"upgrade_result".into(), &4.into()), "{last}");
    assert_eq!(last["report"]["left"], serde_json::json!(["b", "c"]));
    assert_eq!(versions(&world).await, ["2.2.0", "2.1.1+abcdef", "2.1.1+abcdef"]);

    let fault = ("SUTLER_FAULTS".to_owned(), "O23-sent=kill@1".to_owned());
    let killed = world.start_sutler_with(&["upgrade", "--yes"], &[fault]).expect("starts");
    assert_eq!(killed.wait().await.expect("ends").code, None, "it was killed while the change was under way");
    run(&world, &["upgrade", "--yes"], 0).await;
    assert_eq!(versions(&world).await, ["2.2.0"; 3]);
    run(&world, &["check"], 0).await;
    let listed = run(&world, &["upgrade"], 0).await;
    assert!(listed.stdout.contains("Every instance has"), "{}", listed.everything());
    run(&world, &["upgrade", "--yes"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_of_which_nothing_succeeds_is_exit_code_one() {
    let mut world = outdated().await;
    world.broker_mut("probe").kill().await.expect("killed");
    run(&world, &["upgrade", "--yes"], 1).await;
    world.broker_mut("probe").restart().await.expect("it comes back");
    let text = world
        .config()
        .expect("readable")
        .replace("plan: maintenance }", "plan: maintenance, params: { note: x } }");
    world.write_config(&text).expect("writable");
    let left = run(&world, &["upgrade", "--yes"], 1).await;
    assert!(left.stdout.contains("`sutler apply` comes first"), "{}", left.everything());
    apply(&world).await;
    run(&world, &["upgrade", "--yes"], 0).await;
    assert_eq!(versions(&world).await, ["2.2.0"; 3]);
}
