//! `rotate`: nobody is without a credential that works at any moment, and nothing is left afterwards.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use sutler_tests::cloudflare::{EffectAction, Kind};
use sutler_tests::world::World;

use crate::shop::{apply, assert_exactly_the_shop, opened_env, run, world};

/// The token that the Worker has.
async fn token(world: &World) -> String {
    world.fake().live().await.expect("the vendor answers").worker_secrets("shop")["D1_TOKEN"].clone()
}

/// What the vendor was told about tokens and about the Worker's secrets, in order.
async fn told(world: &World) -> Vec<(EffectAction, Kind)> {
    let ledger = world.fake().ledger().await.expect("the vendor answers");
    let effects = ledger.iter().flat_map(|entry| &entry.outcome);
    let of_interest = effects.filter(|effect| matches!(effect.kind, Kind::Token | Kind::WorkerSecret));
    of_interest.map(|effect| (effect.action, effect.kind)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_rotated_token_reaches_the_worker_before_the_old_one_is_revoked() {
    let world = world().await;
    apply(&world).await;
    let (first, so_far) = (token(&world).await, told(&world).await.len());
    run(&world, &["rotate", "api-token", "--yes", "--grace", "0s"], 0).await;
    let second = token(&world).await;
    assert_ne!(first, second);
    assert!(!world.fake().accepts_token(&first).await.expect("the vendor answers"), "it is revoked");
    let told = told(&world).await.split_off(so_far);
    let of = |action, kind| told.iter().position(|one| *one == (action, kind));
    let made = of(EffectAction::Created, Kind::Token).expect("a token is made");
    let moved = of(EffectAction::Changed, Kind::WorkerSecret).expect("the Worker gets it");
    let revoked = of(EffectAction::Deleted, Kind::Token).expect("the old one goes");
    assert!(made < moved && moved < revoked, "{told:?}");
    assert_exactly_the_shop(&world).await;

    // Kept for a while: both work, and everyone has the new one.
    run(&world, &["rotate", "api-token", "--yes", "--grace", "3s"], 0).await;
    let third = token(&world).await;
    assert_eq!(opened_env(&world).await["CLOUDFLARE_D1_TOKEN"], third.as_str());
    for works in [&second, &third] {
        assert!(world.fake().accepts_token(works).await.expect("the vendor answers"));
    }
    let listed = run(&world, &["rotate"], 0).await;
    assert!(listed.stdout.contains("an older one is kept until"), "{}", listed.everything());
    let patience = Instant::now() + Duration::from_secs(30);
    while world.fake().live().await.expect("the vendor answers").tokens().len() > 1 {
        assert!(Instant::now() < patience, "the old token stays");
        run(&world, &["rotate", "--due", "--yes"], 0).await;
    }
    assert_exactly_the_shop(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_between_bind_and_record_is_finished_by_an_apply() {
    let world = world().await;
    apply(&world).await;
    let before = token(&world).await;
    let fault = ("SUTLER_FAULTS".to_owned(), "O09-after=kill@1".to_owned());
    let arguments = ["rotate", "api-token", "--yes", "--grace", "0s"];
    let killed = world.start_sutler_with(&arguments, &[fault]).expect("starts").wait().await.expect("ends");
    assert_eq!(killed.code, None, "{}", killed.everything());
    assert_eq!(world.fake().live().await.expect("the vendor answers").tokens().len(), 2);
    assert_eq!(token(&world).await, before, "nobody has moved, and the old one works");
    run(&world, &["check", "--offline"], 3).await;
    apply(&world).await;
    assert_ne!(token(&world).await, before);
    assert_exactly_the_shop(&world).await;
}

/// A world with a broker whose bindings end after so long, and one instance of each plan that is named.
async fn probes(lifetime: &str, plans: &[&str]) -> World {
    let mut world = world().await;
    world.start_broker("probe", &["sutler-probe"]).await.expect("it comes up");
    let probe = world.broker_mut("probe");
    let text = std::fs::read_to_string(probe.config()).expect("readable");
    let vendors = format!("vendors:\n  probe: {{ lifetime: {lifetime} }}\n");
    std::fs::write(probe.config(), text.replacen("vendors:\n", &vendors, 1)).expect("writable");
    probe.stop().await.expect("it drains");
    probe.restart().await.expect("it comes back");
    let instances: String = plans
        .iter()
        .map(|plan| {
            let variable = plan.replace('-', "_").to_uppercase();
            format!("  {plan}: {{ service: sutler-probe, plan: {plan}, bind: {{ password: {variable} }} }}\n")
        })
        .collect();
    let text = format!(
        "stack: shop\nbrokers:\n  probe:\n    url: {}\n    auth: {{ basic: {{ username: platform, password: \
         {{ env: PROBE_BROKER_PASSWORD }} }} }}\nstate: sqlite:.sutler/state.db\nsinks: {{ env: {{ dotenv: .env }} }}\n\
         instances:\n{instances}",
        world.broker("probe").url()
    );
    world.write_config(&text).expect("writable");
    apply(&world).await;
    world
}

/// The bindings that the broker has, each with the one that it was told as its predecessor.
fn bindings(world: &World) -> Vec<(String, Option<String>)> {
    let store = Connection::open_with_flags(world.broker("probe").store(), OpenFlags::SQLITE_OPEN_READ_ONLY);
    let store = store.expect("readable");
    let mut rows = store.prepare("SELECT id, predecessor FROM bindings").expect("a table");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn p_rot_01_02_a_predecessor_is_named_where_the_plan_is_rotatable_and_nowhere_else() {
    let world = probes("1h", &["rotatable", "instant"]).await;
    let before = bindings(&world);
    let env = opened_env(&world).await;
    run(&world, &["rotate", "rotatable", "instant", "--yes"], 0).await;
    let named: Vec<_> = bindings(&world).into_iter().filter_map(|(_, predecessor)| predecessor).collect();
    assert_eq!(named.len(), 1, "one of the two is told");
    assert!(before.iter().any(|(id, _)| *id == named[0]));
    assert_eq!(bindings(&world).len(), 4, "the old ones are kept for an hour");
    let now = opened_env(&world).await;
    assert!(now["ROTATABLE"] != env["ROTATABLE"] && now["INSTANT"] != env["INSTANT"]);
    run(&world, &["check"], 0).await;
    run(&world, &["teardown", "--yes"], 0).await;
    assert!(bindings(&world).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_whose_time_has_come_is_told_by_check_and_plan_and_renewed_when_due() {
    let world = probes("4s", &["expiring"]).await;
    let nothing = run(&world, &["rotate", "--due", "--yes", "--json"], 0).await;
    let last: Value = serde_json::from_str(nothing.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["kind"], &last["changed"]), (&"rotate_result".into(), &false.into()), "{last}");
    let before = opened_env(&world).await;
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let checked = world.sutler(&["check"]).await.expect("sutler starts");
        if checked.code == Some(3) {
            assert!(checked.stdout.contains("expiring"), "{}", checked.everything());
            break;
        }
        assert!(Instant::now() < patience, "{}", checked.everything());
    }
    let plan = run(&world, &["plan"], 0).await;
    assert!(plan.stdout.contains("`sutler rotate --due`"), "{}", plan.everything());
    let listed = run(&world, &["rotate", "--json"], 0).await.json().expect("JSON");
    assert!(matches!(listed["bindings"][0]["stage"].as_str(), Some("due" | "expired")), "{listed}");
    run(&world, &["rotate", "--due", "--yes"], 0).await;
    assert_ne!(opened_env(&world).await["EXPIRING"], before["EXPIRING"]);
}
