//! Rows of the table `instances`.

use sutler_spec::{InstanceId, PlanId, ServiceId};
use tokio_postgres::Row;

use super::{
    row::Reading,
    transact::{Session, Trouble, Value},
};
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

const INSERT: &str =
    "INSERT INTO instances (id, service, plan, organization, space, state, state_before, digest,
    maintenance_version, dashboard_url, attributes, context, parameters, record, unfinished, labels, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1) ON CONFLICT (id) DO NOTHING";

const UPDATE: &str = "UPDATE instances SET service = $2, plan = $3, organization = $4, space = $5, state = $6,
    state_before = $7, digest = $8, maintenance_version = $9, dashboard_url = $10, attributes = $11, context = $12,
    parameters = $13, record = $14, unfinished = $15, labels = $16, revision = revision + 1, updated_at = clock_timestamp()
    WHERE id = $1";

const UPDATE_IF: &str = "UPDATE instances SET service = $2, plan = $3, organization = $4, space = $5, state = $6,
    state_before = $7, digest = $8, maintenance_version = $9, dashboard_url = $10, attributes = $11, context = $12,
    parameters = $13, record = $14, unfinished = $15, labels = $16, revision = revision + 1, updated_at = clock_timestamp()
    WHERE id = $1 AND revision = $17";

const GET: &str = "SELECT id, service, plan, organization, space, state, state_before, digest, maintenance_version,
    dashboard_url, attributes, context, parameters, record, unfinished, revision, labels FROM instances WHERE id = $1";

/// Whether the row is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    New,
    Known,
}

/// Writes the row, if it is as new as it should be. Whether it was written.
pub(super) async fn put(session: &Session, (row, presence): (&Instance, Presence)) -> Result<bool, Trouble> {
    let sql = match presence {
        Presence::New => INSERT,
        Presence::Known => UPDATE,
    };
    write(session, row, (sql, None)).await
}

/// Writes the row, if it has this revision; without one, if it is not there. Whether it was written.
pub(super) async fn put_if(
    session: &Session,
    (row, revision): (&Instance, Option<u64>),
) -> Result<bool, Trouble> {
    let sql = if revision.is_some() { UPDATE_IF } else { INSERT };
    write(session, row, (sql, revision)).await
}

async fn write(
    session: &Session,
    row: &Instance,
    (sql, revision): (&str, Option<u64>),
) -> Result<bool, Trouble> {
    let key = [row.id.as_str()];
    let context = session.sealer.seal_option(CONTEXT, &key, row.context.as_ref())?;
    let parameters = session.sealer.seal(PARAMETERS, &key, &row.parameters)?;
    let record = session.sealer.seal_option(RECORD, &key, row.record.as_ref())?;
    let unfinished = session.sealer.seal_option(UNFINISHED, &key, row.unfinished.as_ref())?;
    let (id, service, plan) = (row.id.as_str(), row.service.as_str(), row.plan.as_str());
    let (state, before) = (row.state.as_str(), row.state_before.map(InstanceState::as_str));
    let (attributes, labels) = (plain(&row.attributes), plain(&row.labels));
    let digest = row.digest.as_bytes().as_slice();
    let revision = revision.map(u64::cast_signed);
    let mut values: Vec<Value<'_>> = vec![
        &id,
        &service,
        &plan,
        &row.organization,
        &row.space,
        &state,
        &before,
        &digest,
        &row.maintenance_version,
        &row.dashboard_url,
        &attributes,
        &context,
        &parameters,
        &record,
        &unfinished,
        &labels,
    ];
    values.extend(revision.as_ref().map(|revision| revision as Value<'_>));
    session.execute(sql, &values).await.map(|changed| changed == 1)
}

/// Moves the revision on, if it is this one. Whether it was.
pub(super) async fn touch_if(session: &Session, id: &InstanceId, revision: u64) -> Result<bool, Trouble> {
    let sql = "UPDATE instances SET revision = revision + 1 WHERE id = $1 AND revision = $2";
    let changed = session.execute(sql, &[&id.as_str(), &revision.cast_signed()]).await?;
    Ok(changed == 1)
}

/// Moves the revision on, nothing else.
pub(super) async fn touch(session: &Session, id: &InstanceId) -> Result<(), Trouble> {
    let sql = "UPDATE instances SET revision = revision + 1 WHERE id = $1";
    session.execute(sql, &[&id.as_str()]).await.map(|_| ())
}

/// Removes the row.
pub(super) async fn remove(session: &Session, id: &InstanceId) -> Result<(), Trouble> {
    session.execute("DELETE FROM instances WHERE id = $1", &[&id.as_str()]).await.map(|_| ())
}

/// The revision, if there is such a row. Nobody else changes the row until the transaction ends.
pub(super) async fn locked_revision(session: &Session, id: &InstanceId) -> Result<Option<u64>, Trouble> {
    let sql = "SELECT revision FROM instances WHERE id = $1 FOR UPDATE";
    let row = session.row(sql, &[&id.as_str()]).await?;
    Ok(row.map(|row| row.column::<i64>(0)).transpose()?.map(i64::unsigned_abs))
}

/// Reads the row.
pub(super) async fn get(session: &Session, id: &InstanceId) -> Result<Option<Instance>, Trouble> {
    let row = session.row(GET, &[&id.as_str()]).await?;
    Ok(row.map(|row| read(&row, &session.sealer)).transpose()?)
}

fn read(row: &Row, sealer: &Sealer) -> Result<Instance, StoreError> {
    let id: String = row.column(0)?;
    let key = [id.as_str()];
    let (attributes, labels): (&str, &str) = (row.column(10)?, row.column(16)?);
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
        labels: serde_json::from_str(labels).map_err(damaged("instances.labels"))?,
        attributes: serde_json::from_str(attributes).map_err(damaged("instances.attributes"))?,
        context: sealer.open_option(CONTEXT, &key, row.column(11)?)?,
        parameters: sealer.open(PARAMETERS, &key, row.column(12)?)?,
        record: sealer.open_option(RECORD, &key, row.column(13)?)?,
        unfinished: sealer.open_option(UNFINISHED, &key, row.column(14)?)?,
        revision: row.column::<i64>(15)?.unsigned_abs(),
        id: InstanceId::new(id).map_err(damaged("instances.id"))?,
    })
}

/// The ids after one, in their order.
pub(super) async fn list(
    session: &Session,
    which: Which,
    (after, limit): (Option<&InstanceId>, usize),
) -> Result<Vec<InstanceId>, Trouble> {
    let sql = match which {
        Which::Present => "SELECT id FROM instances WHERE id > $1 ORDER BY id LIMIT $2",
        Which::Ever => "SELECT DISTINCT instance FROM events WHERE instance > $1 ORDER BY instance LIMIT $2",
    };
    // no id is empty
    let after = after.map_or("", InstanceId::as_str);
    let rows = session.rows(sql, &[&after, &i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    let ids =
        rows.iter().map(|row| InstanceId::new(row.column::<String>(0)?).map_err(damaged("instances.id")));
    Ok(ids.collect::<Result<_, StoreError>>()?)
}
