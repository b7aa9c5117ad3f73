//! Rotating bindings: nobody is ever without a credential that works, and nothing is left.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::broker::End;
use super::create::CHAIN;
use super::world::Moment;
use super::{Act, World};
use crate::execute::Report;
use crate::plan::{Action, Intent, Rotate, Which};
use crate::state::record::InstanceRecord;
use crate::state::status::BindingStatus;

const HOUR: Duration = Duration::from_secs(3600);

/// The chain, applied; whoever asks for anything while a consumer has a token that does not work is told.
async fn chain() -> World {
    let mut world = World::new(CHAIN).await;
    assert!(world.apply().await.is_complete());
    world.fake.asked();
    let fake = world.fake.clone();
    world.fake.watch(move |what| assert_eq!(fake.dead_tokens(), Vec::<String>::new(), "at {what}"));
    world.targets = vec!["db"];
    world
}

async fn rotate(world: &mut World, grace: Duration) -> Report {
    world.options.grace = grace;
    world.run(Intent::Rotate(Rotate { which: Which::Named, grace })).await.0
}

/// The next run that finishes what is due, of everything.
async fn rotate_due(world: &mut World) -> Report {
    world.targets.clear();
    world.options.grace = Duration::ZERO;
    world.run(Intent::Rotate(Rotate { which: Which::Due, grace: Duration::ZERO })).await.0
}

async fn db(world: &World) -> InstanceRecord {
    world.record("db").await.unwrap()
}

fn binding(record: &InstanceRecord) -> String {
    record.binding.as_ref().unwrap().binding_id.to_string()
}

/// The token that the consumer has.
fn token(world: &World) -> Value {
    let web = world.fake.instances().into_iter().find(|(name, _)| name == "web").unwrap().1;
    web.parameters["uses"][0].clone()
}

/// Everyone has moved and nothing is left of the binding before.
async fn is_rotated(world: &mut World, (binding_before, token_before): (&str, &Value)) {
    let record = db(world).await;
    assert_ne!(binding(&record), binding_before);
    assert_ne!(token(world), *token_before);
    assert!(record.retired.is_empty() && record.binding.unwrap().rotation.is_none());
    assert_eq!(world.fake.dead_tokens(), Vec::<String>::new());
    world.targets.clear();
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a09_a_new_binding_then_everyone_who_uses_it_then_the_old_one_goes() {
    let mut world = chain().await;
    let before = (binding(&db(&world).await), token(&world));
    let report = rotate(&mut world, Duration::ZERO).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["bind db", "update web", "unbind db"]);
    let done: Vec<Action> = report.done.iter().map(|done| done.action).collect();
    assert_eq!(done, [Action::Rotate, Action::Update, Action::Retire]);
    assert_eq!(world.fake.body("bind db").get("predecessor_binding_id"), None, "the plan is not rotatable");
    is_rotated(&mut world, (&before.0, &before.1)).await;
}

#[tokio::test]
async fn p_rot_02_a_rotatable_plan_is_told_the_predecessor() {
    let mut world = chain().await;
    world.fake.rotatable();
    let before = binding(&db(&world).await);
    assert!(rotate(&mut world, HOUR).await.is_complete());
    assert_eq!(world.fake.body("bind db")["predecessor_binding_id"], json!(before));
}

#[tokio::test]
async fn the_old_one_is_kept_for_the_grace_time_and_goes_with_any_later_run() {
    let mut world = chain().await;
    let before = (binding(&db(&world).await), token(&world));
    assert!(rotate(&mut world, HOUR).await.is_complete());
    assert_eq!(world.fake.asked(), ["bind db", "update web"]);
    let retired = db(&world).await.retired;
    assert_eq!(retired[0].what.binding_id.as_ref().unwrap().as_str(), before.0);
    let left = retired[0].not_before.unwrap().duration_since(Timestamp::now()).as_secs();
    assert!((3500..=3600).contains(&left), "{left}");
    world.targets.clear();
    world.has_nothing_to_do().await;
    assert!(rotate_due(&mut world).await.done.is_empty(), "nothing is due");
    world.edit("db", |record| record.retired[0].not_before = Some(Timestamp::UNIX_EPOCH)).await;
    let report = rotate_due(&mut world).await;
    assert_eq!(report.done.iter().map(|done| done.action).collect::<Vec<_>>(), [Action::Retire]);
    assert_eq!(world.fake.asked(), ["unbind db"]);
    is_rotated(&mut world, (&before.0, &before.1)).await;
}

