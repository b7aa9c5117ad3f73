//! What a migration is called: a number that puts it after others, and a name for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{LedgerId, NameError};

/// Such as `0007_bigger-database`: also the name of its folder (S-51).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MigrationId(LedgerId);

/// What is allowed.
const RULE: &str =
    "use four digits, '_' and a name of lower-case letters, digits, '-' and '_', together at most 64";

impl MigrationId {
    /// The highest number there can be.
    pub const LAST: u32 = 9999;

    /// Checks a text.
    ///
    /// # Errors
    /// When it breaks the rule, which the error states.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let refused = || NameError { kind: "migration", text: text.chars().take(80).collect(), rule: RULE };
        let (number, name) = text.split_once('_').ok_or_else(refused)?;
        let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
        match LedgerId::new(text) {
            Ok(id) if is_number && is_name && number != "0000" => Ok(Self(id)),
            _ => Err(refused()),
        }
    }

    /// The one with this number and name.
    ///
    /// # Errors
    /// When the name breaks the rule, or the number is too high.
    pub fn numbered(number: u32, name: &str) -> Result<Self, NameError> {
        Self::new(&format!("{number:04}_{name}"))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.as_str().split('_').next().and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// Its name, without the number.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().split_once('_').map_or("", |(_, name)| name)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// As an entry of the ledger is called.
    #[must_use]
    pub fn ledger(&self) -> LedgerId {
        self.0.clone()
    }
}

impl TryFrom<String> for MigrationId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<MigrationId> for String {
    fn from(id: MigrationId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a40_a_name_is_never_a_path() {
        for name in ["../x", "a/b", "/etc", ".", "..", "", "A", "ä", "a b", "-x", "_x", "a\n", "a\0", "a.ts"]
        {
            assert!(MigrationId::numbered(1, name).is_err(), "{name:?}");
        }
        assert!(MigrationId::numbered(1, &"x".repeat(60)).is_err());
        assert_eq!(MigrationId::numbered(1, &"x".repeat(59)).unwrap().as_str().len(), 64);
    }

    #[test]
    fn b12_there_is_one_way_to_write_an_id() {
        for text in ["1_x", "00001_x", "0001-x", "0001_", "0001_X", "0001_x.ts", "0000_x", "x_0001", "000a_x"]
        {
            assert!(MigrationId::new(text).is_err(), "{text}");
        }
        let id = MigrationId::new("0012_bigger_db-2").unwrap();
        assert_eq!((id.number(), id.name()), (12, "bigger_db-2"));
        assert!(MigrationId::numbered(10_000, "x").is_err());
    }
}
