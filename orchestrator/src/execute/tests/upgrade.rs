//! Maintenance versions: told, upgraded to, a few first, gone on with.

use serde_json::json;

use super::create::CHAIN;
use super::world::Moment;
use super::{Act, World};
use crate::execute::Report;
use crate::plan::{Action, Intent, Rollout};
use crate::state::status::Status;

const THREE: &str = "
  a: { service: thing, plan: small, params: { size: 1 } }
  b: { service: thing, plan: small }
  c: { service: thing, plan: small }
";

/// A world in which everything declared has version 1.0.0, and 2.0.0 is offered.
async fn outdated(instances: &str) -> World {
    let world = World::new(instances).await;
    world.fake.offer_maintenance("1.0.0");
    assert!(world.apply().await.is_complete());
    world.fake.offer_maintenance("2.0.0");
    world.fake.asked();
    world
}

async fn upgrade(world: &World, rollout: Rollout) -> Report {
    world.run(Intent::Upgrade(rollout)).await.0
}

async fn version(world: &World, reference: &str) -> Option<String> {
    world.record(reference).await.unwrap().asked.maintenance_version
}

#[tokio::test]
async fn a14_the_version_is_told_when_it_is_asked_for_and_only_then() {
    let mut world = outdated(THREE).await;
    assert_eq!(world.fake.body("provision a")["maintenance_info"], json!({ "version": "1.0.0" }));
    world.declare(&THREE.replace("size: 1", "size: 2"));
    assert!(world.apply().await.is_complete());
    let sent = world.fake.body("update a");
    assert_eq!(sent.get("maintenance_info"), None, "other changes leave the version alone");
    assert_eq!(sent["previous_values"]["maintenance_info"], json!({ "version": "1.0.0" }));
    assert_eq!(version(&world, "a").await.as_deref(), Some("1.0.0"));
    world.declare(&THREE.replace("small", "large"));
    assert!(world.apply().await.is_complete());
    assert_eq!(version(&world, "a").await, None, "the version is that of the plan");
}

#[tokio::test]
async fn an_upgrade_sends_the_version_and_nothing_else() {
    let world = outdated(CHAIN).await;
    world.has_nothing_to_do().await;
    let report = upgrade(&world, Rollout::default()).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.fake.asked(), ["update db", "update web"]);
    let sent = world.fake.body("update web");
    assert_eq!(sent["maintenance_info"], json!({ "version": "2.0.0" }));
    assert_eq!(sent["previous_values"]["maintenance_info"], json!({ "version": "1.0.0" }));
    assert_eq!((sent.get("parameters"), sent.get("plan_id")), (None, None));
    for reference in ["db", "web"] {
        let record = world.record(reference).await.unwrap();
        assert_eq!((record.status, record.pending), (Status::Ready, None));
        assert_eq!(record.asked.maintenance_version.as_deref(), Some("2.0.0"));
    }
    world.has_nothing_to_do().await;
    assert!(upgrade(&world, Rollout::default()).await.done.is_empty());
}

#[tokio::test]
async fn when_the_first_of_a_plan_fails_the_others_of_that_plan_are_left_alone() {
    let world = outdated(&format!("{THREE}  other: {{ service: thing, plan: large }}\n")).await;
    world.fake.act("update a", [Act::Say(422, json!({ "description": "not today" }))]);
    let report = upgrade(&world, Rollout::default()).await;
    assert_eq!((report.failed.len(), report.skipped.len(), report.done.len()), (1, 2, 0), "{report:#?}");
    assert_eq!(world.fake.asked(), ["update a"]);
    assert_eq!(version(&world, "a").await.as_deref(), Some("1.0.0"), "it is as it was");
    let report = upgrade(&world, Rollout::default()).await;
    assert!(report.is_complete() && report.done.len() == 3, "{report:#?}");
    assert_eq!(world.fake.asked()[0], "update a", "and goes first again");
}

#[tokio::test]
async fn a_paused_upgrade_is_gone_on_with_by_a_later_run() {
    let world = outdated(THREE).await;
    let pause = Rollout { at_most: 2, ..Rollout::default() };
    let done = upgrade(&world, pause).await.done;
    assert_eq!(done.iter().map(|done| done.action).collect::<Vec<_>>(), [Action::Upgrade; 2]);
    assert_eq!(world.fake.asked(), ["update a", "update b"]);
    assert!(upgrade(&world, pause).await.is_complete());
    assert_eq!(world.fake.asked(), ["update c"]);
}

#[tokio::test]
async fn a_catalog_that_moved_on_meanwhile_is_told_and_fetched_by_the_next_run() {
    let world = outdated("\n  a: { service: thing, plan: small }\n").await;
    let conflict = json!({ "error": "MaintenanceInfoConflict", "description": "it is 3.0.0 by now" });
    world.fake.act("update a", [Act::Say(422, conflict)]);
    let report = upgrade(&world, Rollout::default()).await;
    assert!(report.failed[0].next.contains("fetches the catalog"), "{report:#?}");
    assert_eq!(world.record("a").await.unwrap().status, Status::Ready);
    world.fake.offer_maintenance("3.0.0");
    assert!(upgrade(&world, Rollout::default()).await.is_complete());
    assert_eq!(version(&world, "a").await.as_deref(), Some("3.0.0"));
}

async fn killed_at(commits: usize, (asynchronous, moment): (bool, Moment), by_apply: bool) -> bool {
    let world = outdated(CHAIN).await;
    if asynchronous {
        world.fake.asynchronous();
    }
    world.backend.break_at(commits, moment);
    upgrade(&world, Rollout::default()).await;
    let broke = world.backend.is_broken();
    world.backend.break_at(usize::MAX, moment);
    if by_apply {
        assert!(world.apply().await.is_complete(), "{commits} {moment:?}");
    }
    let report = upgrade(&world, Rollout::default()).await;
    assert!(report.is_complete(), "{commits} {moment:?}: {report:#?}");
    for reference in ["db", "web"] {
        assert_eq!(version(&world, reference).await.as_deref(), Some("2.0.0"), "{commits} {moment:?}");
    }
    world.is_consistent().await;
    world.has_nothing_to_do().await;
    broke
}

#[tokio::test]
async fn an_upgrade_killed_anywhere_is_finished_by_the_next_run() {
    for (asynchronous, moment, by_apply) in [
        (false, Moment::BeforeCommit, false),
        (true, Moment::AfterCommit, false),
        (false, Moment::AfterCommit, true),
    ] {
        let mut commits = 1;
        while killed_at(commits, (asynchronous, moment), by_apply).await {
            commits += 1;
            assert!(commits < 30, "it never ends");
        }
        assert!(commits > 3, "only {commits} commits");
    }
}
