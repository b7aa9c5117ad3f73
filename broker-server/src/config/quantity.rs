//! Durations such as `50ms`, `5s`, `7d` and sizes such as `1MiB`.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error as _};

/// A duration in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub std::time::Duration);

/// A number of bytes in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub usize);

const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 6] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("kB", 1_000), ("MB", 1_000_000), ("GiB", 1 << 30)];

/// A whole number and a unit, nothing between them but blanks.
fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl Duration {
    /// Reads a duration.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        read(text, &DURATIONS).map(std::time::Duration::from_millis).map(Self)
    }
}

impl Size {
    /// Reads a size.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        read(text, &SIZES).and_then(|bytes| usize::try_from(bytes).ok()).map(Self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "'{text}' is no duration; write a number and ms, s, m, h or d, such as 30s"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "'{text}' is no size; write a number and B, KiB, MiB or GiB, such as 1MiB"
            ))
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_a_whole_number_and_a_unit() {
        for (text, millis) in [("50ms", 50), ("5s", 5_000), ("2 m", 120_000), ("7d", 604_800_000)] {
            assert_eq!(Duration::from_text(text).unwrap().0.as_millis(), millis, "{text}");
        }
        assert_eq!(Size::from_text("1MiB"), Some(Size(1 << 20)));
        assert_eq!(Size::from_text("8 KiB"), Some(Size(8 << 10)));
        for wrong in ["", "5", "s", "-5s", "5.5s", "5 sec", "99999999999999999999d", "18446744073709551615d"]
        {
            assert_eq!(Duration::from_text(wrong), None, "{wrong}");
        }
    }
}
