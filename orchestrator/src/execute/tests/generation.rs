//! One generation after another: the new one is made, consumers move, the old one goes. In that order.

use serde_json::json;

use super::broker::End;
use super::create::CHAIN;
use super::{Act, World};
use crate::plan::{Action, Intent};
use crate::state::status::Status;

/// The chain with something of `db` changed that cannot be changed in place.
fn moved() -> String {
    CHAIN.replace("size: 3", "size: 3, region: weur")
}

async fn applied() -> World {
    let mut world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.asked();
    world.declare(&moved());
    world
}

#[tokio::test]
async fn a08_the_new_one_is_made_first_then_consumers_move_then_the_old_one_goes() {
    let world = applied().await;
    let old = world.record("db").await.unwrap();
    let plan = world.plan(Intent::Apply).await;
    let told: Vec<_> = plan.steps.iter().map(|step| (step.reference.as_str(), step.action)).collect();
    assert_eq!(told, [("db", Action::Replace), ("web", Action::Update), ("db", Action::Retire)]);
    assert_eq!(plan.steps[2].because, [format!("the new one takes the place of {}", old.instance_id)]);
    let report = world.apply().await;
    assert!(report.is_complete(), "{report:#?}");
    let asked = ["provision db", "bind db", "update web", "unbind db", "deprovision db"];
    assert_eq!(world.fake.asked(), asked);
    let new = world.record("db").await.unwrap();
    assert!(new.instance_id != old.instance_id && new.previous.is_none() && new.retired.is_empty());
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn where_names_are_exclusive_the_old_one_goes_first() {
    let mut world = applied().await;
    world.declare(
        &moved().replace("plan: small, params: { size", "plan: small, replace: delete_first, params: { size"),
    );
    let plan = world.plan(Intent::Apply).await;
    assert!(plan.steps.iter().all(|step| step.action != Action::Retire), "{plan:#?}");
    assert!(plan.steps[0].because.iter().any(|why| why.contains("delete_first")), "{plan:#?}");
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked(), ["unbind db", "deprovision db", "provision db", "bind db", "update web"]);
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_replacement_that_is_refused_leaves_everything_as_it_was() {
    let mut world = applied().await;
    let before = world.record("db").await.unwrap();
    world.fake.act("provision db", [Act::Say(422, json!({ "description": "not in that region" }))]);
    let report = world.apply().await;
    assert!(report.failed[0].error.contains("not in that region"), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap(), before);
    world.declare(CHAIN);
    world.has_nothing_to_do().await;
    world.is_consistent().await;
}

#[tokio::test]
async fn a_replacement_that_fails_midway_is_cleaned_up_and_the_one_before_it_stays_in_force() {
    let world = applied().await;
    let before = world.record("db").await.unwrap();
    world.fake.act("provision db", [Act::Accept(1, End::Fails)]);
    assert_eq!(world.apply().await.failed.len(), 1);
    assert_eq!(world.fake.asked(), ["provision db", "deprovision db"]);
    assert_eq!(world.record("db").await.unwrap(), before);
    world.is_consistent().await;
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn the_old_one_stays_as_long_as_a_consumer_could_not_move_and_goes_once_it_has() {
    let world = applied().await;
    world.fake.act("update web", [Act::Say(400, json!({ "description": "not now" }))]);
    let report = world.apply().await;
    assert_eq!(report.failed.len(), 1, "{report:#?}");
    assert_eq!(report.skipped.len(), 1, "the old one is not deleted: {report:#?}");
    assert_eq!(world.fake.instances().iter().filter(|(name, _)| name == "db").count(), 2);
    assert!(world.record("db").await.unwrap().previous.is_some());
    world.fake.asked();
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked(), ["update web", "unbind db", "deprovision db"]);
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn an_unfinished_replacement_that_is_not_wanted_any_more_gives_way_to_the_one_before_it() {
    let mut world = applied().await;
    let before = world.record("db").await.unwrap();
    world.fake.act("provision db", (0..4).map(|_| Act::DoAndSay(500, json!({}))));
    world.fake.act("deprovision db", [Act::Say(500, json!({}))]);
    world.apply().await;
    let doubtful = world.record("db").await.unwrap();
    assert_eq!((doubtful.status, doubtful.previous.is_some()), (Status::Doubtful, true));
    world.declare(CHAIN);
    world.fake.asked();
    assert!(world.apply().await.is_complete());
    assert_eq!(world.record("db").await.unwrap(), before);
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn replaced_twice_before_consumers_could_move_all_earlier_ones_go_at_the_end() {
    let mut world = applied().await;
    let refuse = || Act::Say(400, json!({ "description": "not now" }));
    world.fake.act("update web", [refuse(), refuse()]);
    world.apply().await;
    world.declare(&moved().replace("weur", "eeur"));
    world.apply().await;
    assert_eq!(world.fake.instances().iter().filter(|(name, _)| name == "db").count(), 3);
    assert_eq!(
        world.record("db").await.unwrap().left_over().len(),
        4,
        "two instances, each with its binding"
    );
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_teardown_deletes_every_generation() {
    let world = applied().await;
    world.fake.act("update web", [Act::Say(400, json!({ "description": "not now" }))]);
    world.apply().await;
    assert!(world.teardown().await.is_complete());
    assert!(world.fake.instances().is_empty() && world.fake.bindings().is_empty());
    assert!(world.state().await.records.is_empty());
}

#[tokio::test]
async fn what_is_removed_in_the_configuration_is_forgotten_and_stays() {
    let mut world = World::new(CHAIN).await;
    world.apply().await;
    world.fake.asked();
    let only_db: Vec<&str> = CHAIN.lines().take(2).collect();
    world.declare(&format!("{}\nremoved: [web]\n", only_db.join("\n")));
    let report = world.apply().await;
    assert!(report.is_complete(), "{report:#?}");
    assert!(world.fake.asked().iter().all(|what| !what.ends_with(" web")));
    assert_eq!(world.record("web").await, None);
    assert_eq!(world.fake.instances().len(), 2);
}

/// A consumer of something that changes in place, in a parameter that no update takes.
const RIGID: &str = "
  db: { service: thing, plan: small, params: { size: 3 } }
  web: { service: thing, plan: small, params: { region: 'size ${db.size}' }, bind: { token: WEB_TOKEN } }
  api: { service: thing, plan: small, params: { uses: '@web.token' } }
";

#[tokio::test]
async fn i_37_a_consumer_that_no_update_can_change_follows_as_another_in_the_same_run() {
    let mut world = World::new(RIGID).await;
    world.apply().await;
    world.fake.asked();
    world.declare(&RIGID.replace("size: 3", "size: 4"));
    let plan = world.plan(Intent::Apply).await;
    let web = plan.steps.iter().find(|step| step.reference.as_str() == "web").unwrap();
    assert_eq!(web.action, Action::Keep);
    assert!(
        web.because.iter().any(|why| why.starts_with("replaced if region has changed with it")),
        "{web:#?}"
    );
    let report = world.apply().await;
    assert!(report.is_complete(), "{report:#?}");
    let asked = ["update db", "provision web", "bind web", "update api", "unbind web", "deprovision web"];
    assert_eq!(world.fake.asked(), asked);
    let variables = world.variables();
    assert_eq!(variables.len(), 1);
    world.is_consistent().await;
    world.has_nothing_to_do().await;
    // its own change is not in the way
    world.declare(&RIGID.replace("params: { size: 3 }", "params: { size: 4, password: new }"));
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked(), ["update db"]);
}

#[tokio::test]
async fn i_05_what_is_protected_does_not_follow_as_another() {
    let protected = RIGID.replace("web: { service: thing,", "web: { service: thing, protected: true,");
    let mut world = World::new(&protected).await;
    world.apply().await;
    let before = world.record("web").await.unwrap();
    world.fake.asked();
    world.declare(&protected.replace("size: 3", "size: 4"));
    let report = world.apply().await;
    assert_eq!(report.failed.len(), 1, "{report:#?}");
    assert!(report.failed[0].error.contains("region"), "{report:#?}");
    assert_eq!(world.record("web").await.unwrap().instance_id, before.instance_id);
    assert_eq!(world.fake.asked(), ["update db"]);
}
