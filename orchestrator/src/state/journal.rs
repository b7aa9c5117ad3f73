//! The journal: one line per change, each hashed over the one before, and over the state it led to.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::backend::Lineage;
use super::lock::Lock;
use crate::name::{InstanceRef, StackName};

/// SHA-256 of something that is no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub(super) [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place; the first is 1.
    pub sequence: u64,
    /// The state's serial after the commit that it belongs to.
    pub serial: u64,
    /// When (RFC 3339).
    pub at: String,
    /// Who.
    pub who: String,
    /// In which run.
    pub run: String,
    /// Which instance.
    pub reference: InstanceRef,
    /// What happened, for people.
    pub what: String,
    /// The record as written; none when it was removed.
    pub record: Option<Hash>,
    /// All records together, after this change.
    pub fold: Hash,
    /// Over all of this and the hash before.
    pub hash: Hash,
}

impl Entry {
    /// The hash it must have after this one.
    pub(super) fn hash_after(&self, previous: Hash) -> Hash {
        let record = self.record.map(|hash| hash.0.to_vec()).unwrap_or_default();
        hash(&[
            &previous.0,
            &self.sequence.to_le_bytes(),
            &self.serial.to_le_bytes(),
            self.at.as_bytes(),
            self.who.as_bytes(),
            self.run.as_bytes(),
            self.reference.as_str().as_bytes(),
            self.what.as_bytes(),
            &record,
            &self.fold.0,
        ])
    }
}

/// What the chain hangs on: whose state it is. Also tells whether that was tampered with.
pub(super) fn origin(format: i64, stack: &StackName, lineage: Lineage, canary: &str) -> Hash {
    let lineage = lineage.to_string();
    hash(&[&format.to_le_bytes(), stack.as_str().as_bytes(), lineage.as_bytes(), canary.as_bytes()])
}

/// The hash of one record as stored.
pub(super) fn of_record(reference: &InstanceRef, body: &str) -> Hash {
    hash(&[reference.as_str().as_bytes(), body.as_bytes()])
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    Hash(sha.finalize().into())
}

/// The sum of all records' hashes: kept up to date in constant time, independent of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fold(pub(super) [u8; 32]);

impl Fold {
    /// No record.
    pub(super) const EMPTY: Self = Self([0; 32]);

    /// With one more.
    pub(super) fn plus(self, hash: Hash) -> Self {
        let mut carry = 0;
        let mut sum = self.0;
        for (byte, other) in sum.iter_mut().zip(hash.0) {
            let digit = u16::from(*byte) + u16::from(other) + carry;
            [*byte, _] = digit.to_le_bytes();
            carry = digit >> 8;
        }
        Self(sum)
    }

    /// With one less.
    pub(super) fn minus(self, hash: Hash) -> Self {
        let mut borrow = 0;
        let mut rest = self.0;
        for (byte, other) in rest.iter_mut().zip(hash.0) {
            let digit = 256 + u16::from(*byte) - u16::from(other) - borrow;
            [*byte, _] = digit.to_le_bytes();
            borrow = u16::from(digit < 256);
        }
        Self(rest)
    }

    /// The same bytes, as an entry carries them.
    pub(super) fn as_hash(self) -> Hash {
        Hash(self.0)
    }
}

/// Where the journal ends, and what the records add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) serial: u64,
    pub(super) sequence: u64,
    pub(super) head: Hash,
    pub(super) fold: Fold,
}

/// What all entries of one commit have in common.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub(super) at: String,
    pub(super) who: String,
    pub(super) run: String,
}

impl Stamp {
    /// Now, by the holder of this lock.
    pub(super) fn now(lock: &Lock) -> Self {
        let at = jiff::Timestamp::now().to_string();
        Self { at, who: lock.holder.who.clone(), run: lock.id.to_string() }
    }
}

impl Tip {
    /// Before anything happened.
    pub(super) fn start(origin: Hash) -> Self {
        Self { serial: 0, sequence: 0, head: origin, fold: Fold::EMPTY }
    }

    /// One change further, within the commit that leads to `serial`.
    pub(super) fn advance(
        &mut self,
        serial: u64,
        stamp: &Stamp,
        (reference, what): (InstanceRef, String),
        (old, new): (Option<Hash>, Option<Hash>),
    ) -> Entry {
        self.fold = old.into_iter().fold(self.fold, Fold::minus);
        self.fold = new.into_iter().fold(self.fold, Fold::plus);
        self.sequence += 1;
        self.serial = serial;
        let Stamp { at, who, run } = stamp.clone();
        let mut entry = Entry {
            sequence: self.sequence,
            serial,
            at,
            who,
            run,
            reference,
            what,
            record: new,
            fold: self.fold.as_hash(),
            hash: self.head,
        };
        entry.hash = entry.hash_after(self.head);
        self.head = entry.hash;
        entry
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_added_can_be_taken_away_in_any_order(hashes in prop::collection::vec(any::<[u8; 32]>(), 1..8)) {
            let all = hashes.iter().fold(Fold::EMPTY, |fold, hash| fold.plus(Hash(*hash)));
            let backwards = hashes.iter().rev().fold(Fold::EMPTY, |fold, hash| fold.plus(Hash(*hash)));
            prop_assert_eq!(all, backwards);
            let none = hashes.iter().fold(all, |fold, hash| fold.minus(Hash(*hash)));
            prop_assert_eq!(none, Fold::EMPTY);
        }
    }
}
