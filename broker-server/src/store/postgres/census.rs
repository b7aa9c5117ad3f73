//! Counting what is in progress.

use std::time::Duration;

use tokio_postgres::Row;

use super::{
    row::Reading,
    transact::{Session, Trouble},
};
use crate::{
    operation::Work,
    store::{AgeBand, Census, Group, Standing, StoreError, column::word},
};

/// Only rows of the index of what is in progress are touched.
const CENSUS: &str = "SELECT work, standing, band, count(*), max(age) FROM (
        SELECT work, (extract(epoch FROM now - created_at) * 1000)::bigint AS age,
            CASE WHEN due_at <= now THEN 'queued' WHEN owner IS NULL THEN 'parked' ELSE 'running' END AS standing,
            (SELECT count(*) FROM unnest($1::bigint[]) AS ends (after)
             WHERE created_at <= now - after * interval '1 millisecond') AS band
        FROM operations, (SELECT clock_timestamp() AS now OFFSET 0) AS clock WHERE state = 'in progress') AS found
    GROUP BY work, standing, band";

/// Counts, by the database's clock.
pub(super) async fn take(session: &Session) -> Result<Census, Trouble> {
    let limits: Vec<i64> = AgeBand::ALL.iter().filter_map(|band| band.limit_millis()).collect();
    let rows = session.rows(CENSUS, &[&limits]).await?;
    Ok(Census(rows.iter().map(group).collect::<Result<_, StoreError>>()?))
}

fn group(row: &Row) -> Result<Group, StoreError> {
    Ok(Group {
        work: word(row.column(0)?, "operations.work", Work::from_word)?,
        standing: word(row.column(1)?, "operations.state", Standing::from_word)?,
        age: AgeBand::from_index(row.column(2)?)
            .ok_or(StoreError::Damaged { column: "operations.created_at" })?,
        count: row.column::<i64>(3)?.unsigned_abs(),
        oldest: Duration::from_millis(row.column::<i64>(4)?.max(0).unsigned_abs()),
    })
}
