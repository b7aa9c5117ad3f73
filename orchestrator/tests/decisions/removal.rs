//! What leaves, what is kept, and in which order.

use std::collections::BTreeMap;

use sutler::plan::{Action, Intent, Options, Protection, Undeclared};
use sutler::state::status::Status;

use crate::golden;
use crate::shop::{SHOP, action, actions, config, declare, options, shown};
use crate::world::{World, reference};

#[test]
fn what_is_protected_is_never_replaced_unless_forced_and_nor_is_what_it_needs() {
    let mut world = World::new();
    let protected = SHOP.replace("service: secrets,", "service: secrets, protected: true,");
    world.apply(&declare(&protected));
    let changed = declare(&SHOP.replace("hint: weur", "hint: eeur"));
    let refused = world.plan(&changed, Options::default()).unwrap_err();
    golden::check("plan/protected.txt", &format!("{refused}\n"));
    let forced = world.plan(&changed, options(Undeclared::Kept, Protection::Overridden)).unwrap();
    assert_eq!(action(&forced, "db"), Action::Replace);
}

#[test]
fn what_is_no_longer_declared_is_kept_or_pruned_consumers_first() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let fewer = declare("  other: { service: d1 }\n");
    let kept = world.plan(&fewer, Options::default()).unwrap();
    let pruned = world.plan(&fewer, options(Undeclared::Pruned, Protection::Respected)).unwrap();
    world.record("worker").protected = true;
    let held = world.plan(&fewer, options(Undeclared::Pruned, Protection::Respected)).unwrap();
    let forced = world.plan(&fewer, options(Undeclared::Pruned, Protection::Overridden)).unwrap();
    assert_eq!(actions(&forced), actions(&pruned));
    golden::check("plan/prune.txt", &[kept, pruned, held].map(|plan| shown(&plan)).join("\n"));
    world.record("worker").status = Status::Deprovisioning { operation: None };
    let finished = world.plan(&fewer, Options::default()).unwrap();
    assert_eq!((action(&finished, "worker"), action(&finished, "token")), (Action::Delete, Action::Keep));
}

#[test]
fn a_producer_leaves_only_after_the_consumer_that_used_it() {
    let mut world = World::new();
    world.apply(&declare(SHOP));
    let changed = declare("  worker: { service: secrets, params: { script: shop, secrets: { T: text } } }\n");
    let plan = world.plan(&changed, options(Undeclared::Pruned, Protection::Respected)).unwrap();
    let steps: Vec<_> =
        plan.steps.iter().map(|step| (step.reference.as_str(), step.action, step.after.len())).collect();
    assert_eq!(
        steps,
        [("worker", Action::Update, 0), ("token", Action::Delete, 1), ("db", Action::Delete, 2)]
    );
    let graph = plan.graph();
    assert_eq!((graph.needs(1), graph.needs(2)), (&[0][..], &[0, 1][..]));
}

#[test]
fn a_teardown_deletes_consumers_first_and_keeps_what_is_protected_with_all_it_needs() {
    let config = declare(&SHOP.replace("service: token,", "service: token, protected: true,"));
    let mut world = World::new();
    world.apply(&config);
    let teardown = |protection, targets: &[&str]| {
        let targets = targets.iter().map(|name| reference(name)).collect();
        world
            .plan(&config, Options { intent: Intent::Teardown, protection, targets, ..Options::default() })
            .unwrap()
    };
    let plans = [
        teardown(Protection::Respected, &[]),
        teardown(Protection::Overridden, &[]),
        teardown(Protection::Overridden, &["token"]),
    ];
    golden::check("plan/teardown.txt", &plans.map(|plan| shown(&plan)).join("\n"));
}

#[test]
fn records_that_contradict_each_other_are_deleted_all_the_same() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    world.record("db").needs = vec![reference("worker"), reference("db")];
    let options = Options { intent: Intent::Teardown, ..Options::default() };
    let plan = world.plan(&config, options).unwrap();
    assert_eq!(plan.steps.len(), 3);
    assert!(plan.graph().order().is_ok());
}

#[test]
fn a_broker_that_is_gone_from_the_configuration_is_missed() {
    let mut world = World::new();
    world.apply(&declare("  x: { service: other/mail }\n"));
    let config = config("stack: shop\nbrokers: { edge: { url: 'http://127.0.0.1:1' } }\n");
    let kept = world.plan(&config, Options::default()).unwrap();
    assert_eq!(actions(&kept), [("x", Action::Keep)]);
    let refused = world.plan(&config, options(Undeclared::Pruned, Protection::Respected)).unwrap_err();
    golden::check("plan/broker-gone.txt", &format!("{refused}\n"));
    let empty = BTreeMap::new();
    assert!(world.plan_with(&declare(SHOP), &empty, Options::default()).is_err());
}
