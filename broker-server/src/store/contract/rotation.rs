//! Keys are exchanged while the store is in use, and whoever does it may die at every row (I-30, S-35, B23).

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use sutler_secrets::KeyRing;

use super::{begun, binding_id, bindings_go_with_their_revocation, creation, finish, id, new_binding};
use crate::{
    instance::InstanceState,
    operation::OperationId,
    store::{Begin, Begun, BrokerStore, Resealed, RowChange, StoreError},
};

/// Rotates the keys of an empty store, opening it again after every step. `keys` is where a key ring may be.
///
/// # Panics
/// When the store breaks its contract.
pub async fn run_rotation(
    keys: &Path,
    open: impl Fn(Arc<KeyRing>) -> Result<Arc<dyn BrokerStore>, StoreError>,
) {
    let old = KeyRing::create(keys, Timestamp::now()).expect("a ring").current();
    let load = || Arc::new(KeyRing::load(keys).expect("the ring"));
    let store = open(load()).expect("open");
    let running = fill(store.as_ref()).await;

    let mut ring = KeyRing::load(keys).expect("the ring");
    let new = ring.rotate(Timestamp::now());
    ring.save(keys).expect("save");
    let foreign = Arc::new(KeyRing::generate(Timestamp::now()));
    assert!(store.replace_keys(foreign).await.is_err(), "keys of something else");
    store.replace_keys(load()).await.expect("the new keys");
    let (lease, operation) = begun(store.as_ref(), "written-later").await;
    drop(store);

    let mut steps = 0;
    loop {
        // as after a crash: what is in memory is gone
        let store = open(load()).expect("open");
        all_is_there(store.as_ref(), &running).await;
        let mut rows = 0;
        let mut is_done = false;
        while rows == 0 && !is_done {
            let step = store.reseal(1).await.expect("reseal");
            (rows, is_done) = (step.rows, step.is_done);
        }
        steps += rows;
        if is_done {
            break;
        }
    }
    assert!(steps >= 5, "one row at a time: {steps}");

    let mut ring = KeyRing::load(keys).expect("the ring");
    ring.forget(old).expect("it is retired");
    ring.save(keys).expect("save");
    let store = open(load()).expect("nothing needs the old key any more");
    all_is_there(store.as_ref(), &running).await;
    // the first question after a start: no row was looked at for the answer
    let step = store.reseal(1).await.expect("reseal");
    assert_eq!(step, Resealed { rows: 0, is_done: true }, "a start costs nothing once all is done");
    finish(store.as_ref(), &lease, operation, InstanceState::Ready).await;
    assert_eq!(load().current(), new);
}

/// Instances, a binding and an operation in progress.
async fn fill(store: &dyn BrokerStore) -> OperationId {
    for name in ["rotated-1", "rotated-2"] {
        let (lease, operation) = begun(store, name).await;
        finish(store, &lease, operation, InstanceState::Ready).await;
    }
    bindings_go_with_their_revocation(store).await;
    let mut begin = creation("rotated-3");
    begin.operation.binding = Some(binding_id("b"));
    begin.rows.binding = RowChange::put(new_binding("rotated-3", "b"));
    let id = begin.operation.id.clone();
    assert_eq!(store.begin(Begin { ..begin }).await.expect("begin"), Begun::Accepted);
    id
}

async fn all_is_there(store: &dyn BrokerStore, running: &OperationId) {
    for name in ["rotated-1", "rotated-2", "rotated-3"] {
        let row = store.instance(&id(name)).await.expect("it opens").expect("the instance");
        assert_eq!(row.parameters, super::parameters(), "{name}");
    }
    let binding = store.binding(&id("rotated-3"), &binding_id("b")).await.expect("it opens");
    assert_eq!(binding, Some(new_binding("rotated-3", "b")));
    let operation = store.operation(running).await.expect("it opens").expect("the operation");
    assert_eq!(operation.change, super::creation("x").operation.change);
}
