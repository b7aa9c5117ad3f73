//! A step begins when what it uses has its place in the order of changes; it asks its broker for nothing before that is
//! durable, and never when it failed to become so.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use super::World;
use super::world::Moment;
use crate::execute::{Ended, Progress};
use crate::plan::Intent;
use crate::state::StateBackend;
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status};

/// Without variables nothing is left to do once a binding is recorded.
const CHAIN: &str = "
  db: { service: thing, plan: small, params: { size: 3 } }
  web: { service: thing, plan: small, params: { uses: ['@db.token'] } }
";

fn is_bound(record: &InstanceRecord) -> bool {
    let bound = record.binding.as_ref().is_some_and(|binding| binding.status == BindingStatus::Bound);
    record.status == Status::Ready && bound && record.outputs.contains_key("token")
}

#[tokio::test]
async fn a_step_begins_when_what_it_uses_has_its_place_and_asks_when_that_is_durable() {
    let world = World::new(CHAIN).await;
    let seen = Arc::new(Mutex::new(None));
    let (backend, log) = (Arc::clone(&world.backend), Arc::clone(&seen));
    world.fake.watch(move |what| {
        if what == "provision web" {
            let state = backend.load().now_or_never().expect("memory answers at once").unwrap();
            *log.lock().unwrap() = Some(state.records);
        }
    });
    let (report, told) = world.run(Intent::Apply).await;
    assert!(report.is_complete(), "{report:#?}");
    let records = seen.lock().unwrap().take().expect("web was asked for");
    assert!(is_bound(&records[0]) && records[1].status == Status::Intended, "{records:#?}");
    // What db yields and what web is to be became durable together.
    let journal = world.backend.journal(0, 100).await.unwrap();
    let serial = |reference: &str, what: &str| {
        let entry = journal.iter().find(|entry| entry.reference.as_str() == reference && entry.what == what);
        entry.unwrap_or_else(|| panic!("{what} of {reference} in {journal:#?}")).serial
    };
    assert_eq!(serial("db", "bound"), serial("web", "creation intended"));
    // Nobody hears of it before it is true.
    let position = |wanted: fn(&Progress) -> bool| told.iter().position(wanted).unwrap();
    let done =
        position(|event| matches!(event, Progress::Done { reference, .. } if reference.as_str() == "db"));
    let web =
        position(|event| matches!(event, Progress::Done { reference, .. } if reference.as_str() == "web"));
    assert!(done < web);
    world.is_consistent().await;
}

#[tokio::test]
async fn after_a_commit_that_failed_none_follows_and_nothing_is_asked_for() {
    for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
        for commit in 1.. {
            let world = World::new(CHAIN).await;
            // Only this one fails: what follows would succeed.
            world.backend.stumble_at(commit, moment);
            let report = world.apply().await;
            if report.is_complete() {
                assert!(commit > 4, "only {commit} commits");
                break;
            }
            assert!(matches!(report.ended, Ended::State(_)), "{commit} {moment:?}: {report:#?}");
            let state = world.state().await;
            let made = usize::from(moment == Moment::AfterCommit);
            assert_eq!(state.serial as usize, commit - 1 + made, "{commit} {moment:?}: a commit followed");
            let asked = world.fake.asked();
            let web_is_asked = asked.iter().any(|what| what == "provision web");
            assert!(!web_is_asked || is_bound(&state.records[0]), "{commit} {moment:?}: {asked:?}");
            assert!(world.apply().await.is_complete());
            world.is_consistent().await;
        }
    }
}
