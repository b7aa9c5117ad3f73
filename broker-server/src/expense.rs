//! What is bought, and how much may be bought in a month. Pure: the time and what is spent are given.
//!
//! ```text
//! provider ── "this step may cost so much" ──▶ engine ── with the step's intent ──▶ store: spent + price ≤ limits?
//!                                                                                     yes: reserved   no: nothing is written
//! ```
//! All processes of a store count together, since the store adds up and writes in one transaction.

use std::fmt;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use sutler_catalog::domain::amount::Amount;

use crate::budget::AccountKey;

/// What a step may cost, as its provider knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expense {
    /// Names the purchase: the same one in every attempt at it, and in no other.
    pub purchase: String,
    /// The most that it costs.
    pub amount: Amount,
    /// In which currency.
    pub currency: String,
    /// How much may be spent in a month.
    pub limits: Limits,
}

/// The most that may be spent in a calendar month (UTC), in the currency of the expense. What is left out has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// With the vendor's account, by everyone.
    pub all: Option<Amount>,
    /// By one organization.
    pub organization: Option<Amount>,
    /// By one space of an organization.
    pub space: Option<Amount>,
}

/// An expense with whose money and on whose behalf, as a store reserves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose money it is.
    pub account: AccountKey,
    /// The organization that the instance is for.
    pub organization: String,
    /// The space that it is for.
    pub space: String,
    /// What it costs.
    pub expense: Expense,
}

/// What becomes of money in a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Spending {
    /// Nothing.
    #[default]
    Nothing,
    /// It is counted as spent, if the limits allow it; otherwise nothing at all is written. The same purchase is counted
    /// once, with what it costs last.
    Reserve(Box<Reservation>),
    /// The purchase was never made: it is not counted any more.
    GiveBack(String),
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everyone's.
    All,
    /// That of an organization.
    Organization,
    /// That of a space.
    Space,
}

impl Scope {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all registrations with this account",
            Self::Organization => "the registrations of this organization",
            Self::Space => "the registrations of this space",
        }
    }
}

/// What is counted in a month, in one currency, without the purchase that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// With the account.
    pub all: Amount,
    /// By the organization.
    pub organization: Amount,
    /// By the space.
    pub space: Amount,
}

/// A limit that a purchase would break. Shown to end users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Whose limit.
    pub scope: Scope,
    /// The most that may be spent in the month.
    pub limit: Amount,
    /// What is spent or reserved in it already.
    pub spent: Amount,
    /// What the purchase costs.
    pub price: Amount,
    /// The currency of all three.
    pub currency: String,
    /// When the next month begins.
    pub opens_at: Timestamp,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, limit, spent, price, currency, opens_at } = self;
        write!(
            f,
            "the operator of the broker lets {} cost {limit} {currency} in a month; {spent} {currency} are spent or \
             reserved, and this costs {price} {currency}, so it was not ordered. ",
            scope.word()
        )?;
        if price > limit {
            return f.write_str("It fits into no month: only the operator can raise the limit");
        }
        let opens_at = opens_at.strftime("%Y-%m-%d %H:%M UTC");
        write!(f, "Make the request again from {opens_at} on, or ask the operator to raise the limit")
    }
}

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Its first moment.
    pub begins: Timestamp,
    /// The first moment of the next one.
    pub ends: Timestamp,
}

impl Month {
    /// The month that a moment lies in.
    #[must_use]
    pub fn of(now: Timestamp) -> Self {
        let first = now.to_zoned(TimeZone::UTC).date().first_of_month();
        let moment = |day: Date| day.to_zoned(TimeZone::UTC).map_or(now, |day| day.timestamp());
        let next = first.checked_add(1.month()).unwrap_or(Date::MAX);
        Self { begins: moment(first), ends: moment(next) }
    }
}

impl Expense {
    /// The first limit that this breaks, if it breaks one.
    #[must_use]
    pub fn exceeds(&self, spent: Spent, month: Month) -> Option<Exceeded> {
        let scopes = [
            (Scope::All, self.limits.all, spent.all),
            (Scope::Organization, self.limits.organization, spent.organization),
            (Scope::Space, self.limits.space, spent.space),
        ];
        let broken = |limit: Amount, spent: Amount| spent.plus(self.amount).is_none_or(|sum| sum > limit);
        scopes.into_iter().find_map(|(scope, limit, spent)| {
            let limit = limit.filter(|limit| broken(*limit, spent))?;
            let (price, currency) = (self.amount, self.currency.clone());
            Some(Exceeded { scope, limit, spent, price, currency, opens_at: month.ends })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn expense(price: &str, limits: Limits) -> Expense {
        Expense { purchase: "p".to_owned(), amount: amount(price), currency: "USD".to_owned(), limits }
    }

    fn spent(all: &str, organization: &str, space: &str) -> Spent {
        Spent { all: amount(all), organization: amount(organization), space: amount(space) }
    }

    fn month() -> Month {
        Month::of("2026-12-01T15:00:00Z".parse().unwrap())
    }

    #[test]
    fn each_limit_holds_to_the_last_digit_and_what_is_left_out_has_none() {
        let limits =
            Limits { all: Some(amount("100")), organization: Some(amount("50")), space: Some(amount("20")) };
        for (price, spent, broken) in [
            ("20", spent("80", "30", "0"), None),
            ("20", spent("80.01", "30", "0"), Some(Scope::All)),
            ("20", spent("80", "30.0001", "0"), Some(Scope::Organization)),
            ("20", spent("0", "0", "0.0001"), Some(Scope::Space)),
        ] {
            let exceeded = expense(price, limits).exceeds(spent, month());
            assert_eq!(exceeded.map(|exceeded| exceeded.scope), broken, "{spent:?}");
        }
        let unlimited = expense("999999999", Limits::default());
        assert_eq!(unlimited.exceeds(spent("999999999", "0", "0"), month()), None);
    }

    #[test]
    fn whoever_is_refused_is_told_the_limit_what_is_spent_the_price_and_when_it_opens_again() {
        let limits = Limits { organization: Some(amount("50")), ..Limits::default() };
        let told =
            |price| expense(price, limits).exceeds(spent("44", "44", "1"), month()).unwrap().to_string();
        for part in ["this organization", "50.00 USD", "44.00 USD", "10.44 USD", "2027-01-01 00:00 UTC"] {
            assert!(told("10.44").contains(part), "{}", told("10.44"));
        }
        let never = told("50.01");
        assert!(never.contains("fits into no month") && !never.contains("2027"), "{never}");
    }

    #[test]
    fn a_month_begins_and_ends_at_midnight_utc() {
        for (now, begins, ends) in [
            ("2026-12-31T23:59:59.999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            let month = Month::of(now.parse().unwrap());
            assert_eq!((month.begins.to_string(), month.ends.to_string()), (begins.into(), ends.into()));
        }
    }

    proptest! {
        #[test]
        fn what_is_let_through_never_breaks_a_limit(
            (price, limit) in (0_u32..1_000_000, 0_u32..1_000_000),
            spent_before in 0_u32..1_000_000,
        ) {
            let dollars = |number: u32| amount(&number.to_string());
            let limits = Limits { all: Some(dollars(limit)), ..Limits::default() };
            let before = Spent { all: dollars(spent_before), organization: dollars(0), space: dollars(0) };
            let exceeded = expense(&price.to_string(), limits).exceeds(before, month());
            prop_assert_eq!(exceeded.is_none(), u64::from(price) + u64::from(spent_before) <= u64::from(limit));
        }
    }
}
