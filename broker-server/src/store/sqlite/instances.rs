//! Rows of the table `instances`.

use rusqlite::{Connection, OptionalExtension, Row};
use sutler_spec::{InstanceId, PlanId, ServiceId};

use super::read::Reading;
use crate::{
    instance::{Instance, InstanceState},
    store::{
        StoreError, Which,
        column::{damaged, digest, word},
        seal::{Column, Sealer, plain},
    },
};

const CONTEXT: Column = Column::new("instances", "context");
const PARAMETERS: Column = Column::new("instances", "parameters");
const RECORD: Column = Column::new("instances", "record");
const UNFINISHED: Column = Column::new("instances", "unfinished");

const PUT: &str = "INSERT INTO instances (id, service, plan, organization, space, state, state_before, digest,
    maintenance_version, dashboard_url, attributes, context, parameters, record, unfinished, revision, created_at,
    updated_at, labels) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 1, ?16, ?16, ?17)
    ON CONFLICT (id) DO UPDATE SET service = ?2, plan = ?3, organization = ?4, space = ?5, state = ?6,
    state_before = ?7, digest = ?8, maintenance_version = ?9, dashboard_url = ?10, attributes = ?11, context = ?12,
    parameters = ?13, record = ?14, unfinished = ?15, revision = revision + 1, updated_at = ?16, labels = ?17";

const GET: &str = "SELECT id, service, plan, organization, space, state, state_before, digest, maintenance_version,
    dashboard_url, attributes, context, parameters, record, unfinished, revision, labels FROM instances WHERE id = ?1";

/// Writes the row, new or over the old one; either way its revision moves on.
pub(super) fn put(
    connection: &Connection,
    sealer: &Sealer,
    row: &Instance,
    now: i64,
) -> Result<(), StoreError> {
    let key = [row.id.as_str()];
    let values = rusqlite::params![
        row.id.as_str(),
        row.service.as_str(),
        row.plan.as_str(),
        row.organization,
        row.space,
        row.state.as_str(),
        row.state_before.map(InstanceState::as_str),
        row.digest.as_bytes().as_slice(),
        row.maintenance_version,
        row.dashboard_url,
        plain(&row.attributes),
        sealer.seal_option(CONTEXT, &key, row.context.as_ref())?,
        sealer.seal(PARAMETERS, &key, &row.parameters)?,
        sealer.seal_option(RECORD, &key, row.record.as_ref())?,
        sealer.seal_option(UNFINISHED, &key, row.unfinished.as_ref())?,
        now,
        plain(&row.labels),
    ];
    connection.prepare_cached(PUT).and_then(|mut put| put.execute(values)).map_err(StoreError::write)?;
    Ok(())
}

/// Moves the revision on, nothing else.
pub(super) fn touch(connection: &Connection, id: &InstanceId) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE instances SET revision = revision + 1 WHERE id = ?1")
        .and_then(|mut touch| touch.execute([id.as_str()]))
        .map_err(StoreError::write)?;
    Ok(())
}

/// Removes the row.
pub(super) fn remove(connection: &Connection, id: &InstanceId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM instances WHERE id = ?1")
        .and_then(|mut remove| remove.execute([id.as_str()]))
        .map_err(StoreError::write)?;
    Ok(())
}

/// The revision, if there is such a row.
pub(super) fn revision(connection: &Connection, id: &InstanceId) -> Result<Option<u64>, StoreError> {
    connection
        .prepare_cached("SELECT revision FROM instances WHERE id = ?1")
        .and_then(|mut get| get.query_row([id.as_str()], |row| row.get::<_, i64>(0)).optional())
        .map(|revision| revision.map(i64::unsigned_abs))
        .map_err(StoreError::read)
}

/// Reads the row.
pub(super) fn get(
    connection: &Connection,
    sealer: &Sealer,
    id: &InstanceId,
) -> Result<Option<Instance>, StoreError> {
    let mut get = connection.prepare_cached(GET).map_err(StoreError::read)?;
    let mut rows = get.query([id.as_str()]).map_err(StoreError::read)?;
    rows.next().map_err(StoreError::read)?.map(|row| read(row, sealer)).transpose()
}

fn read(row: &Row<'_>, sealer: &Sealer) -> Result<Instance, StoreError> {
    let id: String = row.column(0)?;
    let key = [id.as_str()];
    let (attributes, labels): (String, String) = (row.column(10)?, row.column(16)?);
    let state_before: Option<String> = row.column(6)?;
    Ok(Instance {
        service: ServiceId::new(row.column::<String>(1)?).map_err(damaged("instances.service"))?,
        plan: PlanId::new(row.column::<String>(2)?).map_err(damaged("instances.plan"))?,
        organization: row.column(3)?,
        space: row.column(4)?,
        state: word(row.column(5)?, "instances.state", InstanceState::from_word)?,
        state_before: state_before
            .map(|text| word(text, "instances.state_before", InstanceState::from_word))
            .transpose()?,
        digest: digest(row.column(7)?, "instances.digest")?,
        maintenance_version: row.column(8)?,
        dashboard_url: row.column(9)?,
        labels: serde_json::from_str(&labels).map_err(damaged("instances.labels"))?,
        attributes: serde_json::from_str(&attributes).map_err(damaged("instances.attributes"))?,
        context: sealer.open_option(CONTEXT, &key, row.column(11)?)?,
        parameters: sealer.open(PARAMETERS, &key, row.column(12)?)?,
        record: sealer.open_option(RECORD, &key, row.column(13)?)?,
        unfinished: sealer.open_option(UNFINISHED, &key, row.column(14)?)?,
        revision: row.column::<i64>(15)?.unsigned_abs(),
        id: InstanceId::new(id).map_err(damaged("instances.id"))?,
    })
}

/// The ids after one, in their order.
pub(super) fn list(
    connection: &Connection,
    which: Which,
    (after, limit): (Option<&InstanceId>, usize),
) -> Result<Vec<InstanceId>, StoreError> {
    let sql = match which {
        Which::Present => "SELECT id FROM instances WHERE id > ?1 ORDER BY id LIMIT ?2",
        Which::Ever => "SELECT DISTINCT instance FROM events WHERE instance > ?1 ORDER BY instance LIMIT ?2",
    };
    let mut list = connection.prepare_cached(sql).map_err(StoreError::read)?;
    // no id is empty
    let after = after.map_or("", InstanceId::as_str);
    let rows =
        list.query_map((after, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.get::<_, String>(0));
    rows.map_err(StoreError::read)?
        .map(|id| InstanceId::new(id.map_err(StoreError::read)?).map_err(damaged("instances.id")))
        .collect()
}
