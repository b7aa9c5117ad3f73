//! The ledger: what was done to an environment as a whole, once each, and by whom. Its entries are rows of the state like
//! records: in the same commits, journal, revisions and moves.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::journal::Hash;
use super::record::InstanceRecord;
use crate::name::{LedgerId, NameError, RecordKey};

/// One thing that was done, or decided, or begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Which, of which kind. No two entries have the same.
    #[serde(rename = "reference")]
    pub key: LedgerKey,
    /// What became of it.
    pub outcome: LedgerOutcome,
    /// SHA-256 of what was done: for a migration, of everything that it and all before it consist of.
    pub digest: Hash,
    /// When it was begun (RFC 3339).
    pub started: String,
    /// When it was done; nothing as long as it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// How long the run took that ended it, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// On which occasion.
    pub applied_by: AppliedBy,
    /// Who: a user and a host.
    pub actor: String,
    /// What else is worth knowing, such as why it was skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerOutcome {
    /// It was begun and is not done: part of it may be.
    Begun,
    /// It was done.
    Applied,
    /// Somebody decided that it is not to be done here.
    Skipped,
}

/// On which occasion something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppliedBy {
    /// An application started.
    Boot,
    /// Somebody ran the command.
    Cli,
    /// A pipeline ran the command.
    Ci,
}

/// The words for it.
impl AppliedBy {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Cli => "cli",
            Self::Ci => "ci",
        }
    }
}

/// The kind of an entry and its id: together they are its key (B03). Written `ledger/KIND/ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LedgerKey {
    /// Which kind.
    pub kind: LedgerKind,
    /// Which of that kind.
    pub id: LedgerId,
}

/// A kind of entry. Kinds that a program does not know are kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerKind {
    /// A migration was applied or skipped.
    Migration,
    /// State was sealed anew under another key.
    StateRekey,
    /// Something else.
    Other(LedgerId),
}

impl LedgerKind {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Migration => "migration",
            Self::StateRekey => "state_rekey",
            Self::Other(word) => word.as_str(),
        }
    }

    fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "migration" => Ok(Self::Migration),
            "state_rekey" => Ok(Self::StateRekey),
            other => LedgerId::new(other).map(Self::Other),
        }
    }
}

impl LedgerKey {
    /// The key of a migration.
    #[must_use]
    pub fn migration(id: LedgerId) -> Self {
        Self { kind: LedgerKind::Migration, id }
    }
}

impl fmt::Display for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ledger/{}/{}", self.kind.as_str(), self.id)
    }
}

impl From<LedgerKey> for String {
    fn from(key: LedgerKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for LedgerKey {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let key = RecordKey::new(&text)?;
        let entry = key.as_str().strip_prefix("ledger/").and_then(|entry| entry.split_once('/'));
        let (kind, id) = entry.unwrap_or_default();
        Ok(Self { kind: LedgerKind::parse(kind)?, id: LedgerId::new(id)? })
    }
}

/// The rows of a state, told apart.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) records: Vec<InstanceRecord>,
    pub(super) ledger: Vec<LedgerEntry>,
}

impl Rows {
    /// Takes a row as it is stored. Whether it is one, and under its own key.
    pub(super) fn take(&mut self, key: &RecordKey, body: &str) -> bool {
        if key.as_str().starts_with("ledger/") {
            let entry = serde_json::from_str::<LedgerEntry>(body).ok();
            let entry = entry.filter(|entry| entry.key.to_string() == key.as_str());
            self.ledger.extend(entry.clone());
            return entry.is_some();
        }
        let record = serde_json::from_str::<InstanceRecord>(body).ok();
        let before = self.records.len();
        self.records.extend(record.filter(|record| *key == record.reference));
        self.records.len() > before
    }

    /// Takes a row whose key only its body tells. Nothing when it is none.
    pub(super) fn take_unnamed(&mut self, body: &str) -> Option<RecordKey> {
        if let Ok(record) = serde_json::from_str::<InstanceRecord>(body) {
            let key = RecordKey::from(&record.reference);
            self.records.push(record);
            return Some(key);
        }
        let entry: LedgerEntry = serde_json::from_str(body).ok()?;
        let key = RecordKey::new(&entry.key.to_string()).ok()?;
        self.ledger.push(entry);
        Some(key)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.records.len() + self.ledger.len()
    }

    /// In the order of their keys.
    pub(super) fn sorted(mut self) -> Self {
        self.records.sort_unstable_by(|one, other| one.reference.cmp(&other.reference));
        self.ledger.sort_unstable_by_key(|entry| entry.key.to_string());
        self
    }
}

/// The keys of these rows, in the order in which rows are stored.
pub(super) fn keys(records: &[InstanceRecord], ledger: &[LedgerEntry]) -> Vec<RecordKey> {
    let mut keys: Vec<RecordKey> = records.iter().map(|record| RecordKey::from(&record.reference)).collect();
    keys.extend(ledger.iter().filter_map(|entry| RecordKey::new(&entry.key.to_string()).ok()));
    keys.sort();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b03_two_kinds_with_one_id_are_two_keys() {
        let key = |text: &str| LedgerKey::try_from(text.to_owned());
        let (migration, rekey) =
            (key("ledger/migration/0001_init").unwrap(), key("ledger/state_rekey/0001_init").unwrap());
        assert_ne!(migration, rekey);
        assert_eq!(migration.kind, LedgerKind::Migration);
        assert_eq!(String::from(rekey), "ledger/state_rekey/0001_init");
        let unknown = key("ledger/vault_rotation/x").unwrap();
        assert_eq!((unknown.kind.as_str(), unknown.id.as_str()), ("vault_rotation", "x"));
    }

    #[test]
    fn a_key_is_no_ref_and_no_path() {
        for text in
            ["ledger/migration", "ledger//x", "ledger/a/b/c", "ledger/migration/../x", "ledger/A/x", "/x"]
        {
            assert!(LedgerKey::try_from(text.to_owned()).is_err(), "{text}");
            assert!(RecordKey::new(text).is_err(), "{text}");
        }
        assert!(LedgerKey::try_from("db".to_owned()).is_err());
        assert!(RecordKey::new("db").unwrap().instance().is_some());
        assert!(RecordKey::new("ledger/migration/x").unwrap().instance().is_none());
    }
}
