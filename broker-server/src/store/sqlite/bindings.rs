//! Rows of the table `bindings`.

use rusqlite::{Connection, Row};
use sutler_spec::{BindingId, InstanceId};

use super::read::Reading;
use crate::{
    binding::{Binding, BindingState},
    store::{
        StoreError,
        column::{damaged, digest, word},
        seal::{Column, Sealer},
    },
};

const PARAMETERS: Column = Column::new("bindings", "parameters");
const RECORD: Column = Column::new("bindings", "record");
const BODY: Column = Column::new("bindings", "body");
const UNFINISHED: Column = Column::new("bindings", "unfinished");

const PUT: &str =
    "INSERT INTO bindings (instance, id, state, digest, application, predecessor, parameters, record,
    body, unfinished, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)
    ON CONFLICT (instance, id) DO UPDATE SET state = ?3, digest = ?4, application = ?5, predecessor = ?6,
    parameters = ?7, record = ?8, body = ?9, unfinished = ?10, updated_at = ?11";

const GET: &str = "SELECT instance, id, state, digest, application, predecessor, parameters, record, body,
    unfinished FROM bindings WHERE instance = ?1 AND id = ?2";

/// Writes the row, new or over the old one.
pub(super) fn put(
    connection: &Connection,
    sealer: &Sealer,
    row: &Binding,
    now: i64,
) -> Result<(), StoreError> {
    let key = [row.instance.as_str(), row.id.as_str()];
    let values = rusqlite::params![
        row.instance.as_str(),
        row.id.as_str(),
        row.state.as_str(),
        row.digest.as_bytes().as_slice(),
        row.application,
        row.predecessor.as_ref().map(BindingId::as_str),
        sealer.seal(PARAMETERS, &key, &row.parameters)?,
        sealer.seal_option(RECORD, &key, row.record.as_ref())?,
        sealer.seal_option(BODY, &key, row.body.as_ref())?,
        sealer.seal_option(UNFINISHED, &key, row.unfinished.as_ref())?,
        now,
    ];
    connection.prepare_cached(PUT).and_then(|mut put| put.execute(values)).map_err(StoreError::write)?;
    Ok(())
}

/// Removes the row.
pub(super) fn remove(
    connection: &Connection,
    instance: &InstanceId,
    id: &BindingId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM bindings WHERE instance = ?1 AND id = ?2")
        .and_then(|mut remove| remove.execute([instance.as_str(), id.as_str()]))
        .map_err(StoreError::write)?;
    Ok(())
}

/// Reads the row.
pub(super) fn get(
    connection: &Connection,
    sealer: &Sealer,
    (instance, id): (&InstanceId, &BindingId),
) -> Result<Option<Binding>, StoreError> {
    let mut get = connection.prepare_cached(GET).map_err(StoreError::read)?;
    let mut rows = get.query([instance.as_str(), id.as_str()]).map_err(StoreError::read)?;
    rows.next().map_err(StoreError::read)?.map(|row| read(row, sealer)).transpose()
}

/// The ids of the instance's bindings, oldest first.
pub(super) fn of(connection: &Connection, instance: &InstanceId) -> Result<Vec<BindingId>, StoreError> {
    let mut list = connection
        .prepare_cached("SELECT id FROM bindings WHERE instance = ?1 ORDER BY sequence")
        .map_err(StoreError::read)?;
    let ids = list.query_map([instance.as_str()], |row| row.get::<_, String>(0)).map_err(StoreError::read)?;
    ids.map(|id| BindingId::new(id.map_err(StoreError::read)?).map_err(damaged("bindings.id"))).collect()
}

fn read(row: &Row<'_>, sealer: &Sealer) -> Result<Binding, StoreError> {
    let (instance, id): (String, String) = (row.column(0)?, row.column(1)?);
    let key = [instance.as_str(), id.as_str()];
    let predecessor: Option<String> = row.column(5)?;
    Ok(Binding {
        state: word(row.column(2)?, "bindings.state", BindingState::from_word)?,
        digest: digest(row.column(3)?, "bindings.digest")?,
        application: row.column(4)?,
        predecessor: predecessor.map(BindingId::new).transpose().map_err(damaged("bindings.predecessor"))?,
        parameters: sealer.open(PARAMETERS, &key, row.column(6)?)?,
        record: sealer.open_option(RECORD, &key, row.column(7)?)?,
        body: sealer.open_option(BODY, &key, row.column(8)?)?,
        unfinished: sealer.open_option(UNFINISHED, &key, row.column(9)?)?,
        instance: InstanceId::new(instance).map_err(damaged("bindings.instance"))?,
        id: BindingId::new(id).map_err(damaged("bindings.id"))?,
    })
}
