//! What time brings: newer maintenance versions, bindings that end and are rotated.

use std::time::Duration;

use serde_json::json;
use sutler::plan::{Action, Intent, Options, Rollout, Rotate, Which};

use crate::golden;
use crate::shop::{SHOP, action, actions, declare, shown};
use crate::world::{World, reference};

const MANY: &str = "  db: { service: d1, bind: { database_id: DB } }\n\
                    \x20 token: { service: token, params: { resources: { database: '@db.database_id' } } }\n\
                    \x20 worker: { service: secrets, params: { script: shop, secrets: { T: '@token.token' } } }\n\
                    \x20 other: { service: d1 }\n\
                    \x20 third: { service: d1, params: { hint: weur } }\n";

fn upgrade(targets: &[&str], rollout: Rollout) -> Options {
    let targets = targets.iter().map(|name| reference(name)).collect();
    Options { targets, intent: Intent::Upgrade(rollout), ..Options::default() }
}

fn outdated() -> World {
    let mut world = World::new();
    world.apply(&declare(MANY));
    world.offer_maintenance("p-d1", "2.0.0");
    world
}

#[test]
fn a_newer_version_is_mentioned_and_is_no_change() {
    let plan = outdated().plan(&declare(MANY), Options::default()).unwrap();
    assert!(!plan.changes_anything());
    assert_eq!(
        plan.warnings,
        [
            "db, other, third: d1/standard at edge offers the maintenance version 2.0.0 (a restart); `sutler upgrade` \
          lists and applies it"
        ]
    );
}

#[test]
fn an_upgrade_takes_one_of_each_plan_first_and_consumers_look_again() {
    let mut world = outdated();
    world.offer_maintenance("p-token", "1.1.0");
    let plan = world.plan(&declare(MANY), upgrade(&[], Rollout::default())).unwrap();
    golden::check("plan/upgrade.txt", &shown(&plan));
    assert!(plan.graph().order().is_ok(), "nobody waits for itself");
}

