//! Rows of the table `expenses`. Who adds up and writes keeps everyone else from it until the transaction ends.

use super::{
    row::Reading,
    transact::{Session, Trouble},
};
use crate::{
    expense::{Expense, Reservation, Spending, Spent},
    store::{
        StoreError,
        expenses::{amount, moment, month, tenths},
    },
};

const LOCK: &str = "LOCK TABLE expenses IN SHARE ROW EXCLUSIVE MODE";

const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const SPENT: &str = "SELECT coalesce(sum(amount), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE organization = $4), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE organization = $4 AND space = $5), 0)::bigint
    FROM expenses WHERE account = $1 AND currency = $2 AND at >= $3 AND purchase <> $6";

const PUT: &str = "INSERT INTO expenses (purchase, account, organization, space, amount, currency, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (purchase) DO UPDATE SET amount = $5, currency = $6, at = $7";

/// Counts a purchase, if the limits allow it, or counts it no more.
pub(super) async fn change(session: &Session, spending: &Spending) -> Result<(), Trouble> {
    match spending {
        Spending::Nothing => Ok(()),
        Spending::Reserve(reservation) => reserve(session, reservation).await,
        Spending::GiveBack(purchase) => {
            session.execute("DELETE FROM expenses WHERE purchase = $1", &[purchase]).await.map(|_| ())
        }
    }
}

async fn reserve(session: &Session, reservation: &Reservation) -> Result<(), Trouble> {
    let Reservation { account, organization, space, expense } = reservation;
    let Expense { purchase, amount: price, currency, .. } = expense;
    session.script(LOCK).await?;
    // without an answer nothing is known to be spent, and nothing may be
    let told = session.row(NOW, &[]).await?.ok_or(StoreError::Damaged { column: "expenses.at" })?;
    let now: i64 = told.column(0)?;
    let (month, account) = (month(now)?, account.as_str());
    let values: [super::transact::Value<'_>; 6] =
        [&account, currency, &moment(month.begins), organization, space, purchase];
    let row = session.row(SPENT, &values).await?.ok_or(StoreError::Damaged { column: "expenses.amount" })?;
    let sums: (i64, i64, i64) = (row.column(0)?, row.column(1)?, row.column(2)?);
    let spent = Spent { all: amount(sums.0)?, organization: amount(sums.1)?, space: amount(sums.2)? };
    if let Some(exceeded) = expense.exceeds(spent, month) {
        return Err(StoreError::Overspent(Box::new(exceeded)).into());
    }
    let values: [super::transact::Value<'_>; 7] =
        [purchase, &account, organization, space, &tenths(*price)?, currency, &now];
    session.execute(PUT, &values).await.map(|_| ())
}
