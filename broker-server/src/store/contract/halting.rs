//! A deletion that takes the place of other work: accepted at once, carried out when nobody works on the other any more.

use std::time::Duration;

use sutler_spec::OperationState;

use super::{LONG, beginning, begun, id, park, replicas::claim};
use crate::{
    operation::{Lease, Operation, Work},
    store::{Begin, Begun, BrokerStore, Hold, Rows, Save, StoreError},
};

pub(super) async fn run(store: &dyn BrokerStore) {
    parked_work_makes_way_at_once(store).await;
    running_work_makes_way_when_its_holder_lets_go(store).await;
    a_holder_that_never_lets_go_holds_until_its_lease_ends(store).await;
    what_moved_meanwhile_is_decided_again(store).await;
}

/// A deletion in the place of the operation, as it is decided on the present revision.
async fn deletion(store: &dyn BrokerStore, name: &str, operation: &Operation) -> Begin {
    let row = store.instance(&id(name)).await.expect("read").expect("the instance");
    let mut begin = Begin {
        decided_on: Some(row.revision),
        supersedes: Some(operation.id.clone()),
        ..beginning(Work::Deprovision, name, Rows::default())
    };
    begin.operation.intent = None;
    begin
}

async fn accepted(store: &dyn BrokerStore, name: &str, operation: &Operation) -> Operation {
    let begin = deletion(store, name, operation).await;
    let deletion = begin.operation.clone();
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let halted = store.operation(&operation.id).await.expect("read").expect("remembered");
    assert_eq!(halted.state, OperationState::Failed);
    deletion
}

async fn is_due(store: &dyn BrokerStore, operation: &Operation) -> bool {
    let claimed = store.claim(LONG, 1_000).await.expect("claim");
    claimed.iter().any(|(_, found)| found.id == operation.id)
}

fn late(lease: Lease, operation: Operation) -> Save {
    Save { lease, operation, hold: Hold::Keep(LONG), rows: Rows::default(), event: None }
}

async fn parked_work_makes_way_at_once(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "waited").await;
    park(store, &lease, &operation, LONG).await;
    let deletion = accepted(store, "waited", &operation).await;
    assert!(is_due(store, &deletion).await);
}

async fn running_work_makes_way_when_its_holder_lets_go(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "halted").await;
    let deletion = accepted(store, "halted", &operation).await;
    assert!(!is_due(store, &deletion).await, "its holder may be in the middle of a step");
    let status = store.active(&id("halted")).await.expect("read").expect("in progress");
    assert!(status.id == deletion.id && !status.is_parked, "{status:?}");
    let lost = store.save(late(lease.clone(), operation)).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "I-17");
    let stranger = Lease { owner: "stranger".to_owned(), ..lease.clone() };
    store.let_go(&stranger, &id("halted")).await.expect("nothing happens");
    assert!(!is_due(store, &deletion).await);
    store.let_go(&lease, &id("halted")).await.expect("let go");
    assert!(is_due(store, &deletion).await);
}

async fn a_holder_that_never_lets_go_holds_until_its_lease_ends(store: &dyn BrokerStore) {
    let begin = Begin { hold: Duration::from_millis(200), ..super::creation("silent") };
    let operation = begin.operation.clone();
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let deletion = accepted(store, "silent", &operation).await;
    let (lease, found) = claim(store, &deletion).await;
    assert_eq!((found.id, found.work), (deletion.id.clone(), Work::Deprovision));
    assert!(store.save(late(lease, deletion)).await.is_ok());
}

async fn what_moved_meanwhile_is_decided_again(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "moved").await;
    let decided = deletion(store, "moved", &operation).await;
    store.save(late(lease, operation)).await.expect("a step further");
    assert_eq!(store.begin(decided).await.expect("begin"), Begun::Moved);
}
