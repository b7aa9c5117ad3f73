//! What an environment's ledger says of the migrations: which are to be done, and whether the two fit at all.

use std::collections::BTreeMap;
use std::fmt;

use super::chain::{Chain, Entry};
use super::id::MigrationId;
use crate::state::{Hash, LedgerEntry, LedgerKind, LedgerOutcome};

/// How far an environment is with one migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is to be done.
    Pending,
    /// It was begun, and is to be finished.
    Begun,
    /// It was done.
    Applied,
    /// Somebody decided that it is not to be done here.
    Skipped,
    /// A checkpoint stands for it.
    Covered,
}

impl Progress {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Begun => "begun",
            Self::Applied => "applied",
            Self::Skipped => "skipped",
            Self::Covered => "covered",
        }
    }

    /// Whether something is left to do.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Begun)
    }
}

/// A migration, and what the ledger says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'c> {
    /// The migration.
    pub entry: &'c Entry,
    /// How far it is.
    pub progress: Progress,
    /// Its entry in the ledger.
    pub recorded: Option<&'c LedgerEntry>,
}

/// Why a folder and a ledger do not belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disagreement {
    /// It was another one when it was done here.
    Edited(MigrationId),
    /// The ledger knows migrations that the folder does not have: the folder is older than the environment (B13).
    Unknown(Vec<String>),
    /// One that comes later was done before it (B05).
    OutOfOrder {
        /// Which is to be done.
        pending: MigrationId,
        /// Which was done before it.
        done: MigrationId,
    },
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited(id) => write!(
                f,
                "{id} is another one than the one that was done here; restore it from version control"
            ),
            Self::Unknown(ids) => write!(
                f,
                "the environment has {}, which this folder does not: it is of an older version, or has lost it; update it",
                ids.join(", ")
            ),
            Self::OutOfOrder { pending, done } => write!(
                f,
                "{pending} is to be done, but {done}, which comes after it, was done already: put it at the end \
                 (sutler migrations rebase {pending}), or decide against it (sutler migrations skip {pending} --reason WHY)"
            ),
        }
    }
}

/// Compares. Pure.
#[must_use]
pub fn progress<'c>(chain: &'c Chain, ledger: &'c [LedgerEntry]) -> (Vec<Row<'c>>, Vec<Disagreement>) {
    let recorded: BTreeMap<&str, &LedgerEntry> = ledger
        .iter()
        .filter(|entry| entry.key.kind == LedgerKind::Migration)
        .map(|entry| (entry.key.id.as_str(), entry))
        .collect();
    let covered = covered(chain, &recorded);
    let row = |(at, entry): (usize, &'c Entry)| {
        let recorded = recorded.get(entry.id.as_str()).copied();
        let progress = match recorded.map(|entry| entry.outcome) {
            Some(LedgerOutcome::Applied) => Progress::Applied,
            Some(LedgerOutcome::Skipped) => Progress::Skipped,
            _ if at < covered => Progress::Covered,
            Some(LedgerOutcome::Begun) => Progress::Begun,
            None => Progress::Pending,
        };
        Row { entry, progress, recorded }
    };
    let rows: Vec<Row<'c>> = chain.entries.iter().enumerate().map(row).collect();
    let disagreements = disagreements(chain, &rows, &recorded);
    (rows, disagreements)
}

/// So many migrations at the beginning need not be done, since a checkpoint stands for them: the last one that was begun
/// or done here, or that nothing was done before.
fn covered(chain: &Chain, recorded: &BTreeMap<&str, &LedgerEntry>) -> usize {
    let is_recorded = |entry: &Entry| recorded.contains_key(entry.id.as_str());
    let checkpoints = chain.entries.iter().enumerate().filter(|(_, entry)| entry.is_checkpoint());
    let stands = |(at, entry): &(usize, &Entry)| {
        let is_told = |id: &MigrationId| recorded.contains_key(id.as_str());
        let nothing_before = !chain.entries[..*at].iter().any(is_recorded)
            && !entry.stands_for.iter().any(|covered| is_told(&covered.migration));
        is_recorded(entry) || nothing_before
    };
    checkpoints.filter(stands).map(|(at, _)| at).next_back().unwrap_or_default()
}

