//! A revision: every record as of one commit, in a form that never changes. Equal states have equal bytes (I-25).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::backend::{Change, Effect, Lineage};
use super::error::StateError;
use super::journal::{Fold, Hash, Stamp, Tip, hash, of_record, of_text};
use super::ledger::{LedgerEntry, LedgerKey, Rows};
use super::record::InstanceRecord;
use crate::name::{InstanceRef, StackName};

/// The format of an index; what is newer is refused.
const FORMAT: u32 = 1;
/// What an index begins with.
const KIND: &str = "sutler-revision";
/// So many revisions are kept; older ones go when a new one is made. The newest always stays.
pub const KEPT: usize = 20;

/// What is known of a revision without reading what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// The state's serial: its name.
    pub serial: u64,
    /// Up to which entry of the journal.
    pub sequence: u64,
    /// The hash of that entry.
    pub head: Hash,
    /// All records together.
    pub fold: Hash,
    /// How many records.
    pub records: u64,
    /// SHA-256 of its index, which names everything else by its own.
    pub digest: Hash,
    /// The run that made it.
    pub run: String,
    /// When (RFC 3339).
    pub at: String,
    /// Over all of this and whose it is.
    pub hash: Hash,
}

/// A revision and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What is known of it.
    pub revision: Revision,
    /// The records, by ref.
    pub records: Vec<InstanceRecord>,
    /// The ledger, by kind and id.
    pub ledger: Vec<LedgerEntry>,
}

#[derive(Serialize, Deserialize)]
struct First {
    kind: String,
    format: u32,
    stack: StackName,
}

impl Revision {
    /// The revision of these records, at the end of the journal.
    pub(super) fn new(
        (stack, lineage): (&StackName, Lineage),
        tip: Tip,
        written: &Written,
        stamp: Stamp,
    ) -> Self {
        let Tip { serial, sequence, head, fold } = tip;
        let Stamp { at, run, .. } = stamp;
        let (fold, digest, records) = (fold.as_hash(), of_text(&written.index), written.records);
        let mut revision = Self { serial, sequence, head, fold, records, digest, run, at, hash: head };
        revision.hash = revision.sealed(stack, lineage);
        revision
    }

    /// Where the journal stood.
    pub(super) fn tip(&self) -> Tip {
        Tip { serial: self.serial, sequence: self.sequence, head: self.head, fold: Fold(self.fold.0) }
    }

    /// Whether it is what was written, and for this state.
    pub(super) fn is_sound(&self, stack: &StackName, lineage: Lineage) -> bool {
        self.sealed(stack, lineage) == self.hash
    }

    fn sealed(&self, stack: &StackName, lineage: Lineage) -> Hash {
        hash(&[
            b"revision",
            stack.as_str().as_bytes(),
            lineage.to_string().as_bytes(),
            &self.serial.to_le_bytes(),
            &self.sequence.to_le_bytes(),
            &self.head.0,
            &self.fold.0,
            &self.records.to_le_bytes(),
            &self.digest.0,
            self.run.as_bytes(),
            self.at.as_bytes(),
        ])
    }

    /// Reads what it holds.
    ///
    /// # Errors
    /// When index or chunks are not those that were written.
    pub(super) fn open(
        &self,
        (stack, location): (&StackName, &str),
        (index, chunks): (&str, &[String]),
    ) -> Result<Snapshot, StateError> {
        let damaged = |what: &str| StateError::Damaged {
            location: location.to_owned(),
            what: format!("revision {} {what}", self.serial),
        };
        if of_text(index) != self.digest {
            return Err(damaged("is not what was written"));
        }
        let first: First = index
            .lines()
            .next()
            .and_then(|line| serde_json::from_str(line).ok())
            .ok_or_else(|| damaged("does not begin like one"))?;
        if first.kind != KIND || &first.stack != stack {
            return Err(damaged("belongs to something else"));
        }
        if first.format > FORMAT {
            let (found, known) = (first.format.into(), FORMAT.into());
            return Err(StateError::NewerFormat { location: location.to_owned(), found, known });
        }
        if !are(chunks, &named(index).ok_or_else(|| damaged("names what cannot be a chunk"))?) {
            return Err(damaged("is not what was written"));
        }
        let (mut rows, mut fold) = (Rows::default(), Fold::EMPTY);
        for line in chunks.iter().flat_map(|chunk| chunk.lines()) {
            let key = rows.take_unnamed(line).ok_or_else(|| damaged("has a record that cannot be read"))?;
            fold = fold.plus(of_record(key.as_str(), line));
        }
        if fold.as_hash() != self.fold || rows.len() as u64 != self.records {
            return Err(damaged("does not hold what the journal led to"));
        }
        let Rows { records, ledger } = rows;
        Ok(Snapshot { revision: self.clone(), records, ledger })
    }
}

