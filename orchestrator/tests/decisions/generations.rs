//! Replacement, renames, what is forgotten, and what it all costs.

use sutler::plan::{Action, Budget, Options, Protection, Total, Undeclared};
use sutler::state::status::Status;

use crate::shop::{SHOP, action, actions, because, declare, options};
use crate::world::World;

fn applied(text: &str) -> World {
    let mut world = World::new();
    world.apply(&declare(text));
    world
}

#[test]
fn what_is_never_replaced_is_refused_with_the_fact_that_decided() {
    let world = applied(SHOP);
    let changed =
        SHOP.replace("service: d1,", "service: d1, replace: never,").replace("hint: weur", "hint: eeur");
    let refused = world.plan(&declare(&changed), Options::default()).unwrap_err().to_string();
    assert!(refused.contains("db cannot be changed so, and is never replaced"), "{refused}");
    assert!(refused.contains("hint changes, and the plan's update schema does not take it"), "{refused}");
    assert!(refused.contains("replace: create_first"), "{refused}");
}

#[test]
fn an_earlier_generation_is_retired_by_whichever_plan_finds_it() {
    let mut world = applied(SHOP);
    let earlier = world.record("db").clone();
    world.record("db").previous = Some(Box::new(earlier));
    let plan = world.plan(&declare(SHOP), Options::default()).unwrap();
    let last = plan.steps.last().unwrap();
    assert_eq!((last.reference.as_str(), last.action), ("db", Action::Retire));
    assert_eq!(last.because.len(), 2, "the binding, then the instance: {:?}", last.because);
    assert!(plan.changes_anything() && plan.graph().order().is_ok());
    // somebody who is not declared any more, and stays, may still use it
    let fewer = "  db: { service: d1, params: { hint: weur }, bind: { database_id: DB } }\n";
    let kept = world.plan(&declare(fewer), Options::default()).unwrap();
    assert!(kept.steps.iter().all(|step| step.action != Action::Retire));
    assert!(kept.warnings.iter().any(|warning| warning.contains("the earlier db stays: token")), "{kept:#?}");
    let pruned = world.plan(&declare(fewer), options(Undeclared::Pruned, Protection::Respected)).unwrap();
    let retired = pruned.steps.iter().find(|step| step.action == Action::Retire).unwrap();
    assert!(retired.after.iter().any(|other| other.as_str() == "token"), "{retired:#?}");
}

#[test]
fn what_was_kept_until_a_time_is_retired_after_it() {
    let mut world = applied(SHOP);
    let record = world.record("db");
    let since = String::new();
    let what = record.as_orphan(record.binding.as_ref().map(|binding| binding.binding_id.clone()), since);
    let later = "2026-01-01T00:00:00Z".parse().unwrap();
    record.retired.push(sutler::state::record::Retired { what, not_before: Some(later) });
    let retires = |world: &World, now: &str| {
        let plan = world.plan_at(&declare(SHOP), now.parse().unwrap()).unwrap();
        plan.steps.iter().any(|step| step.action == Action::Retire)
    };
    assert!(!retires(&world, "2025-12-31T23:59:59Z"));
    assert!(retires(&world, "2026-01-01T00:00:00Z"));
}

#[test]
fn a_ref_that_moved_is_renamed_and_nothing_is_made_or_deleted() {
    let world = applied(SHOP);
    let text = SHOP.replace("  db:", "  main:").replace("@db.", "@main.").replace("${db.", "${main.");
    let moved = |name: &str| declare(&format!("{text}moved: {{ {name} }}\n"));
    let plan = world.plan(&moved("db: main"), Options::default()).unwrap();
    assert_eq!(plan.moves.iter().map(|it| format!("{} {}", it.from, it.to)).collect::<Vec<_>>(), ["db main"]);
    assert!(plan.steps.iter().all(|step| step.action == Action::Keep), "{:?}", actions(&plan));
    assert!(plan.changes_anything());
    // over two names, of which state knows the first
    let plan = world.plan(&moved("db: base, base: main"), Options::default()).unwrap();
    assert_eq!(plan.moves.len(), 1);
    assert!(plan.steps.iter().all(|step| step.action == Action::Keep));
    // done already
    let mut after = World::new();
    after.apply(&declare(&text));
    assert!(!after.plan(&moved("db: main"), Options::default()).unwrap().changes_anything());
    let mut busy = world.clone();
    busy.record("db").status = Status::ChangeIntended;
    let refused = busy.plan(&moved("db: main"), Options::default()).unwrap_err().to_string();
    assert!(refused.contains("unfinished change"), "{refused}");
}

