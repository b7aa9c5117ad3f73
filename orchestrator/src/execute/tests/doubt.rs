//! Requests of which nobody knows what became: resumed, made anew or left alone; and the list of what is to be deleted.

use serde_json::json;

use super::create::CHAIN;
use super::world::Moment;
use super::{Act, World};
use crate::config::OnAmbiguous;
use crate::state::status::{BindingStatus, Status};

const ONE: &str = "\n  db: { service: thing, plan: small, bind: { token: DB_TOKEN } }\n";

fn say(status: u16) -> Act {
    Act::Say(status, json!({ "description": "no" }))
}

fn lost() -> Act {
    Act::DoAndSay(500, json!({}))
}

/// Dies after the broker has made it and before that is written down.
async fn made_and_not_recorded(instances: &str) -> World {
    let world = World::new(instances).await;
    world.backend.break_at(2, Moment::BeforeCommit); // intended, created
    world.apply().await;
    world.backend.break_at(usize::MAX, Moment::BeforeCommit);
    assert_eq!(world.record("db").await.unwrap().status, Status::Intended);
    world.fake.everything_asked();
    world
}

#[tokio::test]
async fn to_resume_is_to_ask_how_far_it_is_and_then_for_the_same_under_the_same_id() {
    let world = made_and_not_recorded(ONE).await;
    let id = world.record("db").await.unwrap().instance_id;
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.everything_asked()[..2], ["poll db", "provision db"].map(str::to_owned));
    assert_eq!(world.record("db").await.unwrap().instance_id, id);
    world.is_consistent().await;
}

#[tokio::test]
async fn to_mitigate_is_to_delete_and_to_make_another_under_a_new_id() {
    let mut world = made_and_not_recorded(ONE).await;
    world.options.on_ambiguous = Some(OnAmbiguous::Mitigate);
    let id = world.record("db").await.unwrap().instance_id;
    assert!(world.apply().await.is_complete());
    assert_eq!(world.fake.asked()[..2], ["deprovision db", "provision db"].map(str::to_owned));
    assert_ne!(world.record("db").await.unwrap().instance_id, id);
    world.is_consistent().await;
}

#[tokio::test]
async fn to_pause_is_to_touch_nothing_and_to_say_how_to_go_on() {
    let mut world = made_and_not_recorded(CHAIN).await;
    world.options.on_ambiguous = Some(OnAmbiguous::Pause);
    let before = world.state().await;
    let report = world.apply().await;
    assert_eq!(world.fake.everything_asked(), Vec::<String>::new());
    assert_eq!(world.state().await, before, "nothing is written");
    let paused = &report.paused[0];
    assert!(paused.next.contains("--on-ambiguous resume") && paused.next.contains("mitigate"), "{paused:?}");
    assert!(!report.is_complete() && report.failed.is_empty());
    assert_eq!(report.skipped.len(), 1, "only what needs it");
    world.options.on_ambiguous = Some(OnAmbiguous::Resume);
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
}

#[tokio::test]
async fn p_err_05_a_busy_broker_never_leads_to_a_deletion() {
    let mut world = World::new(ONE).await;
    world.options.maximum_wait = std::time::Duration::from_millis(20);
    let busy = || Act::Say(422, json!({ "error": "ConcurrencyError" }));
    world.fake.act("provision db", std::iter::once(lost()).chain((0..2000).map(|_| busy())));
    let report = world.apply().await;
    assert_eq!(report.failed.len(), 1);
    assert!(!world.fake.asked().contains(&"deprovision db".to_owned()));
    assert_eq!(world.record("db").await.unwrap().status, Status::Intended, "it may be there");
}

#[tokio::test]
async fn p_orp_04_an_unreadable_200_deletes_nothing_and_is_asked_for_again() {
    let world = World::new(ONE).await;
    world.fake.act("provision db", (0..4).map(|_| Act::DoAndSay(200, json!("garbage"))));
    assert_eq!(world.apply().await.failed.len(), 1);
    assert!(!world.fake.asked().contains(&"deprovision db".to_owned()));
    let id = world.record("db").await.unwrap().instance_id;
    assert!(world.apply().await.is_complete());
    assert_eq!(world.record("db").await.unwrap().instance_id, id);
    world.is_consistent().await;
}

/// The instance is there; its binding was made, its credentials are lost, and the broker will not unbind.
async fn with_a_binding_that_stays() -> World {
    let world = World::new(ONE).await;
    world.fake.act("bind db", [lost(), Act::Say(200, json!({}))]);
    world.fake.act("unbind db", [say(500), say(500), say(500)]);
    world
}

#[tokio::test]
async fn lost_credentials_are_made_anew_at_once_and_the_old_binding_is_deleted_by_whichever_run_can() {
    let world = with_a_binding_that_stays().await;
    let report = world.apply().await;
    assert!(report.is_complete(), "what is left over stands in nobody's way: {report:#?}");
    let record = world.record("db").await.unwrap();
    assert_eq!((record.orphans.len(), record.binding.unwrap().status), (1, BindingStatus::Bound));
    assert!(report.warnings.iter().any(|warning| warning.contains("still to be deleted")), "{report:#?}");
    assert_eq!(world.fake.bindings().len(), 2);
    world.apply().await; // the third and last refusal
    assert_eq!(world.record("db").await.unwrap().orphans.len(), 1);
    let report = world.apply().await;
    assert!(report.is_complete() && report.warnings.is_empty(), "{report:#?}");
    assert!(world.record("db").await.unwrap().orphans.is_empty());
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}

#[tokio::test]
async fn i_06_an_instance_is_not_deleted_before_every_binding_on_its_list_is_gone() {
    let world = with_a_binding_that_stays().await;
    assert!(world.apply().await.is_complete());
    world.fake.asked();
    let report = world.teardown().await;
    assert_eq!(report.failed.len(), 1, "{report:#?}");
    assert_eq!(world.fake.instances().len(), 1);
    assert!(!world.fake.asked().contains(&"deprovision db".to_owned()));
    assert!(world.teardown().await.is_complete());
    assert!(world.fake.instances().is_empty() && world.fake.bindings().is_empty());
    assert!(world.state().await.records.is_empty() && world.variables().is_empty());
}

#[tokio::test]
async fn a_change_in_doubt_is_sent_again_and_never_counted_as_refused() {
    let mut world = World::new("\n  db: { service: thing, plan: small, params: { size: 1 } }\n").await;
    assert!(world.apply().await.is_complete());
    world.declare("\n  db: { service: thing, plan: small, params: { size: 2 } }\n");
    world.fake.act("update db", [lost(), say(400)]);
    assert_eq!(world.apply().await.failed.len(), 1);
    assert_eq!(world.record("db").await.unwrap().status, Status::ChangeIntended);
    assert!(world.apply().await.is_complete());
    world.is_consistent().await;
    world.has_nothing_to_do().await;
}
