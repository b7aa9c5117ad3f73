//! Several handles on one store, as replicas have them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{LONG, begun, creation, finish, id, park, replicas::claim};
use crate::{
    instance::InstanceState,
    operation::Operation,
    store::{Begin, Begun, BrokerStore, Hold, RowChange, Rows, Save, StoreError},
};

/// Runs every check against handles on one store that nobody else uses.
///
/// # Panics
/// When the store breaks its contract.
pub async fn run_shared(handles: Vec<Arc<dyn BrokerStore>>) {
    let installations: HashSet<&str> = handles.iter().map(|store| store.installation()).collect();
    assert_eq!(installations.len(), 1, "one installation, whoever asks");
    of_begins_at_once_one_is_accepted(&handles).await;
    no_operation_is_claimed_twice(&handles).await;
    whoever_lost_the_lease_changes_nothing(&handles).await;
}

async fn of_begins_at_once_one_is_accepted(handles: &[Arc<dyn BrokerStore>]) {
    for round in 0..10 {
        let mut tasks = Vec::new();
        for store in handles.iter().chain(handles) {
            let store = store.clone();
            let begin = creation(&format!("raced-{round}"));
            tasks.push(tokio::spawn(async move { (begin.operation.id.clone(), store.begin(begin).await) }));
        }
        let mut accepted = Vec::new();
        for task in tasks {
            let (id, begun) = task.await.expect("no panic");
            accepted.extend((begun.expect("begin") == Begun::Accepted).then_some(id));
        }
        let [winner] = accepted.as_slice() else { panic!("accepted: {accepted:?}") };
        let active = handles[0].active(&id(&format!("raced-{round}"))).await.expect("read");
        assert_eq!(active.expect("in progress").id, *winner);
    }
}

async fn no_operation_is_claimed_twice(handles: &[Arc<dyn BrokerStore>]) {
    let mut wanted = HashSet::new();
    for number in 0..60 {
        let (lease, operation) = begun(handles[0].as_ref(), &format!("shared-{number}")).await;
        park(handles[0].as_ref(), &lease, &operation, Duration::ZERO).await;
        wanted.insert(operation.id.to_string());
    }
    let mut tasks = Vec::new();
    for store in handles.iter().chain(handles) {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut found = Vec::new();
            loop {
                let claimed = store.claim(LONG, 7).await.expect("claim");
                if claimed.is_empty() {
                    return found;
                }
                found.extend(claimed.into_iter().map(|(lease, _)| lease.operation.to_string()));
            }
        }));
    }
    let mut found = Vec::new();
    for task in tasks {
        found.extend(task.await.expect("no panic"));
    }
    found.retain(|id| wanted.contains(id));
    assert_eq!(found.len(), wanted.len(), "each exactly once");
    assert_eq!(found.into_iter().collect::<HashSet<_>>(), wanted);
}

async fn whoever_lost_the_lease_changes_nothing(handles: &[Arc<dyn BrokerStore>]) {
    let (one, other) = (handles[0].as_ref(), handles[1].as_ref());
    let begin = Begin { hold: Duration::from_millis(1), ..creation("stolen") };
    let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
    assert_eq!(one.begin(begin).await.expect("begin"), Begun::Accepted);
    let (taken, found) = claim(other, &operation).await;
    let before = one.instance(&id("stolen")).await.expect("read");
    for hold in [Hold::Keep(LONG), Hold::Park(LONG), Hold::End] {
        let rows = Rows { instance: RowChange::Remove, ..Rows::default() };
        let save = Save { lease: lease.clone(), operation: operation.clone(), hold, rows, event: None };
        assert!(matches!(one.save(save).await, Err(StoreError::LeaseLost)), "{hold:?}");
    }
    assert_eq!(one.instance(&id("stolen")).await.expect("read"), before);
    let still = one.operation(&operation.id).await.expect("read").expect("there");
    assert_eq!(
        Operation { doubted_for: found.doubted_for, age: found.age, ..still },
        found,
        "but for its age"
    );
    finish(other, &taken, found, InstanceState::Ready).await;
}
