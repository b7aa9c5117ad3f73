//! The shop in a world of its own, and what must be true of it.

use serde_json::Value;
use sutler_tests::world::{Finished, World, WorldOptions};

/// A fresh world with the shop's configuration.
pub(crate) async fn world() -> World {
    World::shop(WorldOptions::default()).await.expect("the world comes up")
}

/// Runs `sutler` and expects an exit code.
pub(crate) async fn run(world: &World, arguments: &[&str], code: i32) -> Finished {
    let finished = world.sutler(arguments).await.expect("sutler starts");
    assert_eq!(finished.code, Some(code), "sutler {}\n{}", arguments.join(" "), finished.everything());
    finished
}

/// Applies and expects success.
pub(crate) async fn apply(world: &World) -> Finished {
    run(world, &["apply", "--yes"], 0).await
}

/// The variables of the opened sink, through `sutler env`. The output is kept out of the canary's sight.
pub(crate) async fn opened_env(world: &World) -> Value {
    let output = tokio::process::Command::new(world.binaries().sutler())
        .args(["env", "--format", "json"])
        .current_dir(world.project())
        .envs(world.environment())
        .output()
        .await
        .expect("sutler starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("sutler env --format json prints JSON")
}

/// Whether anything would be done: `plan --detailed-exitcode`.
pub(crate) async fn is_as_declared(world: &World) -> bool {
    let finished = world.sutler(&["plan", "--detailed-exitcode"]).await.expect("sutler starts");
    match finished.code {
        Some(0) => true,
        Some(3) => false,
        _ => panic!("{}", finished.everything()),
    }
}

/// The whole promise after an apply of the shop: the vendor holds exactly what is declared, once; the Worker's secrets
/// resolve to it; the sink is right; a further apply changes nothing.
pub(crate) async fn assert_exactly_the_shop(world: &World) {
    let live = world.fake().live().await.expect("the vendor answers");
    let databases = live.databases();
    assert_eq!(databases.len(), 2, "two databases, no orphan and no twin: {databases:#?}");
    let named = |part: &str| {
        let found: Vec<_> = databases.iter().filter(|(name, _)| name.starts_with(part)).collect();
        assert_eq!(found.len(), 1, "one database {part}: {databases:#?}");
        found[0].1.clone()
    };
    let (shop, analytics) = (named("shop-db"), named("shop-analytics"));
    let tokens = live.tokens();
    assert_eq!(tokens.len(), 1, "one token, no orphan and no twin");
    let token = tokens[0].clone();

    let secrets = live.worker_secrets("shop");
    assert_eq!(secrets.get("D1_TOKEN"), Some(&token), "the Worker has the token that lives");
    assert_eq!(secrets.get("DATABASES"), Some(&format!("shop={shop};analytics={analytics}")));
    assert_eq!(secrets.get("SUPPORT_HANDLE").map(String::as_str), Some("@shop-support"));
    assert_eq!(secrets.len(), 3);
    assert_eq!(live.pages_domains(), ["www.shop.example"]);
    assert_eq!(live.migrations_of(&shop), ["0001_products.sql", "0002_orders.sql"], "each applied once");

    let env = opened_env(world).await;
    assert_eq!(env["CLOUDFLARE_D1_ID"], shop.as_str());
    assert_eq!(env["CLOUDFLARE_D1_TOKEN"], token.as_str());
    assert!(world.fake().accepts_token(&token).await.expect("the vendor answers"), "the token in .env works");

    assert!(is_as_declared(world).await, "a further plan is empty");
    assert_no_contract_violation(world).await;
}

/// Nothing is left at the vendor.
pub(crate) async fn assert_nothing_left(world: &World) {
    let left = world.fake().live().await.expect("the vendor answers").managed_objects();
    assert!(left.is_empty(), "left at the vendor: {left:?}");
}

/// Every call was one that the vendor's contract knows, and so was every answer.
pub(crate) async fn assert_no_contract_violation(world: &World) {
    for entry in world.fake().ledger().await.expect("the vendor answers") {
        assert!(entry.contract_violations.is_empty(), "{entry:#?}");
    }
}

/// How many calls of each kind changed something at the vendor: "METHOD kind of effect" counts.
pub(crate) async fn mutating_calls(world: &World) -> usize {
    let ledger = world.fake().ledger().await.expect("the vendor answers");
    ledger.iter().filter(|entry| entry.method != "GET").count()
}
