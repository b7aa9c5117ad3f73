//! Rows of the table `vendor_budgets`.

use rusqlite::{Connection, OptionalExtension};

use crate::{
    budget::{AccountKey, Spending},
    store::StoreError,
};

/// Reads what has been taken, changes it, and writes it back.
pub(super) fn change<T>(
    connection: &Connection,
    account: &AccountKey,
    change: impl FnOnce(Spending, i64) -> (Spending, T),
) -> Result<T, StoreError> {
    let now = jiff::Timestamp::now().as_microsecond();
    let found = connection
        .prepare_cached("SELECT spent_until, closed_until FROM vendor_budgets WHERE account = ?1")
        .and_then(|mut get| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Spending { spent_until: row.get(0)?, closed_until: row.get(1)? })
            };
            get.query_row([account.as_str()], read).optional()
        })
        .map_err(StoreError::read)?;
    let before = found.unwrap_or_default();
    let (after, told) = change(before, now);
    if after != before {
        connection
            .prepare_cached(
                "INSERT INTO vendor_budgets (account, spent_until, closed_until) VALUES (?1, ?2, ?3)
                 ON CONFLICT (account) DO UPDATE SET spent_until = ?2, closed_until = ?3",
            )
            .and_then(|mut put| put.execute((account.as_str(), after.spent_until, after.closed_until)))
            .map_err(StoreError::write)?;
    }
    Ok(told)
}
