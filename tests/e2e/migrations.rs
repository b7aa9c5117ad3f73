//! Migrations of the shop, through real brokers: on a fresh environment, on one that existed, and by replicas at start.

use std::path::Path;

use sutler_tests::world::World;

use crate::shop::{
    apply, assert_exactly_the_shop, assert_no_contract_violation, is_as_declared, mutating_calls, opened_env,
    run, world,
};

/// The shop's `@@shop-support` is a literal in a map of secrets: somebody looked at it, and it is none.
const GENERATE: [&str; 2] = ["generate", "--allow-literals"];

/// No file below holds any of these.
fn assert_holds_none(folder: &Path, secrets: &[&str]) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            assert_holds_none(&path, secrets);
        } else {
            let text = std::fs::read_to_string(&path).expect("text");
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{}", path.display());
        }
    }
}

async fn change(world: &World) {
    let before = world.config().expect("readable");
    world
        .write_config(&before.replace("read_replication: disabled", "read_replication: auto"))
        .expect("writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_environment_gets_the_shop_step_by_step_and_no_secret_is_in_any_file() {
    let world = world().await;
    let refused = run(&world, &["generate"], 2).await;
    assert!(refused.stderr.contains("/secrets/SUPPORT_HANDLE is secret"), "{}", refused.everything());
    run(&world, &GENERATE, 0).await;
    assert_eq!(mutating_calls(&world).await, 0, "generating asks for catalogs only");
    run(&world, &["migrate", "--yes"], 0).await;
    assert_exactly_the_shop(&world).await;
    change(&world).await;
    run(&world, &GENERATE, 0).await;
    let calls = mutating_calls(&world).await;
    run(&world, &["migrate", "--on", "boot"], 0).await;
    assert_eq!(mutating_calls(&world).await, calls + 1, "one PATCH");
    assert!(is_as_declared(&world).await);
    assert_no_contract_violation(&world).await;
    let env = opened_env(&world).await;
    let token = env["CLOUDFLARE_D1_TOKEN"].as_str().expect("a token");
    let mut secrets: Vec<&str> = world.secrets().values().map(String::as_str).collect();
    secrets.push(token);
    assert_holds_none(&world.project().join("migrations"), &secrets);
    run(&world, &["migrations", "verify"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_existed_before_is_taken_as_it_is_and_goes_on_from_there() {
    let world = world().await;
    apply(&world).await;
    run(&world, &GENERATE, 0).await;
    let calls = mutating_calls(&world).await;
    let taken = run(&world, &["migrate", "--yes"], 0).await;
    assert!(taken.stderr.contains("everything was as it is to be"), "{}", taken.everything());
    assert_eq!(mutating_calls(&world).await, calls);
    change(&world).await;
    run(&world, &GENERATE, 0).await;
    // dies after the vendor was asked, and is finished by the next one
    let mut environment = world.environment();
    environment.push(("SUTLER_FAULTS".to_owned(), "O23-sent=kill".to_owned()));
    let died = tokio::process::Command::new(world.binaries().sutler())
        .args(["migrate", "--yes"])
        .current_dir(world.project())
        .envs(environment)
        .output()
        .await
        .expect("it starts");
    assert_eq!(died.status.code(), None, "{died:?}");
    run(&world, &["migrations", "status"], 3).await;
    run(&world, &["migrate", "--yes"], 0).await;
    run(&world, &["migrations", "status"], 0).await;
    assert!(is_as_declared(&world).await);
    assert_no_contract_violation(&world).await;
}
