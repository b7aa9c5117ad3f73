//! Rows of the table `bindings`.

use sutler_spec::{BindingId, InstanceId};
use tokio_postgres::Row;

use super::{
    row::Reading,
    transact::{Session, Trouble},
};
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
    body, unfinished) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (instance, id) DO UPDATE SET state = $3, digest = $4, application = $5, predecessor = $6,
    parameters = $7, record = $8, body = $9, unfinished = $10, updated_at = clock_timestamp()";

const GET: &str = "SELECT instance, id, state, digest, application, predecessor, parameters, record, body,
    unfinished FROM bindings WHERE instance = $1 AND id = $2";

/// Writes the row, new or over the old one.
pub(super) async fn put(session: &Session, row: &Binding) -> Result<(), Trouble> {
    let key = [row.instance.as_str(), row.id.as_str()];
    session
        .execute(
            PUT,
            &[
                &row.instance.as_str(),
                &row.id.as_str(),
                &row.state.as_str(),
                &row.digest.as_bytes().as_slice(),
                &row.application,
                &row.predecessor.as_ref().map(BindingId::as_str),
                &session.sealer.seal(PARAMETERS, &key, &row.parameters)?,
                &session.sealer.seal_option(RECORD, &key, row.record.as_ref())?,
                &session.sealer.seal_option(BODY, &key, row.body.as_ref())?,
                &session.sealer.seal_option(UNFINISHED, &key, row.unfinished.as_ref())?,
            ],
        )
        .await
        .map(|_| ())
}

/// Removes the row.
pub(super) async fn remove(session: &Session, instance: &InstanceId, id: &BindingId) -> Result<(), Trouble> {
    let sql = "DELETE FROM bindings WHERE instance = $1 AND id = $2";
    session.execute(sql, &[&instance.as_str(), &id.as_str()]).await.map(|_| ())
}

/// Reads the row.
pub(super) async fn get(
    session: &Session,
    (instance, id): (&InstanceId, &BindingId),
) -> Result<Option<Binding>, Trouble> {
    let row = session.row(GET, &[&instance.as_str(), &id.as_str()]).await?;
    Ok(row.map(|row| read(&row, &session.sealer)).transpose()?)
}

/// The ids of the instance's bindings, oldest first.
pub(super) async fn of(session: &Session, instance: &InstanceId) -> Result<Vec<BindingId>, Trouble> {
    let sql = "SELECT id FROM bindings WHERE instance = $1 ORDER BY sequence";
    let rows = session.rows(sql, &[&instance.as_str()]).await?;
    let ids = rows.iter().map(|row| BindingId::new(row.column::<String>(0)?).map_err(damaged("bindings.id")));
    Ok(ids.collect::<Result<_, StoreError>>()?)
}

fn read(row: &Row, sealer: &Sealer) -> Result<Binding, StoreError> {
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
