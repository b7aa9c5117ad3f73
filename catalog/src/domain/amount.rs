//! Amounts of money: decimal, exact, never a float.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The form of an amount: up to nine digits, and up to four decimals.
pub const PATTERN: &str = r"^[0-9]{1,9}(\.[0-9]{1,4})?$";

const DECIMALS: usize = 4;
const WHOLE: u64 = 10_000;

/// An amount without its currency, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(u64);

/// A text is no amount: it has a sign, an exponent, more digits than any price, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is up to nine digits and up to four decimals, such as 12.50")]
pub struct NoAmount;

impl Amount {
    /// As a whole number, for storage and sums.
    #[must_use]
    pub fn ten_thousandths(self) -> u64 {
        self.0
    }

    /// From what [`ten_thousandths`](Self::ten_thousandths) gave, or a sum of such.
    #[must_use]
    pub fn from_ten_thousandths(number: u64) -> Self {
        Self(number)
    }

    /// The sum, unless it is larger than any amount.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// So many times the amount, unless that is larger than any.
    #[must_use]
    pub fn times(self, count: u8) -> Option<Self> {
        self.0.checked_mul(u64::from(count)).map(Self)
    }
}

impl FromStr for Amount {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str, most: usize| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 9) || !is_number(decimals, DECIMALS) {
            return Err(NoAmount);
        }
        let whole: u64 = whole.parse().map_err(|_| NoAmount)?;
        let decimals: u64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| NoAmount)?;
        Ok(Self(whole * WHOLE + decimals))
    }
}

impl TryFrom<String> for Amount {
    type Error = NoAmount;

    fn try_from(text: String) -> Result<Self, NoAmount> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

/// With two decimals at least, as prices are written.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:04}", self.0 % WHOLE);
        let (cents, rest) = decimals.split_at(2);
        write!(f, "{}.{cents}{}", self.0 / WHOLE, rest.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_compared_as_numbers_not_as_texts() {
        for (less, more) in [("9.99", "10"), ("0.1", "0.11"), ("10.0001", "10.001"), ("7", "7.0001")] {
            assert!(amount(less) < amount(more), "{less} < {more}");
        }
        assert_eq!(amount("10"), amount("10.0000"));
        assert_eq!(amount("10.1"), amount("10.10"));
    }

    #[test]
    fn what_is_no_plain_number_is_no_amount() {
        for odd in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.23456", "1234567890", " 1", "١", "0x1", "NaN"]
        {
            assert_eq!(odd.parse::<Amount>(), Err(NoAmount), "{odd}");
        }
    }

    #[test]
    fn an_amount_is_written_as_a_price() {
        for (text, written) in [("8", "8.00"), ("8.5", "8.50"), ("8.57", "8.57"), ("8.571", "8.571")] {
            assert_eq!(amount(text).to_string(), written);
        }
    }

    proptest! {
        #[test]
        fn reading_writing_and_adding_lose_nothing(a in 0_u64..1_000_000_000, b in 0_u64..10_000, n in 1_u8..11) {
            let text = format!("{a}.{b:04}");
            let read = amount(&text);
            prop_assert_eq!(amount(&read.to_string()), read);
            let mut sum = Some(amount("0"));
            for _ in 0..n {
                sum = sum.and_then(|sum| sum.plus(read));
            }
            prop_assert_eq!(sum, read.times(n));
        }
    }
}