/// A part of a revision, named by what it holds: revisions share the parts that are equal, so that a small change of a
/// large state is a small revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) digest: Hash,
    pub(super) text: String,
}

/// What a revision is stored as: one text that says what it is and names the chunks, and the chunks.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) index: String,
    /// Those that are not stored yet.
    pub(super) chunks: Vec<Chunk>,
    pub(super) records: u64,
}

/// A revision in the making: nothing of it is held but the chunk at hand, so that the largest state takes little memory.
#[derive(Debug)]
pub(super) struct Writing {
    index: String,
    cutter: Cutter,
    records: u64,
}

impl Writing {
    /// With nothing in it.
    pub(super) fn begin(stack: &StackName) -> Self {
        let first = First { kind: KIND.to_owned(), format: FORMAT, stack: stack.clone() };
        let mut index = serde_json::to_string(&first).unwrap_or_default();
        index.push('\n');
        Self { index, cutter: Cutter::default(), records: 0 }
    }

    /// Takes the next record, as it is stored, in the order of their refs. Returns a chunk that is complete: to be stored.
    pub(super) fn take(&mut self, reference: &str, line: &str) -> Option<Chunk> {
        self.records += 1;
        let chunk = self.cutter.take(reference, line);
        self.name(chunk)
    }

    /// What it is, and the last chunk.
    pub(super) fn end(mut self) -> Written {
        let rest = std::mem::take(&mut self.cutter).rest();
        let chunks = self.name(rest).into_iter().collect();
        Written { index: self.index, chunks, records: self.records }
    }

    fn name(&mut self, chunk: Option<Chunk>) -> Option<Chunk> {
        self.index.extend(chunk.iter().map(|chunk| format!("{}\n", chunk.digest)));
        chunk
    }
}

/// A revision of these records, each as it is stored, in the order of their refs.
pub(super) fn write<'r>(stack: &StackName, records: impl IntoIterator<Item = (&'r str, &'r str)>) -> Written {
    let mut writing = Writing::begin(stack);
    let mut chunks: Vec<Chunk> =
        records.into_iter().filter_map(|(reference, line)| writing.take(reference, line)).collect();
    let Written { index, chunks: rest, records } = writing.end();
    chunks.extend(rest);
    Written { index, chunks, records }
}

/// Cuts lines into chunks. Whether one ends after a line depends on its ref alone: what comes before or goes does not
/// move the others.
pub(super) fn cut<'l>(lines: impl IntoIterator<Item = (&'l str, &'l str)>) -> Vec<Chunk> {
    let mut cutter = Cutter::default();
    let mut chunks: Vec<Chunk> =
        lines.into_iter().filter_map(|(reference, line)| cutter.take(reference, line)).collect();
    chunks.extend(cutter.rest());
    chunks
}

/// The chunk at hand.
#[derive(Debug, Default)]
struct Cutter(String);

impl Cutter {
    fn take(&mut self, reference: &str, line: &str) -> Option<Chunk> {
        self.0.push_str(line);
        self.0.push('\n');
        // one of 128
        let ends = of_text(reference).0[0] < 2;
        ends.then(|| std::mem::take(self).rest()).flatten()
    }

    fn rest(self) -> Option<Chunk> {
        (!self.0.is_empty()).then(|| Chunk { digest: of_text(&self.0), text: self.0 })
    }
}