fn disagreements(
    chain: &Chain,
    rows: &[Row<'_>],
    recorded: &BTreeMap<&str, &LedgerEntry>,
) -> Vec<Disagreement> {
    let mut known: BTreeMap<&str, Hash> = BTreeMap::new();
    for entry in &chain.entries {
        known.extend(entry.stands_for.iter().map(|covered| (covered.migration.as_str(), covered.digest)));
        known.insert(entry.id.as_str(), entry.digest);
    }
    let mut found = Vec::new();
    for (id, entry) in recorded {
        match known.get(id) {
            Some(digest) if *digest != entry.digest => {
                found.extend(MigrationId::new(id).ok().map(Disagreement::Edited));
            }
            _ => {}
        }
    }
    let unknown = recorded.keys().filter(|id| !known.contains_key(**id));
    let unknown: Vec<String> = unknown.map(|id| (*id).to_owned()).collect();
    if !unknown.is_empty() {
        found.push(Disagreement::Unknown(unknown));
    }
    let first_open = rows.iter().position(|row| row.progress.is_open()).unwrap_or(rows.len());
    let is_done = |row: &&Row<'_>| matches!(row.progress, Progress::Applied | Progress::Skipped);
    if let Some(done) = rows[first_open..].iter().find(is_done) {
        let (pending, done) = (rows[first_open].entry.id.clone(), done.entry.id.clone());
        found.push(Disagreement::OutOfOrder { pending, done });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::step::StandsFor;
    use crate::state::samples::entry;

    fn id(text: &str) -> MigrationId {
        MigrationId::new(text).unwrap()
    }

    fn chain(ids: &[&str]) -> Chain {
        let mut chain = Chain::default();
        for text in ids {
            let (text, is_checkpoint) = text.strip_suffix('!').map_or((*text, false), |text| (text, true));
            let before = chain
                .entries
                .iter()
                .map(|entry: &Entry| StandsFor { migration: entry.id.clone(), digest: entry.digest });
            chain.entries.push(Entry {
                id: id(text),
                parent: chain.entries.last().map(|entry| entry.id.clone()),
                steps: Vec::new(),
                stands_for: if is_checkpoint { before.collect() } else { Vec::new() },
                instances: BTreeMap::new(),
                digest: Hash::of(&[text.as_bytes()]),
                line: 2,
            });
        }
        chain
    }

    fn ledger(rows: &[(&str, LedgerOutcome)]) -> Vec<LedgerEntry> {
        let of = |(id, outcome): &(&str, LedgerOutcome)| LedgerEntry {
            outcome: *outcome,
            digest: Hash::of(&[id.as_bytes()]),
            ..entry(LedgerKind::Migration, id)
        };
        rows.iter().map(of).collect()
    }

    fn told(chain: &Chain, ledger: &[LedgerEntry]) -> (Vec<&'static str>, Vec<Disagreement>) {
        let (rows, disagreements) = progress(chain, ledger);
        (rows.iter().map(|row| row.progress.word()).collect(), disagreements)
    }

    const APPLIED: LedgerOutcome = LedgerOutcome::Applied;

    #[test]
    fn what_is_to_be_done_is_the_difference_of_two_sets() {
        let chain = chain(&["0001_a", "0002_b", "0003_c", "0004_d"]);
        assert_eq!(told(&chain, &[]).0, ["pending"; 4]);
        let rows = ledger(&[
            ("0001_a", APPLIED),
            ("0002_b", LedgerOutcome::Skipped),
            ("0003_c", LedgerOutcome::Begun),
        ]);
        assert_eq!(told(&chain, &rows), (vec!["applied", "skipped", "begun", "pending"], vec![]));
    }

    #[test]
    fn b03_an_entry_of_another_kind_says_nothing_of_a_migration() {
        let chain = chain(&["0001_a"]);
        let other = LedgerEntry { outcome: APPLIED, ..entry(LedgerKind::StateRekey, "0001_a") };
        assert_eq!(told(&chain, &[other]), (vec!["pending"], vec![]));
    }

    #[test]
    fn b05_a_skipped_one_leaves_no_gap_and_a_gap_is_refused() {
        let chain = chain(&["0001_a", "0002_b", "0003_c"]);
        let rows = ledger(&[("0001_a", APPLIED), ("0003_c", APPLIED)]);
        let gap = Disagreement::OutOfOrder { pending: id("0002_b"), done: id("0003_c") };
        assert_eq!(told(&chain, &rows).1, [gap]);
        let rows = ledger(&[("0001_a", APPLIED), ("0002_b", LedgerOutcome::Skipped), ("0003_c", APPLIED)]);
        assert_eq!(told(&chain, &rows).1, []);
    }

    #[test]
    fn b06_ids_that_look_alike_are_two() {
        let chain = chain(&["0001_a-b", "0002_a_b"]);
        let rows = ledger(&[("0001_a-b", LedgerOutcome::Skipped)]);
        assert_eq!(told(&chain, &rows).0, ["skipped", "pending"]);
    }

    #[test]
    fn b09_what_was_edited_after_it_was_done_is_noticed() {
        let chain = chain(&["0001_a"]);
        let mut rows = ledger(&[("0001_a", APPLIED)]);
        rows[0].digest = Hash::of(&[b"something else"]);
        assert_eq!(told(&chain, &rows).1, [Disagreement::Edited(id("0001_a"))]);
    }

    #[test]
    fn b13_a_folder_that_is_older_than_the_environment_is_refused() {
        let (older, newer) = (chain(&["0001_a"]), ledger(&[("0001_a", APPLIED), ("0002_b", APPLIED)]));
        assert_eq!(told(&older, &newer).1, [Disagreement::Unknown(vec!["0002_b".to_owned()])]);
    }

    #[test]
    fn a_checkpoint_stands_for_everything_before_it_where_nothing_was_done() {
        let chain = chain(&["0001_a", "0002_b!", "0003_c", "0004_d!", "0005_e"]);
        assert_eq!(told(&chain, &[]).0, ["covered", "covered", "covered", "pending", "pending"]);
        let rows = ledger(&[("0001_a", APPLIED), ("0002_b", APPLIED)]);
        assert_eq!(told(&chain, &rows).0, ["applied", "applied", "pending", "pending", "pending"]);
        let rows = ledger(&[("0004_d", LedgerOutcome::Begun)]);
        assert_eq!(told(&chain, &rows).0, ["covered", "covered", "covered", "begun", "pending"]);
        let rows = ledger(&[("0001_a", APPLIED)]);
        assert_eq!(told(&chain, &rows).0, ["applied", "pending", "pending", "pending", "pending"]);
    }

    #[test]
    fn what_a_checkpoint_stands_for_is_known_although_its_files_are_gone() {
        let mut chain = chain(&["0001_a", "0002_b!", "0003_c"]);
        chain.entries.remove(0);
        let rows = ledger(&[("0001_a", APPLIED), ("0002_b", APPLIED)]);
        assert_eq!(told(&chain, &rows), (vec!["applied", "pending"], vec![]));
        // one that did only a part of it needs the files
        let rows = ledger(&[("0001_a", APPLIED)]);
        assert_eq!(told(&chain, &rows).0, ["pending", "pending"]);
    }
}
