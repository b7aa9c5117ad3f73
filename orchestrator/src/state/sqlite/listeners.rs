//! How far listeners of events were told. Their table is made when the first one was told something: a state whose events
//! nobody wants has none, and a program that does not know it passes it by.

use std::collections::BTreeMap;

use rusqlite::{Connection, TransactionBehavior, params};

use super::column::Count;
use super::failure::sql;
use super::file::Place;
use super::load;
use crate::state::StateError;

pub(super) fn told(connection: &Connection, place: &Place) -> Result<BTreeMap<String, u64>, StateError> {
    let failed = sql(place, "read the listeners of");
    load::header(connection, place)?;
    let is_there: bool = connection
        .query_one("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'listener')", [], |row| {
            row.get(0)
        })
        .map_err(&failed)?;
    if !is_there {
        return Ok(BTreeMap::new());
    }
    let mut all = connection.prepare("SELECT name, told FROM listener").map_err(&failed)?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get::<_, Count>(1)?.0))).map_err(&failed)?;
    rows.collect::<Result<_, _>>().map_err(&failed)
}

pub(super) fn tell(
    connection: &mut Connection,
    place: &Place,
    (listener, sequence): (&str, u64),
) -> Result<(), StateError> {
    let failed = sql(place, "note who was told in");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    load::header(&transaction, place)?;
    transaction
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS listener (name TEXT PRIMARY KEY, told INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        )
        .map_err(&failed)?;
    transaction
        .execute(
            "INSERT INTO listener (name, told) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET told = max(told, excluded.told)",
            params![listener, Count(sequence)],
        )
        .map_err(&failed)?;
    transaction.commit().map_err(&failed)
}