/// One line for each chunk's name.
pub(super) fn names(chunks: &[Chunk]) -> String {
    chunks.iter().map(|chunk| format!("{}\n", chunk.digest)).collect()
}

/// The chunks that an index names, in order. Nothing when it cannot be read.
pub(super) fn named(index: &str) -> Option<Vec<Hash>> {
    index.lines().skip(1).map(|line| line.parse().ok()).collect()
}

/// Whether these are the texts with these digests.
pub(super) fn are(texts: &[String], digests: &[Hash]) -> bool {
    texts.len() == digests.len() && texts.iter().zip(digests).all(|(text, digest)| of_text(text) == *digest)
}

/// Which of these serials go when so many are kept. The newest stays, whatever is asked.
pub(super) fn expired(serials: &[u64], kept: usize) -> Vec<u64> {
    let mut newest_first = serials.to_vec();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    newest_first.split_off(newest_first.len().min(kept.max(1)))
}

/// The changes that make the records and the ledger of now those of a revision: both tell of the same moment. Nothing
/// when they are.
#[must_use]
pub fn restoring((now, ledger): (&[InstanceRecord], &[LedgerEntry]), snapshot: &Snapshot) -> Vec<Change> {
    let serial = snapshot.revision.serial;
    let index = |records: &'_ [InstanceRecord]| -> HashMap<InstanceRef, InstanceRecord> {
        records.iter().map(|record| (record.reference.clone(), record.clone())).collect()
    };
    let (then, today) = (index(&snapshot.records), index(now));
    let gone = now.iter().filter(|record| !then.contains_key(&record.reference)).map(|record| {
        Change::remove(record.reference.clone(), format!("not in revision {serial}, which was restored"))
    });
    let back = snapshot.records.iter().filter(|record| today.get(&record.reference) != Some(*record));
    gone.chain(back.map(|record| Change::put(record.clone(), format!("restored from revision {serial}"))))
        .chain(restoring_ledger(ledger, snapshot))
        .collect()
}

