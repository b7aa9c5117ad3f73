//! Columns of `expenses`, as both databases hold them.

use jiff::Timestamp;
use sutler_catalog::domain::amount::Amount;

use super::StoreError;
use crate::expense::Month;

const DAMAGED: StoreError = StoreError::Damaged { column: "expenses.amount" };

/// An amount for storage.
pub(super) fn tenths(amount: Amount) -> Result<i64, StoreError> {
    i64::try_from(amount.ten_thousandths()).map_err(|_| DAMAGED)
}

/// Reads what [`tenths`] wrote, or a sum of such.
pub(super) fn amount(tenths: i64) -> Result<Amount, StoreError> {
    u64::try_from(tenths).map(Amount::from_ten_thousandths).map_err(|_| DAMAGED)
}

/// The month that a time in milliseconds since 1970 lies in.
pub(super) fn month(now: i64) -> Result<Month, StoreError> {
    let now = Timestamp::from_millisecond(now);
    now.map(Month::of).map_err(|_| StoreError::Damaged { column: "expenses.at" })
}

/// A time for storage.
pub(super) fn moment(time: Timestamp) -> i64 {
    time.as_millisecond()
}