#[test]
fn a_rename_that_nobody_declared_is_offered_when_exactly_one_fits() {
    let world = applied(SHOP);
    let text = SHOP.replace("  db:", "  main:").replace("@db.", "@main.").replace("${db.", "${main.");
    let plan = world.plan(&declare(&text), Options::default()).unwrap();
    let offered: Vec<_> = plan.possible_moves.iter().map(|it| format!("{} {}", it.from, it.to)).collect();
    assert_eq!((offered, action(&plan, "main")), (vec!["db main".to_owned()], Action::Create));
    assert!(
        plan.warnings.iter().any(|warning| warning.contains("`moved: { db: main }`")),
        "{:?}",
        plan.warnings
    );
    let other = text.replace("hint: weur", "hint: eeur");
    assert!(world.plan(&declare(&other), Options::default()).unwrap().possible_moves.is_empty());
    let twice = format!("{text}  twin: {{ service: d1, params: {{ hint: weur }} }}\n");
    assert!(world.plan(&declare(&twice), Options::default()).unwrap().possible_moves.is_empty());
}

#[test]
fn what_is_removed_is_forgotten_and_its_protection_is_no_obstacle() {
    let mut world = applied(SHOP);
    world.record("worker").protected = true;
    let text: String =
        SHOP.lines().filter(|line| !line.contains("worker:")).map(|line| format!("{line}\n")).collect();
    let plan = world.plan(&declare(&format!("{text}removed: [worker]\n")), Options::default()).unwrap();
    assert_eq!(action(&plan, "worker"), Action::Forget);
    assert!(because(&plan, "worker").contains("removed"));
    // gone already
    let gone = declare(&format!("{SHOP}removed: [nobody]\n"));
    let plan = applied(SHOP).plan(&gone, Options::default()).unwrap();
    assert!(plan.steps.iter().all(|step| step.action == Action::Keep));
}

#[test]
fn prices_are_added_up_by_currency_and_kept_within_the_budget() {
    let text = "  x: { service: edge/sized, plan: small }\n  y: { service: d1 }\n";
    let world = applied(text);
    let larger = declare(&text.replace("small", "large"));
    let budget = |monthly, currency: &str| Options {
        budget: Some(Budget { monthly, currency: currency.to_owned() }),
        ..Options::default()
    };
    let plan = world.plan(&larger, Options::default()).unwrap();
    let total = |currency: &str, monthly_before, monthly_after| Total {
        currency: currency.to_owned(),
        monthly_before,
        monthly_after,
    };
    assert_eq!(plan.totals, [total("EUR", 0.0, 18.0), total("USD", 5.0, 20.0)]);
    assert_eq!(plan.steps[0].target.price.free, Some(false));
    assert!(world.plan(&larger, budget(20.0, "USD")).is_ok());
    let refused = world.plan(&larger, budget(19.0, "USD")).unwrap_err().to_string();
    assert!(refused.contains("would cost 20.00 USD a month, and 19.00 USD are allowed"), "{refused}");
    assert!(world.plan(&larger, budget(10.0, "EUR")).is_err());
    let nothing = applied("  y: { service: d1 }\n");
    assert!(nothing.plan(&declare("  y: { service: d1 }\n"), budget(0.0, "USD")).unwrap().totals.is_empty());
}