fn restoring_ledger(now: &[LedgerEntry], snapshot: &Snapshot) -> Vec<Change> {
    let serial = snapshot.revision.serial;
    let known = |entries: &[LedgerEntry], key: &LedgerKey| entries.iter().any(|entry| entry.key == *key);
    let gone = now.iter().filter(|entry| !known(&snapshot.ledger, &entry.key)).map(|entry| Change {
        effect: Effect::Strike(entry.key.clone()),
        what: format!("not in revision {serial}, which was restored"),
    });
    let back = snapshot.ledger.iter().filter(|entry| !now.contains(entry));
    gone.chain(back.map(|entry| Change::enter(entry.clone(), format!("restored from revision {serial}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::samples::{record, stack};
    use crate::state::status::Status;

    fn written(records: &[InstanceRecord]) -> (Revision, Written) {
        let texts: Vec<String> =
            records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
        let lines =
            records.iter().zip(&texts).map(|(record, text)| (record.reference.as_str(), text.as_str()));
        let written = write(&stack("shop"), lines);
        let fold = records
            .iter()
            .zip(&texts)
            .fold(Fold::EMPTY, |fold, (record, text)| fold.plus(of_record(record.reference.as_str(), text)));
        let tip = Tip { serial: 7, sequence: 9, head: of_text("head"), fold };
        let stamp =
            Stamp { at: "2026-11-30T12:00:00Z".to_owned(), who: "ada".to_owned(), run: "run".to_owned() };
        let revision = Revision::new((&stack("shop"), Lineage::mint()), tip, &written, stamp);
        (revision, written)
    }

    fn texts(written: &Written) -> Vec<String> {
        written.chunks.iter().map(|chunk| chunk.text.clone()).collect()
    }

    fn many(count: usize) -> Vec<InstanceRecord> {
        (0..count).map(|number| record(&format!("i{number:04}"))).collect()
    }

    #[test]
    fn what_was_written_is_read_again() {
        for count in [0, 1, 2, 500] {
            let records = many(count);
            let (revision, written) = written(&records);
            let read = revision.open((&stack("shop"), "x"), (&written.index, &texts(&written))).unwrap();
            assert_eq!(read.records, records);
        }
    }

    #[test]
    fn any_change_of_an_index_or_a_chunk_is_refused() {
        let (revision, written) = written(&many(2));
        let open =
            |index: &str, chunks: &[String]| revision.open((&stack("shop"), "x"), (index, chunks)).is_ok();
        let chunks = texts(&written);
        assert!(open(&written.index, &chunks) && !open(&written.index, &[]));
        let changed = |text: &str, position: usize| {
            let mut bytes = text.to_owned().into_bytes();
            bytes[position] ^= 1;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        for position in 0..written.index.len() {
            assert!(!open(&changed(&written.index, position), &chunks), "byte {position}");
            assert!(!open(&written.index[..position], &chunks), "cut at {position}");
        }
        for position in 0..chunks[0].len() {
            let mut other = chunks.clone();
            other[0] = changed(&chunks[0], position);
            assert!(!open(&written.index, &other), "byte {position} of a chunk");
        }
    }

    #[test]
    fn one_change_of_a_large_state_is_one_new_chunk() {
        let mut records = many(2000);
        let (_, before) = written(&records);
        assert!((5..50).contains(&before.chunks.len()), "{} chunks", before.chunks.len());
        let new = |records: &[InstanceRecord]| {
            let (_, after) = written(records);
            after.chunks.iter().filter(|chunk| !before.chunks.contains(chunk)).count()
        };
        records[1000].status = Status::Ready;
        assert_eq!(new(&records), 1);
        records.remove(1000);
        assert!(new(&records) <= 1, "what goes does not move the others");
        records.insert(1000, record("i1000a"));
        assert!(new(&records) <= 2, "nor does what comes");
    }

    #[test]
    fn a_revision_belongs_to_one_life_of_one_stack() {
        let lineage = Lineage::mint();
        let tip = Tip::start(of_text("origin"));
        let stamp = Stamp { at: String::new(), who: String::new(), run: String::new() };
        let revision = Revision::new((&stack("shop"), lineage), tip, &write(&stack("shop"), []), stamp);
        assert!(revision.is_sound(&stack("shop"), lineage));
        assert!(
            !revision.is_sound(&stack("blog"), lineage)
                && !revision.is_sound(&stack("shop"), Lineage::mint())
        );
        let moved = Revision { serial: 1, ..revision };
        assert!(!moved.is_sound(&stack("shop"), lineage));
    }

    #[test]
    fn restoring_brings_back_what_changed_and_takes_away_what_came() {
        let (same, mut changed, new, gone) = (record("a"), record("b"), record("c"), record("d"));
        let (revision, _) = written(&[]);
        let snapshot =
            Snapshot { revision, records: vec![same.clone(), changed.clone(), gone], ledger: Vec::new() };
        changed.status = Status::Ready;
        let told: Vec<_> = restoring((&[same, changed, new], &[]), &snapshot)
            .iter()
            .map(|change| format!("{} {}", change.subject(), change.what))
            .collect();
        let expected = [
            "c not in revision 7, which was restored",
            "b restored from revision 7",
            "d restored from revision 7",
        ];
        assert_eq!(told, expected);
        assert!(restoring((&snapshot.records, &[]), &snapshot).is_empty());
    }

    proptest! {
        #[test]
        fn the_newest_revision_never_goes(serials in prop::collection::btree_set(1..50_u64, 1..20), kept in 0..9_usize) {
            let serials: Vec<u64> = serials.into_iter().collect();
            let gone = expired(&serials, kept);
            prop_assert!(!gone.contains(serials.last().unwrap()));
            prop_assert_eq!(serials.len() - gone.len(), serials.len().min(kept.max(1)));
            let oldest_kept = serials.iter().filter(|serial| !gone.contains(serial)).min().unwrap();
            prop_assert!(gone.iter().all(|serial| serial < oldest_kept));
        }
    }
}
