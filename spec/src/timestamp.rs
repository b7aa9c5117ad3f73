//! The one time format of the specification: `yyyy-mm-ddThh:mm:ss.sZ` (B-BRO-02).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not a time of the specification's form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a UTC time of the form yyyy-mm-ddThh:mm:ss.sZ")]
pub struct TimestampError(String);

/// A UTC time in the specification's form. Order of the texts is order in time.
///
/// Reading is lenient about the number of fractional digits (1 to 9), since brokers differ; writing keeps the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(String);

impl Timestamp {
    /// Checks and wraps a text.
    ///
    /// # Errors
    /// When its form or a field's range is wrong.
    pub fn new(text: impl Into<String>) -> Result<Self, TimestampError> {
        let text = text.into();
        if is_well_formed(&text) { Ok(Self(text)) } else { Err(TimestampError(text)) }
    }

    /// The same time with exactly one fractional digit, as it is to be written (B-BRO-02). What is finer is cut off.
    #[must_use]
    pub fn in_tenths(&self) -> Self {
        // well-formed: 20 characters up to the point, at least one digit, Z
        let kept: String = self.0.chars().take(TENTHS).chain(['Z']).collect();
        Self(kept)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters up to the first fractional digit.
const TENTHS: usize = "yyyy-mm-ddThh:mm:ss.s".len();

/// Checks digits, separators and ranges; days are checked against 31 only.
fn is_well_formed(text: &str) -> bool {
    const PATTERN: &[u8] = b"dddd-dd-ddTdd:dd:dd.";
    let bytes = text.as_bytes();
    let head_fits = bytes.len() > PATTERN.len() + 1
        && PATTERN.iter().zip(bytes).all(|(want, have)| match want {
            b'd' => have.is_ascii_digit(),
            _ => want == have,
        });
    if !head_fits || !text.ends_with('Z') {
        return false;
    }
    let fraction = &bytes[PATTERN.len()..bytes.len() - 1];
    let number = |from: usize| (bytes[from] - b'0') * 10 + (bytes[from + 1] - b'0');
    (1..=9).contains(&fraction.len())
        && fraction.iter().all(u8::is_ascii_digit)
        && (1..=12).contains(&number(5))
        && (1..=31).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
        && number(17) <= 60
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        Self::new(text)
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b_bro_02_a_time_is_written_with_one_fractional_digit() {
        for (read, written) in [
            ("2027-01-01T00:00:00.987654321Z", "2027-01-01T00:00:00.9Z"),
            ("2019-12-31T23:59:59.0Z", "2019-12-31T23:59:59.0Z"),
        ] {
            assert_eq!(Timestamp::new(read).unwrap().in_tenths().as_str(), written);
        }
    }

    #[test]
    fn only_utc_times_with_a_fraction_are_timestamps() {
        for good in ["2019-12-31T23:59:59.0Z", "2027-01-01T00:00:00.123456789Z"] {
            assert!(Timestamp::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2019-12-31",
            "2019-12-31T23:59:59Z",
            "2019-12-31T23:59:59.Z",
            "2019-13-31T23:59:59.0Z",
            "2019-12-31T24:59:59.0Z",
            "2019-12-31T23:59:59.0+01:00",
            "2019-12-31t23:59:59.0Z",
        ] {
            assert!(Timestamp::new(bad).is_err(), "{bad}");
        }
    }
}
