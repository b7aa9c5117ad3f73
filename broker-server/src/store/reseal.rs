//! Sealing everything anew after a rotation of keys: small steps, each safe to die in (I-30, S-35).

use sutler_secrets::{KeyId, Place};

/// A table with sealed columns.
pub(super) struct SealedTable {
    pub(super) name: &'static str,
    /// What names a row.
    pub(super) key: &'static [&'static str],
    pub(super) columns: &'static [&'static str],
}

/// Everything that is sealed, but for the canary: that comes last, and so tells which key may still be needed.
pub(super) const TABLES: &[SealedTable] = &[
    SealedTable {
        name: "instances",
        key: &["id"],
        columns: &["context", "parameters", "record", "unfinished"],
    },
    SealedTable {
        name: "bindings",
        key: &["instance", "id"],
        columns: &["parameters", "record", "body", "unfinished"],
    },
    SealedTable { name: "operations", key: &["id"], columns: &["change", "checkpoint"] },
];

impl SealedTable {
    /// Where a column of a row is.
    pub(super) fn place(&self, row: &[String], column: &str) -> Place {
        row.iter().fold(Place::new(self.name), |place, part| place.with(part)).with(column)
    }

    /// The columns to read: the key, then what is sealed.
    pub(super) fn all(&self) -> String {
        [self.key, self.columns].concat().join(", ")
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Rows that were sealed anew.
    pub rows: u64,
    /// Nothing needs another key than the current one any more.
    pub is_done: bool,
}

/// What a look at everything is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Everything that needs an older key can be opened: otherwise nothing is begun.
    #[default]
    Proof,
    /// What needs an older key is sealed anew.
    Sealing,
}

/// Where the next step begins. Kept in memory: after a crash the look starts over, the work does not.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursor {
    /// The key that everything is to be sealed with.
    pub(super) key: Option<KeyId>,
    pub(super) purpose: Purpose,
    pub(super) table: usize,
    pub(super) after: Vec<String>,
    /// Rows sealed anew since the look began.
    rows: u64,
    pub(super) is_done: bool,
}

/// What a step found in its table.
pub(super) struct Page {
    /// How many rows it looked at.
    pub(super) seen: usize,
    /// How many of them it sealed anew.
    pub(super) rows: u64,
    /// The last of them.
    pub(super) last: Vec<String>,
}

impl Cursor {
    /// Of a store whose canary is sealed with this key: so is everything, since the canary comes last. Only where the
    /// current key is another one anything is looked at.
    pub(super) fn proven(canary: KeyId) -> Self {
        Self { key: Some(canary), is_done: true, ..Self::default() }
    }

    /// From the start, when the current key is another one than before.
    pub(super) fn towards(self, key: KeyId) -> Self {
        if self.key == Some(key) { self } else { Self { key: Some(key), ..Self::default() } }
    }

    /// After a whole look.
    pub(super) fn over(self) -> Self {
        let is_done = self.is_clean();
        Self { key: self.key, purpose: Purpose::Sealing, is_done, ..Self::default() }
    }

    /// Which table comes next; `None` when a whole look is over.
    pub(super) fn table(&self) -> Option<&'static SealedTable> {
        TABLES.get(self.table)
    }

    /// After a page that was asked to have `limit` rows.
    pub(super) fn past(self, page: Page, limit: usize) -> Self {
        let rows = self.rows + page.rows;
        if page.seen < limit {
            Self { table: self.table + 1, after: Vec::new(), rows, ..self }
        } else {
            Self { after: page.last, rows, ..self }
        }
    }

    /// Whether the look that is over found nothing: then all is done. Otherwise somebody may have written with the
    /// older key meanwhile, and it begins again.
    pub(super) fn is_clean(&self) -> bool {
        self.purpose == Purpose::Sealing && self.rows == 0
    }
}

/// Table, column and condition of everything sealed, the canary included.
pub(super) fn sealed_columns() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let columns =
        TABLES.iter().flat_map(|table| table.columns.iter().map(|column| (table.name, *column, "true")));
    columns.chain([("meta", "value", "name = 'canary'")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    /// A whole look that finds this many rows in each table.
    fn look(mut cursor: Cursor, rows: u64) -> Cursor {
        while cursor.table().is_some() {
            cursor = cursor.past(Page { seen: 0, rows, last: Vec::new() }, 10);
        }
        cursor.over()
    }

    #[test]
    fn s_35_first_everything_is_proven_to_open_then_it_is_sealed_then_looked_at_once_more() {
        let start = Cursor::default().towards(key("k-00000001"));
        assert_eq!(start.purpose, Purpose::Proof);
        let proven = look(start, 0);
        assert_eq!((proven.purpose, proven.is_done), (Purpose::Sealing, false));
        let sealed = look(proven, 3);
        assert!(!sealed.is_done, "somebody may have written with the older key meanwhile");
        assert!(look(sealed, 0).is_done);
    }

    #[test]
    fn s_35_a_start_looks_at_nothing_when_the_canary_says_that_all_is_sealed() {
        let proven = Cursor::proven(key("k-00000001"));
        assert!(proven.clone().towards(key("k-00000001")).is_done);
        let other = proven.towards(key("k-00000002"));
        assert_eq!((other.purpose, other.is_done), (Purpose::Proof, false));
    }
}
