//! Rows of the table `vendor_budgets`.

use rusqlite::{Connection, Row};

use super::{clock, read::Reading};
use crate::{
    budget::{AccountKey, Ledger, Spending},
    store::{StoreError, ledger::CircuitColumns},
};

/// Reads what is known of an account, changes it, and writes it back.
pub(super) fn change<T>(
    connection: &Connection,
    account: &AccountKey,
    change: impl FnOnce(Ledger, i64) -> (Ledger, T),
) -> Result<T, StoreError> {
    let now = clock::micros();
    let before = find(connection, account)?.unwrap_or(Ledger::NEW);
    let (after, told) = change(before, now);
    if after != before {
        put(connection, account, after)?;
    }
    Ok(told)
}

fn find(connection: &Connection, account: &AccountKey) -> Result<Option<Ledger>, StoreError> {
    let mut get = connection
        .prepare_cached(
            "SELECT spent_until, closed_until, silences, openings, circuit_until, probing FROM vendor_budgets
             WHERE account = ?1",
        )
        .map_err(StoreError::read)?;
    let mut rows = get.query([account.as_str()]).map_err(StoreError::read)?;
    rows.next().map_err(StoreError::read)?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<Ledger, StoreError> {
    let spending = Spending { spent_until: row.column(0)?, closed_until: row.column(1)? };
    let columns = CircuitColumns {
        silences: row.column(2)?,
        openings: row.column(3)?,
        until: row.column(4)?,
        probing: row.column(5)?,
    };
    Ok(Ledger { spending, circuit: columns.read()? })
}

fn put(connection: &Connection, account: &AccountKey, ledger: Ledger) -> Result<(), StoreError> {
    let (spending, circuit) = (ledger.spending, CircuitColumns::from(ledger.circuit));
    let values = rusqlite::params![
        account.as_str(),
        spending.spent_until,
        spending.closed_until,
        circuit.silences,
        circuit.openings,
        circuit.until,
        circuit.probing,
    ];
    connection
        .prepare_cached(
            "INSERT INTO vendor_budgets (account, spent_until, closed_until, silences, openings, circuit_until, probing)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (account) DO UPDATE SET spent_until = ?2,
             closed_until = ?3, silences = ?4, openings = ?5, circuit_until = ?6, probing = ?7",
        )
        .and_then(|mut put| put.execute(values))
        .map(|_| ())
        .map_err(StoreError::write)
}
