//! Stopping: once drains, twice abandons at a safe point; a lost lock ends everything.

use std::sync::Arc;
use std::time::Duration;

use super::broker::End;
use super::create::CHAIN;
use super::{Act, World};
use crate::execute::{Ended, Stop};
use crate::state::samples::claim;
use crate::state::status::Status;
use crate::state::{Claim, StateBackend, StateError};

impl World {
    /// Abandons the run at the first such request.
    pub(super) fn stop_when(&self, what: &'static str) {
        self.say_when(what, Stop::Abandon);
    }

    fn say_when(&self, what: &'static str, word: Stop) {
        let stop = self.stop.clone();
        self.fake.watch(move |seen| {
            if seen == what {
                stop.send_replace(word);
            }
        });
    }

    /// Nobody stops the next run.
    pub(super) fn go_on(&self) {
        self.fake.watch(|_| {});
        self.stop.send_replace(Stop::Never);
    }
}

#[tokio::test]
async fn draining_finishes_what_runs_and_starts_nothing() {
    let world = World::new(CHAIN).await;
    world.say_when("provision db", Stop::Drain);
    let report = world.apply().await;
    assert!(matches!(report.ended, Ended::Stopped));
    assert_eq!(report.left.iter().map(|left| left.as_str()).collect::<Vec<_>>(), ["web"]);
    assert_eq!(world.fake.asked(), ["provision db", "bind db"]);
    assert_eq!(world.variables().len(), 2);
    world.go_on();
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn abandoning_stops_at_a_safe_point_and_the_next_run_goes_on() {
    let world = World::new(CHAIN).await;
    world.fake.act("provision db", [Act::Accept(1000, End::Succeeds)]);
    world.stop_when("poll db");
    let report = world.apply().await;
    assert!(report.failed.is_empty() && matches!(report.ended, Ended::Stopped), "{report:#?}");
    assert_eq!(report.left.len(), 2);
    assert!(matches!(world.record("db").await.unwrap().status, Status::Provisioning { .. }));
    world.go_on();
    world.fake.act("poll db", [Act::Say(200, serde_json::json!({ "state": "succeeded" }))]);
    world.fake.finish("db");
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked().iter().filter(|what| *what == "provision db").count(), 1);
    world.is_consistent().await;
}

#[tokio::test]
async fn a_lost_lock_ends_the_run_and_nothing_is_written_any_more() {
    let mut world = World::new(CHAIN).await;
    world.options.lease = Duration::ZERO;
    let backend = Arc::clone(&world.backend);
    let thief = claim(&*backend, "thief").await;
    let runtime = tokio::runtime::Handle::current();
    world.fake.watch(move |what| {
        if what == "provision db" {
            let (backend, thief) = (Arc::clone(&backend), thief.clone());
            let (stolen, wait) = std::sync::mpsc::channel();
            runtime.spawn(async move {
                let mut seed = thief.seed.clone();
                seed.lineage = backend.load().await.unwrap().lineage;
                let claim = Claim { seed, lease: Duration::from_secs(60), ..thief };
                stolen.send(backend.lock(&claim).await.is_ok()).unwrap();
            });
            assert!(wait.recv_timeout(Duration::from_secs(10)).unwrap(), "the lock could not be stolen");
        }
    });
    let report = world.apply().await;
    assert!(matches!(report.ended, Ended::State(StateError::LockLost { .. })), "{report:#?}");
    assert_eq!(world.record("db").await.unwrap().status, Status::Intended);
    assert_eq!(world.fake.asked(), ["provision db"]);
}