#[test]
fn only_those_that_are_named_are_upgraded_and_only_so_many() {
    let world = outdated();
    let upgraded = |options| {
        let plan = world.plan(&declare(MANY), options).unwrap();
        let steps = plan.steps.into_iter().filter(|step| step.action == Action::Upgrade);
        steps.map(|step| step.reference.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(upgraded(upgrade(&["third"], Rollout::default())), ["third"]);
    assert_eq!(upgraded(upgrade(&["token"], Rollout::default())), Vec::<String>::new());
    assert_eq!(upgraded(upgrade(&[], Rollout { at_most: 2, ..Rollout::default() })), ["db", "other"]);
    let unknown = world.plan(&declare(MANY), upgrade(&["thrid"], Rollout::default())).unwrap_err();
    assert!(unknown.to_string().contains("did you mean 'third'?"), "{unknown}");
}

#[test]
fn what_is_not_as_declared_is_left_and_goes_first_for_nobody() {
    let world = outdated();
    let changed = MANY.replace("  db: { service: d1,", "  db: { service: d1, params: { hint: eeur },");
    let plan = world.plan(&declare(&changed), upgrade(&[], Rollout::default())).unwrap();
    assert_eq!(action(&plan, "other"), Action::Upgrade);
    assert!(plan.steps.iter().all(|step| step.reference.as_str() != "db"), "{}", shown(&plan));
    let third = plan.steps.iter().find(|step| step.reference.as_str() == "third").unwrap();
    assert_eq!(third.because[1], "other goes first");
    assert!(
        plan.warnings.iter().any(|warning| warning.starts_with("db is not upgraded")),
        "{}",
        shown(&plan)
    );
}

#[test]
fn a_step_back_is_taken_only_by_name() {
    let mut world = outdated();
    world.record("db").asked.maintenance_version = Some("3.0.0".to_owned());
    let config = declare(MANY);
    let plan = world.plan(&config, upgrade(&[], Rollout::default())).unwrap();
    assert!(actions(&plan).iter().all(|(name, action)| *name != "db" || *action == Action::Keep));
    let plan = world.plan(&config, upgrade(&["db"], Rollout::default())).unwrap();
    assert_eq!(action(&plan, "db"), Action::Upgrade);
}

#[test]
fn bindings_that_end_are_told_and_nothing_else_is_done_about_them() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    let binding = world.record("token").binding.as_mut().unwrap();
    let times = json!({ "renew_before": "2026-12-08T00:00:00.0Z", "expires_at": "2026-12-10T00:00:00.0Z" });
    binding.metadata = serde_json::from_value(times).unwrap();
    for (now, warning) in [
        ("2026-12-07T00:00:00Z", None),
        (
            "2026-12-09T00:00:00Z",
            Some(
                "token: its binding was to be renewed before 2026-12-08T00:00:00Z; `sutler rotate --due` does",
            ),
        ),
        (
            "2026-12-11T00:00:00Z",
            Some("token: its binding expired at 2026-12-10T00:00:00Z; `sutler rotate --due` makes another"),
        ),
    ] {
        world.now = now.parse().unwrap();
        let plan = world.plan(&config, Options::default()).unwrap();
        assert_eq!(plan.warnings.first().map(String::as_str), warning);
        assert!(!plan.changes_anything());
    }
}

fn rotate(targets: &[&str], which: Which, grace: u64) -> Options {
    let targets = targets.iter().map(|name| reference(name)).collect();
    let grace = Duration::from_secs(grace);
    Options { targets, intent: Intent::Rotate(Rotate { which, grace }), ..Options::default() }
}

#[test]
fn a_rotation_is_a_new_binding_then_its_users_then_the_end_of_the_old_one() {
    let config =
        declare(&SHOP.replace("token: { service: token,", "token: { service: token, protected: true,"));
    let mut world = World::new();
    world.apply(&config);
    let plan = world.plan(&config, rotate(&["token"], Which::Named, 0)).unwrap();
    golden::check("plan/rotate.txt", &shown(&plan));
    let kept = world.plan(&config, rotate(&["token"], Which::Named, 3600)).unwrap();
    assert_eq!(actions(&kept), [("token", Action::Rotate), ("worker", Action::Keep)]);
}

#[test]
fn only_what_has_come_to_its_time_is_due() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    let due = |world: &World| actions_of(world.plan(&config, rotate(&[], Which::Due, 0)).unwrap());
    assert_eq!(due(&world), []);
    let times = json!({ "renew_before": "1969-12-31T00:00:00.0Z", "expires_at": "1970-01-02T00:00:00.0Z" });
    world.record("token").binding.as_mut().unwrap().metadata = serde_json::from_value(times).unwrap();
    let expected = [("token", Action::Rotate), ("worker", Action::Keep), ("token", Action::Retire)];
    assert_eq!(due(&world), expected.map(|(name, action)| (name.to_owned(), action)));
}

fn actions_of(plan: sutler::plan::Plan) -> Vec<(String, Action)> {
    plan.steps.into_iter().map(|step| (step.reference.to_string(), step.action)).collect()
}

#[test]
fn what_is_not_as_declared_is_not_rotated_and_what_its_user_cannot_follow_is_not_revoked() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let other = SHOP.replace("resources: { database: '@db.database_id' }", "resources: {}");
    let plan = world.plan(&declare(&other), rotate(&["token"], Which::Named, 0)).unwrap();
    assert!(plan.steps.iter().all(|step| step.reference.as_str() != "token"), "{}", shown(&plan));
    assert_eq!(plan.warnings, ["token is not rotated: it is not as declared; `sutler apply` comes first"]);
    // its user is to be of another service, which is for an apply to do
    let moved = SHOP.replace("service: secrets, params: { script: shop, secrets: { T: '@token.token', N: 'id=${db.database_id}' } }", "service: free, params: { t: '@token.token' }");
    let plan = world.plan(&declare(&moved), rotate(&["token"], Which::Named, 0)).unwrap();
    assert_eq!(actions(&plan), [("token", Action::Rotate)], "{}", shown(&plan));
}

#[test]
fn what_somebody_uses_who_is_not_declared_any_more_is_not_revoked() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let without: String = SHOP.lines().take(2).map(|line| format!("{line}\n")).collect();
    let without = without.replace("token: { service: token,", "token: { service: token, bind: { token: T },");
    let config = declare(&without);
    let mut bound = world.clone();
    bound.record("token").variables = config.instances[&reference("token")].bind.clone();
    let plan = bound.plan(&config, rotate(&["token"], Which::Named, 0)).unwrap();
    assert_eq!(actions(&plan), [("token", Action::Rotate)], "{}", shown(&plan));
    assert!(plan.warnings[0].contains("worker"), "{}", shown(&plan));
}
