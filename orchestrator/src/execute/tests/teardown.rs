//! Deletions that do not go as they should: what is kept, what is told, and how the next run goes on.

use serde_json::json;

use super::{Act, World};
use crate::state::status::Status;

/// Each uses the next one.
const THREE: &str = "
  web: { service: thing, plan: small, params: { uses: '@mid.id' } }
  mid: { service: thing, plan: small, params: { uses: '@db.id' } }
  db: { service: thing, plan: small, bind: { id: DB_ID } }
";

#[tokio::test]
async fn a07_what_a_broker_cannot_delete_stays_recorded_and_is_told() {
    for (prune, status) in [(true, 405), (true, 422), (false, 400), (false, 501)] {
        let mut world = World::new("\n  db: { service: thing, plan: small }\n").await;
        world.apply().await;
        let before = world.record("db").await.unwrap().instance_id;
        let refused = json!({ "error": "NotSupported", "description": "nothing is ever deleted here" });
        world.fake.act("deprovision db", vec![Act::Say(status, refused); 5]);
        if prune {
            world.declare("\n  other: { service: thing, plan: small }\n");
        }
        let report = if prune { world.apply().await } else { world.teardown().await };
        assert_eq!(report.failed.len(), 1, "{status}: {report:#?}");
        assert!(report.failed[0].error.contains("nothing is ever deleted here"), "{status}: {report:#?}");
        let kept = world.record("db").await.expect("it is there, so it is recorded");
        assert_eq!((kept.instance_id, kept.status), (before, Status::DeletionIntended), "{status}");
        assert!(world.fake.instances().iter().any(|(name, _)| name == "db"), "{status}");
        assert!(!report.done.iter().any(|done| done.reference.as_str() == "db"), "{status}: {report:#?}");
    }
}

#[tokio::test]
async fn a12_a_teardown_that_failed_midway_goes_on_where_it_was() {
    let world = World::new(THREE).await;
    assert!(world.apply().await.is_complete());
    world.fake.act("deprovision mid", [Act::Say(400, json!({ "description": "not now" }))]);
    world.fake.asked();
    let report = world.teardown().await;
    assert_eq!((report.failed.len(), report.skipped.len()), (1, 1), "{report:#?}");
    let left: Vec<_> = world.state().await.records.into_iter().map(|one| one.reference.to_string()).collect();
    assert_eq!(left, ["db", "mid"], "what is gone was struck off at once");
    assert!(!world.fake.asked().contains(&"deprovision db".to_owned()), "what is still used stays");
    assert!(world.teardown().await.is_complete());
    let asked = world.fake.asked();
    assert!(asked.iter().all(|what| !what.ends_with(" web")), "what is gone is not deleted again: {asked:?}");
    assert!(world.state().await.records.is_empty() && world.fake.instances().is_empty());
}

#[tokio::test]
async fn a12_gone_is_gone_whichever_status_says_so() {
    for status in [404, 410] {
        let world = World::new(THREE).await;
        assert!(world.apply().await.is_complete());
        let gone = || [Act::DoAndSay(status, json!({}))];
        for what in ["unbind mid", "unbind db", "deprovision web", "deprovision mid", "deprovision db"] {
            world.fake.act(what, gone());
        }
        let report = world.teardown().await;
        assert!(report.is_complete(), "{status}: {report:#?}");
        assert!(world.state().await.records.is_empty(), "{status}");
        assert!(world.teardown().await.is_complete());
    }
}
