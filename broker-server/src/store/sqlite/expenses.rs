//! Rows of the table `expenses`. One connection writes, so what is added up here cannot change before it is written.

use rusqlite::{Connection, Row};

use super::{clock, read::Reading};
use crate::{
    expense::{Expense, Reservation, Spending, Spent},
    store::{
        StoreError,
        expenses::{amount, moment, month, tenths},
    },
};

const SPENT: &str = "SELECT coalesce(sum(amount), 0),
    coalesce(sum(amount) FILTER (WHERE organization = ?4), 0),
    coalesce(sum(amount) FILTER (WHERE organization = ?4 AND space = ?5), 0)
    FROM expenses WHERE account = ?1 AND currency = ?2 AND at >= ?3 AND purchase <> ?6";

const PUT: &str = "INSERT INTO expenses (purchase, account, organization, space, amount, currency, at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (purchase) DO UPDATE SET amount = ?5, currency = ?6, at = ?7";

/// Counts a purchase, if the limits allow it, or counts it no more.
pub(super) fn change(connection: &Connection, spending: &Spending) -> Result<(), StoreError> {
    match spending {
        Spending::Nothing => Ok(()),
        Spending::Reserve(reservation) => reserve(connection, reservation),
        Spending::GiveBack(purchase) => connection
            .prepare_cached("DELETE FROM expenses WHERE purchase = ?1")
            .and_then(|mut delete| delete.execute([purchase]))
            .map(|_| ())
            .map_err(StoreError::write),
    }
}

fn reserve(connection: &Connection, reservation: &Reservation) -> Result<(), StoreError> {
    let Reservation { account, organization, space, expense } = reservation;
    let Expense { purchase, amount, currency, .. } = expense;
    // months are the machine's, as people read them
    let now = clock::told();
    let month = month(now)?;
    let values = (account.as_str(), currency, moment(month.begins), organization, space, purchase);
    let spent = connection
        .prepare_cached(SPENT)
        .map_err(StoreError::read)?
        .query_row(values, |row| Ok(read(row)))
        .map_err(StoreError::read)??;
    if let Some(exceeded) = expense.exceeds(spent, month) {
        return Err(StoreError::Overspent(Box::new(exceeded)));
    }
    let values = (purchase, account.as_str(), organization, space, tenths(*amount)?, currency, now);
    connection
        .prepare_cached(PUT)
        .and_then(|mut put| put.execute(values))
        .map(|_| ())
        .map_err(StoreError::write)
}

fn read(row: &Row<'_>) -> Result<Spent, StoreError> {
    Ok(Spent {
        all: amount(row.column(0)?)?,
        organization: amount(row.column(1)?)?,
        space: amount(row.column(2)?)?,
    })
}
