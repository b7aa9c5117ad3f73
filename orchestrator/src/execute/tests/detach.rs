//! Not waiting: what brokers have accepted is recorded and left running, and picked up later.

use std::time::Duration;

use super::World;
use super::broker::{Act, End};
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
async fn accepted_work_is_waited_for_from_when_it_was_accepted_whoever_waits() {
    let mut world = World::new(CHAIN).await;
    world.fake.act("provision db", [Act::Accept(1_000_000, End::Succeeds)]);
    let limit = Duration::from_millis(300);
    world.options.maximum_wait = limit;
    world.options.until = Until::Accepted;
    assert!(world.apply().await.is_under_way());
    let accepted = std::time::Instant::now();
    // the moment of acceptance is written down by the clock on the wall
    while accepted.elapsed() <= limit {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.options.until = Until::Done;
    world.fake.everything_asked();
    let report = world.wait().await;
    assert_eq!(report.failed.len(), 1, "its time is over: {report:#?}");
    // then what may be there is deleted, which is waited for as well
    let asked = world.fake.everything_asked();
    let polls = asked.iter().take_while(|what| *what != "deprovision db").filter(|what| *what == "poll db");
    assert_eq!(polls.count(), 1, "what is overdue may have ended meanwhile: it is asked for once: {asked:?}");
}

#[tokio::test]
async fn what_ended_while_nobody_waited_is_no_failure_however_late_it_is_asked_for() {
    let mut world = World::new(CHAIN).await;
    world.fake.act("provision db", [Act::Accept(0, End::Succeeds)]);
    world.options.until = Until::Accepted;
    assert!(world.apply().await.is_under_way());
    world.options.maximum_wait = Duration::ZERO;
    world.options.until = Until::Done;
    let report = world.wait().await;
    assert!(report.failed.is_empty() && report.done.len() == 1, "{report:#?}");
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
