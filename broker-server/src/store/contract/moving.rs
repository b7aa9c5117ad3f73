//! What is sealed in one place opens in no other one (I-29, S-32).

use std::ops::AsyncFn;

use super::{binding_id, creation, id, new_binding};
use crate::{
    operation::OperationId,
    store::{Begun, BrokerStore, RowChange, StoreError, reseal::TABLES},
};

/// A sealed column of a row, and how that is read.
struct Place {
    table: &'static str,
    column: &'static str,
    /// Which row, in SQL.
    row: String,
    read: Read,
}

#[derive(Clone)]
enum Read {
    Instance(&'static str),
    Binding(&'static str, &'static str),
    Operation(OperationId),
    /// It is only read at a start.
    Nothing,
}

/// Moves every sealed value of an empty store to the place of every other one, with `execute`, which runs SQL past the
/// store, and has every one refused. How many were moved.
///
/// # Panics
/// When one opens.
pub async fn run_moving(store: &dyn BrokerStore, execute: impl AsyncFn(String)) -> usize {
    let places = fill(store).await;
    let mut moved = 0;
    for to in places.iter().filter(|place| !matches!(place.read, Read::Nothing)) {
        let keep = format!("CREATE TABLE kept AS SELECT {} AS value FROM {} {}", to.column, to.table, to.row);
        execute(keep).await;
        for from in &places {
            if (from.table, from.column, &from.row) == (to.table, to.column, &to.row) {
                continue;
            }
            execute(format!(
                "UPDATE {} SET {} = (SELECT {} FROM {} {}) {}",
                to.table, to.column, from.column, from.table, from.row, to.row
            ))
            .await;
            let read = read(store, &to.read).await;
            let (this, there) = (name(from), name(to));
            assert!(matches!(read, Err(StoreError::Unseal { .. })), "{this} opens as {there}: {read:?}");
            moved += 1;
        }
        execute(format!("UPDATE {} SET {} = (SELECT value FROM kept) {}", to.table, to.column, to.row)).await;
        execute("DROP TABLE kept".to_owned()).await;
        read(store, &to.read).await.expect("in its own place it opens");
    }
    moved
}

/// Two rows of each kind, with a value in every sealed column.
async fn fill(store: &dyn BrokerStore) -> Vec<Place> {
    let mut rows = Vec::new();
    for (instance, binding) in [("moved-1", "a"), ("moved-2", "b")] {
        let mut begin = creation(instance);
        begin.operation.binding = Some(binding_id(binding));
        begin.rows.binding = RowChange::put(new_binding(instance, binding));
        let operation = begin.operation.id.clone();
        assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
        assert!(store.instance(&id(instance)).await.expect("read").is_some());
        rows.push(("instances", format!("WHERE id = '{instance}'"), Read::Instance(instance)));
        let row = format!("WHERE instance = '{instance}' AND id = '{binding}'");
        rows.push(("bindings", row, Read::Binding(instance, binding)));
        rows.push(("operations", format!("WHERE id = '{operation}'"), Read::Operation(operation)));
    }
    let mut places = Vec::new();
    for (table, row, read) in rows {
        let columns = TABLES.iter().find(|known| known.name == table).expect("it is sealed").columns;
        for column in columns {
            places.push(Place { table, column, row: row.clone(), read: read.clone() });
        }
    }
    let row = "WHERE name = 'canary'".to_owned();
    places.push(Place { table: "meta", column: "value", row, read: Read::Nothing });
    places
}

async fn read(store: &dyn BrokerStore, read: &Read) -> Result<(), StoreError> {
    match read {
        Read::Instance(instance) => store.instance(&id(instance)).await.map(|_| ()),
        Read::Binding(instance, binding) => {
            store.binding(&id(instance), &binding_id(binding)).await.map(|_| ())
        }
        Read::Operation(operation) => store.operation(operation).await.map(|_| ()),
        Read::Nothing => Ok(()),
    }
}

fn name(place: &Place) -> String {
    format!("{}.{} {}", place.table, place.column, place.row)
}