#[tokio::test]
async fn a_refused_rotation_leaves_everything_as_it_was() {
    let mut world = chain().await;
    let before = db(&world).await;
    world.fake.act("bind db", [Act::Say(422, json!({ "description": "one at a time" }))]);
    let report = rotate(&mut world, Duration::ZERO).await;
    assert!(report.failed[0].error.contains("one at a time"), "{report:#?}");
    assert_eq!(world.fake.asked(), ["bind db"], "nobody moves, nothing is revoked");
    assert_eq!(db(&world).await, before);
    world.targets.clear();
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn a_rotation_that_fails_later_is_cleaned_up_and_the_old_binding_stays_in_force() {
    let mut world = chain().await;
    let before = db(&world).await;
    world.fake.act("bind db", [Act::Accept(0, End::Fails)]);
    assert_eq!(rotate(&mut world, Duration::ZERO).await.failed.len(), 1);
    assert_eq!(world.fake.asked(), ["bind db", "unbind db"]);
    assert_eq!(db(&world).await, before);
    world.targets.clear();
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn what_a_consumer_still_uses_is_not_revoked() {
    let mut world = chain().await;
    let before = (binding(&db(&world).await), token(&world));
    world.fake.act("update web", [Act::Say(400, json!({ "description": "not now" }))]);
    let report = rotate(&mut world, Duration::ZERO).await;
    assert_eq!((report.failed.len(), report.skipped.len()), (1, 1), "{report:#?}");
    assert_eq!(world.fake.asked(), ["bind db", "update web"]);
    assert_eq!(token(&world), before.1);
    let report = rotate_due(&mut world).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["update web", "unbind db"]);
    is_rotated(&mut world, (&before.0, &before.1)).await;
}

#[tokio::test]
async fn an_interrupted_rotation_is_repeated_letter_by_letter_and_not_made_twice() {
    let mut world = chain().await;
    world.fake.rotatable();
    let before = (binding(&db(&world).await), token(&world));
    // The intent is written, the answer is not.
    world.backend.break_at(2, Moment::BeforeCommit);
    rotate(&mut world, Duration::ZERO).await;
    assert!(world.backend.is_broken());
    world.backend.break_at(usize::MAX, Moment::BeforeCommit);
    let (sent, begun) = (world.fake.body("bind db"), db(&world).await);
    assert_eq!(begun.binding.as_ref().unwrap().status, BindingStatus::Intended);
    assert!(rotate(&mut world, Duration::ZERO).await.is_complete());
    assert_eq!(world.fake.body("bind db"), sent);
    assert_eq!(binding(&db(&world).await), binding(&begun), "the one that was begun is the one");
    is_rotated(&mut world, (&before.0, &before.1)).await;
}

#[tokio::test]
async fn i_06_a_teardown_in_the_middle_of_a_rotation_removes_both_bindings() {
    for commits in [2, 3] {
        let mut world = chain().await;
        world.backend.break_at(commits, Moment::BeforeCommit);
        rotate(&mut world, HOUR).await;
        world.backend.break_at(usize::MAX, Moment::BeforeCommit);
        world.targets.clear();
        world.fake.watch(|_| {});
        assert!(world.teardown().await.is_complete());
        assert!(world.fake.bindings().is_empty() && world.fake.instances().is_empty());
        assert!(world.state().await.records.is_empty());
    }
}

async fn killed_at(commits: usize, (asynchronous, moment, by_apply): (bool, Moment, bool)) -> bool {
    let mut world = chain().await;
    world.fake.rotatable();
    if asynchronous {
        world.fake.asynchronous();
    }
    let before = (binding(&db(&world).await), token(&world));
    world.backend.break_at(commits, moment);
    rotate(&mut world, Duration::ZERO).await;
    let broke = world.backend.is_broken();
    world.backend.break_at(usize::MAX, moment);
    world.targets.clear();
    let report = if by_apply { world.apply().await } else { rotate_due(&mut world).await };
    assert!(report.is_complete(), "{commits} {moment:?}: {report:#?}");
    if binding(&db(&world).await) == before.0 {
        // Nothing had been written: it was never begun.
        assert!(commits == 1 && moment == Moment::BeforeCommit, "{commits} {moment:?}");
        world.is_consistent().await;
    } else {
        is_rotated(&mut world, (&before.0, &before.1)).await;
    }
    broke
}

#[tokio::test]
async fn a_rotation_killed_anywhere_is_finished_by_the_next_run() {
    for way in [
        (false, Moment::BeforeCommit, true),
        (false, Moment::AfterCommit, false),
        (true, Moment::AfterCommit, true),
    ] {
        let mut commits = 1;
        while killed_at(commits, way).await {
            commits += 1;
            assert!(commits < 30, "it never ends");
        }
        assert!(commits > 4, "only {commits} commits");
    }
}

#[tokio::test]
async fn i_37_a_consumer_that_is_rotated_in_the_same_run_follows_what_it_uses_first() {
    let mut world = chain().await;
    world.targets = vec!["db", "web"];
    let before = (binding(&db(&world).await), token(&world));
    let report = rotate(&mut world, Duration::ZERO).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["bind db", "update web", "bind web", "unbind web", "unbind db"]);
    is_rotated(&mut world, (&before.0, &before.1)).await;
}
