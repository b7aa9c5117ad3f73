//! The examples of `docs/examples`, planned, applied, checked and torn down as they stand there.

mod domain;
mod hyperdrive;
mod readme;
mod saas;
mod shop_full;

use std::path::Path;

use serde_json::Value;
use sutler_tests::world::{Canary, World, WorldOptions};

use crate::golden::assert_golden;
use crate::shop::run;

/// What every example does: the plan tells what comes, applying does it, afterwards nothing is left to do, and the
/// brokers agree.
async fn applied(example: &str, to_create: usize) -> World {
    let world = World::example(example, WorldOptions::default()).await.expect("the world comes up");
    let plan = run(&world, &["plan"], 0).await;
    assert!(plan.stdout.contains(&format!("{to_create} to create")), "{}", plan.everything());
    assert_golden(&world, &format!("plan-of-{example}"), &plan.stdout);
    assert_nothing_there(&world).await;
    let applied = world.sutler_and_owner(&["-vv", "apply", "--yes"]).await.expect("sutler starts");
    assert_eq!(applied.code, Some(0), "{}", applied.everything());
    run(&world, &["plan", "--detailed-exitcode"], 0).await;
    run(&world, &["check"], 0).await;
    world
}

/// Deletes everything, and looks for what should not be there: objects, broken contracts, secrets in clear.
async fn torn_down(world: &World, canary: &Canary) {
    torn_down_but(world, canary, &[]).await;
}

/// The same where a vendor keeps objects of some sorts for ever.
async fn torn_down_but(world: &World, canary: &Canary, kept: &[&str]) {
    run(world, &["-vv", "teardown", "--yes"], 0).await;
    assert_nothing_there_but(world, kept).await;
    let mut violations = Vec::new();
    let mut calls = 0;
    for entry in world.fake().ledger().await.expect("Cloudflare answers") {
        calls += 1;
        violations.extend(entry.contract_violations);
    }
    if world.has_stripe() {
        for entry in world.stripe().ledger().await.expect("Stripe answers") {
            calls += 1;
            violations.extend(entry.contract_violations);
        }
    }
    if let Some(dnsimple) = world.dnsimple() {
        for entry in dnsimple.ledger().await.expect("DNSimple answers") {
            calls += 1;
            violations.extend(entry.contract_violations);
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(calls > 0, "the vendors were asked");
    let ids = world.brokers().filter_map(|broker| broker.id());
    let told: Vec<_> = ids.flat_map(|id| canary.search_process(id, &["cmdline"])).collect();
    assert!(told.is_empty(), "{told:#?}");
    let findings = canary.search(world.root()).expect("readable");
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The vendors have nothing of it. What Stripe keeps for ever is out of use.
async fn assert_nothing_there(world: &World) {
    assert_nothing_there_but(world, &[]).await;
}

async fn assert_nothing_there_but(world: &World, kept: &[&str]) {
    let mut left = world.fake().live().await.expect("Cloudflare answers").managed_objects();
    left.retain(|object| !kept.iter().any(|sort| object.starts_with(sort)));
    assert!(left.is_empty(), "left at Cloudflare: {left:?}");
    if let Some(dnsimple) = world.dnsimple() {
        let left = dnsimple.things().await.expect("DNSimple answers");
        assert!(left.is_empty(), "left at DNSimple: {left:#?}");
    }
    if world.has_stripe() {
        let left = world.stripe().in_use().await.expect("Stripe answers");
        assert!(left.is_empty(), "in use at Stripe: {left:#?}");
    }
}

/// The one object of a sort that is in use at Stripe.
async fn only_one(world: &World, object: &str) -> Value {
    let objects = world.stripe().in_use().await.expect("Stripe answers");
    let mut found: Vec<Value> = objects.into_iter().filter(|one| one["object"] == object).collect();
    assert_eq!(found.len(), 1, "one {object}: {found:#?}");
    found.remove(0)
}

/// That a value of the opened sink is nowhere in the sink's file.
fn assert_sealed(world: &World, value: &str) {
    let file = std::fs::read_to_string(world.project().join(".env")).expect("the sink was written");
    assert!(!file.contains(value), "{}", Path::new(".env").display());
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
