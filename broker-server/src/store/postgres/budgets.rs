//! Rows of the table `vendor_budgets`.

use tokio_postgres::Row;

use super::{
    row::Reading,
    transact::{Conclusion, Session, Trouble},
};
use crate::{
    budget::{AccountKey, Ledger, Spending},
    store::{StoreError, ledger::CircuitColumns},
};

const MAKE: &str = "INSERT INTO vendor_budgets (account, spent_until, closed_until) VALUES ($1, 0, 0)
    ON CONFLICT DO NOTHING";

const FIND: &str = "SELECT spent_until, closed_until, silences, openings, circuit_until, probing,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM vendor_budgets WHERE account = $1 FOR UPDATE";

const PUT: &str =
    "UPDATE vendor_budgets SET spent_until = $2, closed_until = $3, silences = $4, openings = $5,
    circuit_until = $6, probing = $7 WHERE account = $1";

/// Reads what is known of an account, changes it, and writes it back. One process at a time. A change whose commit was
/// not answered may be made twice: then less is spent than could be, never more, or a silence is counted twice.
pub(super) async fn change<T>(
    session: &Session,
    account: &AccountKey,
    change: impl FnOnce(Ledger, i64) -> (Ledger, T),
) -> Result<Conclusion<T>, Trouble> {
    let row = match session.row(FIND, &[&account.as_str()]).await? {
        Some(row) => Some(row),
        None => {
            session.execute(MAKE, &[&account.as_str()]).await?;
            session.row(FIND, &[&account.as_str()]).await?
        }
    };
    let (before, now) = row.map(|row| read(&row)).transpose()?.unwrap_or((Ledger::NEW, 0));
    let (after, told) = change(before, now);
    if after == before {
        return Ok(Conclusion::Undo(told));
    }
    let (spending, circuit) = (after.spending, CircuitColumns::from(after.circuit));
    session
        .execute(
            PUT,
            &[
                &account.as_str(),
                &spending.spent_until,
                &spending.closed_until,
                &circuit.silences,
                &circuit.openings,
                &circuit.until,
                &circuit.probing,
            ],
        )
        .await?;
    Ok(Conclusion::Commit(told))
}

fn read(row: &Row) -> Result<(Ledger, i64), StoreError> {
    let spending = Spending { spent_until: row.column(0)?, closed_until: row.column(1)? };
    let columns = CircuitColumns {
        silences: row.column(2)?,
        openings: row.column(3)?,
        until: row.column(4)?,
        probing: row.column(5)?,
    };
    Ok((Ledger { spending, circuit: columns.read()? }, row.column(6)?))
}
