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
fn a22_what_is_no_longer_declared_is_kept_or_pruned_consumers_first() {
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
fn a25_a_producer_leaves_only_after_the_consumer_that_used_it() {
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
fn a24_a_teardown_deletes_consumers_first_and_keeps_what_is_protected_with_all_it_needs() {
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

/// Edges count as they are recorded now, wherever a record stands and in whatever order things were made.
#[test]
fn a23_a_deletion_follows_the_edges_of_now_and_not_the_order_in_which_things_were_made() {
    let config = declare(SHOP);
    let mut world = World::new();
    world.apply(&config);
    // Since they were made, the other way round: now the database uses the token, and the token uses the Worker.
    world.record("worker").needs.clear();
    world.record("token").needs = vec![reference("worker")];
    world.record("db").needs = vec![reference("token")];
    let order = |plan: &sutler::plan::Plan| -> Vec<String> {
        let deleted = plan.steps.iter().filter(|step| step.action == Action::Delete);
        deleted.map(|step| step.reference.to_string()).collect()
    };
    let teardown = Options { intent: Intent::Teardown, ..Options::default() };
    let everything = world.plan(&config, teardown.clone()).unwrap();
    assert_eq!(order(&everything), ["db", "token", "worker"]);
    assert_eq!(everything.graph().needs(2), [1], "the Worker waits for whoever uses it");
    let empty = declare("  other: { service: d1 }\n");
    let pruned = world.plan(&empty, options(Undeclared::Pruned, Protection::Respected)).unwrap();
    assert_eq!(order(&pruned), ["db", "token", "worker"]);
    world.record("db").protected = true;
    assert!(
        order(&world.plan(&empty, teardown).unwrap()).is_empty(),
        "what a protected one uses now is kept"
    );
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
