//! Not waiting: what brokers have accepted is recorded and left running, and picked up later.

use super::World;
use super::create::CHAIN;
use crate::execute::{Ended, Until};
use crate::plan::Intent;
use crate::state::status::Status;

async fn detached() -> World {
    let mut world = World::new(CHAIN).await;
    world.fake.asynchronous();
    world.options.until = Until::Accepted;
    world
}

fn count(asked: &[String], what: &str) -> usize {
    asked.iter().filter(|one| *one == what).count()
}

#[tokio::test]
async fn a_detached_run_ends_at_acceptance_and_the_next_one_goes_on_from_the_token() {
    let mut world = detached().await;
    let report = world.apply().await;
    assert!(report.is_under_way() && matches!(report.ended, Ended::Detached), "{report:#?}");
    assert_eq!(report.running[0].reference.as_str(), "db");
    assert_eq!(report.left.iter().map(|left| left.as_str()).collect::<Vec<_>>(), ["web"]);
    let Status::Provisioning { operation } = world.record("db").await.unwrap().status else {
        panic!("it is accepted");
    };
    assert_eq!(operation.unwrap().as_str(), "provision");
    assert_eq!(world.fake.everything_asked().iter().filter(|what| what.starts_with("poll")).count(), 0);
    world.options.until = Until::Done;
    assert!(world.apply().await.is_complete());
    assert_eq!(count(&world.fake.asked(), "provision db"), 0, "it was accepted before");
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn waiting_records_how_it_ended_and_begins_nothing() {
    let mut world = detached().await;
    world.apply().await;
    world.fake.asked();
    world.options.until = Until::Done;
    let report = world.wait().await;
    assert!(report.is_complete() && report.done.len() == 1, "{report:#?}");
    let record = world.record("db").await.unwrap();
    assert_eq!((record.status, record.binding), (Status::Ready, None));
    assert_eq!(world.fake.asked(), Vec::<String>::new(), "only polls and fetches");
    assert!(world.wait().await.done.is_empty(), "nothing runs any more");
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn detached_runs_one_after_another_reach_the_end() {
    let world = detached().await;
    let mut runs = 0;
    while !world.apply().await.is_complete() {
        runs += 1;
        assert!(runs < 20, "it never ends");
    }
    assert!(runs >= 3, "db, its binding, web, its binding: {runs}");
    let asked = world.fake.asked();
    for what in ["provision db", "bind db", "provision web", "bind web"] {
        assert_eq!(count(&asked, what), 1, "{asked:?}");
    }
    world.is_consistent().await;
}

#[tokio::test]
async fn a_deletion_that_was_accepted_is_waited_for_and_not_asked_for_again() {
    let mut world = detached().await;
    world.options.until = Until::Done;
    assert!(world.apply().await.is_complete());
    world.options.until = Until::Accepted;
    let mut runs = 0;
    while !world.state().await.records.is_empty() {
        let (report, _) = world.run(Intent::Teardown).await;
        assert!(report.failed.is_empty(), "{report:#?}");
        world.options.until = Until::Done;
        world.wait().await;
        world.options.until = Until::Accepted;
        runs += 1;
        assert!(runs < 20, "it never ends");
    }
    let asked = world.fake.asked();
    for what in ["unbind db", "deprovision db", "unbind web", "deprovision web"] {
        assert_eq!(count(&asked, what), 1, "{asked:?}");
    }
    assert!(world.fake.instances().is_empty() && world.fake.bindings().is_empty());
    assert!(world.variables().is_empty());
}
