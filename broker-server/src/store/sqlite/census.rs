//! Counting what is in progress.

use std::time::Duration;

use rusqlite::{Connection, Row};

use super::read::Reading;
use crate::{
    operation::Work,
    store::{AgeBand, Census, Group, Standing, StoreError, column::word},
};

/// Only rows of the index of what is in progress are touched.
const CENSUS: &str = "SELECT work,
    CASE WHEN due_at <= ?1 THEN 'queued' WHEN owner IS NULL THEN 'parked' ELSE 'running' END AS standing,
    (created_at <= ?1 - ?2) + (created_at <= ?1 - ?3) + (created_at <= ?1 - ?4) + (created_at <= ?1 - ?5) AS band,
    count(*), ?1 - min(created_at)
    FROM operations WHERE state = 'in progress' GROUP BY work, standing, band";

/// Counts, by the store's clock.
pub(super) fn take(connection: &Connection, now: i64) -> Result<Census, StoreError> {
    let limits: Vec<i64> = AgeBand::ALL.iter().filter_map(|band| band.limit_millis()).collect();
    let values = std::iter::once(now).chain(limits);
    let mut get = connection.prepare_cached(CENSUS).map_err(StoreError::read)?;
    let mut rows = get.query(rusqlite::params_from_iter(values)).map_err(StoreError::read)?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        groups.push(group(row)?);
    }
    Ok(Census(groups))
}

fn group(row: &Row<'_>) -> Result<Group, StoreError> {
    Ok(Group {
        work: word(row.column(0)?, "operations.work", Work::from_word)?,
        standing: word(row.column(1)?, "operations.state", Standing::from_word)?,
        age: AgeBand::from_index(row.column(2)?)
            .ok_or(StoreError::Damaged { column: "operations.created_at" })?,
        count: row.column::<i64>(3)?.unsigned_abs(),
        oldest: Duration::from_millis(row.column::<i64>(4)?.max(0).unsigned_abs()),
    })
}
