//! Rows of the table `vendor_budgets`.

use super::{
    row::Reading,
    transact::{Conclusion, Session, Trouble},
};
use crate::budget::{AccountKey, Spending};

/// Reads what has been taken, changes it, and writes it back. One process at a time. A change whose commit was not
/// answered may be made twice: then less is spent than could be, never more.
pub(super) async fn change<T>(
    session: &Session,
    account: &AccountKey,
    change: impl FnOnce(Spending, i64) -> (Spending, T),
) -> Result<Conclusion<T>, Trouble> {
    let made = "INSERT INTO vendor_budgets (account, spent_until, closed_until) VALUES ($1, 0, 0)
                ON CONFLICT DO NOTHING";
    let find = "SELECT spent_until, closed_until, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
                FROM vendor_budgets WHERE account = $1 FOR UPDATE";
    let row = match session.row(find, &[&account.as_str()]).await? {
        Some(row) => Some(row),
        None => {
            session.execute(made, &[&account.as_str()]).await?;
            session.row(find, &[&account.as_str()]).await?
        }
    };
    let (before, now) = match row {
        Some(row) => (Spending { spent_until: row.column(0)?, closed_until: row.column(1)? }, row.column(2)?),
        None => (Spending::default(), 0),
    };
    let (after, told) = change(before, now);
    if after == before {
        return Ok(Conclusion::Undo(told));
    }
    let put = "UPDATE vendor_budgets SET spent_until = $2, closed_until = $3 WHERE account = $1";
    session.execute(put, &[&account.as_str(), &after.spent_until, &after.closed_until]).await?;
    Ok(Conclusion::Commit(told))
}
