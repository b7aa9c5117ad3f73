//! The journal: one line per change, each hashed over the one before, and over the state it led to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::backend::Lineage;
use super::lock::Lock;
use super::transition::Transition;
use crate::name::{RecordKey, StackName};

/// SHA-256 of something that is no secret. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub(super) [u8; 32]);

impl Hash {
    /// The hash of a list of things that are no secret: no two lists have the same one.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        hash(parts)
    }
}

/// The text is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is written as 64 lower-case hexadecimal digits")]
pub struct ParseHashError;

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| ParseHashError)?;
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(ParseHashError),
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        // Digits alone are always a text.
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line of the journal: one change of one record, and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place; the first is 1.
    pub sequence: u64,
    /// The state's serial after the commit that it belongs to.
    pub serial: u64,
    /// The change's own name (UUIDv7), the same wherever it is told: a message delivered twice can be recognized.
    pub change: Uuid,
    /// When (RFC 3339).
    pub at: String,
    /// Who.
    pub who: String,
    /// In which run.
    pub run: String,
    /// Which instance, or which entry of the ledger.
    pub reference: RecordKey,
    /// The how-manyth change of this ref, from 1. 0 when the entry was written before that was counted.
    pub ordinal: u64,
    /// The how-manyth life of this ref, from 1: after a removal the next record is another one. 0 as above.
    pub incarnation: u64,
    /// What happened, for people.
    pub what: String,
    /// What it did, field by field; of secrets, keyed digests. A removal takes every field away.
    pub transitions: Vec<Transition>,
    /// The record as written; none when it was removed: a tombstone.
    #[serde(default)]
    pub record: Option<Hash>,
    /// All records together, after this change.
    pub fold: Hash,
    /// The format that the entry was written in: what the hash is made of.
    pub(super) format: i64,
    /// Over all of this and the hash before.
    pub hash: Hash,
}

impl Entry {
    /// The hash it must have after this one.
    pub(super) fn hash_after(&self, previous: Hash) -> Hash {
        let record = self.record.map(|hash| hash.0.to_vec()).unwrap_or_default();
        let (sequence, serial) = (self.sequence.to_le_bytes(), self.serial.to_le_bytes());
        let (ordinal, incarnation) = (self.ordinal.to_le_bytes(), self.incarnation.to_le_bytes());
        let transitions = self.transitions_text();
        let mut parts: Vec<&[u8]> = vec![
            &previous.0,
            &sequence,
            &serial,
            self.at.as_bytes(),
            self.who.as_bytes(),
            self.run.as_bytes(),
            self.reference.as_str().as_bytes(),
            self.what.as_bytes(),
            &record,
            &self.fold.0,
        ];
        if self.format > 1 {
            parts.extend([self.change.as_bytes(), &ordinal[..], &incarnation, transitions.as_bytes()]);
        }
        hash(&parts)
    }

    /// What it did, as it is stored and hashed.
    pub(super) fn transitions_text(&self) -> String {
        // Every part of a transition is JSON to begin with.
        serde_json::to_string(&self.transitions).unwrap_or_default()
    }

    /// The name of a change that was written before changes had names: always the same one.
    pub(super) fn name_of_old(hash: Hash) -> Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.0[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// How often a ref was changed, and in which of its lives it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Trail {
    pub(super) ordinal: u64,
    pub(super) incarnation: u64,
    pub(super) alive: bool,
}

impl Trail {
    /// After one more change, which leaves a record or none.
    pub(super) fn after(self, record: Option<Hash>) -> Self {
        let born = u64::from(record.is_some() && !self.alive);
        Self { ordinal: self.ordinal + 1, incarnation: self.incarnation + born, alive: record.is_some() }
    }

    /// After an entry that carries it.
    pub(super) fn told_by(entry: &Entry) -> Self {
        Self { ordinal: entry.ordinal, incarnation: entry.incarnation, alive: entry.record.is_some() }
    }
}

/// What the chain hangs on: whose state it is. Also tells whether that was tampered with.
pub(super) fn origin(format: i64, stack: &StackName, lineage: Lineage, canary: &str) -> Hash {
    let lineage = lineage.to_string();
    hash(&[&format.to_le_bytes(), stack.as_str().as_bytes(), lineage.as_bytes(), canary.as_bytes()])
}

/// The hash of one record as stored.
pub(super) fn of_record(key: &str, body: &str) -> Hash {
    hash(&[key.as_bytes(), body.as_bytes()])
}

/// The hash of some text.
pub(super) fn of_text(text: &str) -> Hash {
    Hash(Sha256::digest(text).into())
}

/// The hash of a list: no two lists have the same one.
pub(super) fn hash(parts: &[&[u8]]) -> Hash {
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
    /// At this time, by the holder of this lock.
    pub(super) fn at(now: jiff::Timestamp, lock: &Lock) -> Self {
        Self { at: now.to_string(), who: lock.holder.who.clone(), run: lock.id.to_string() }
    }

    /// Now, by this process's clock.
    pub(super) fn now(lock: &Lock) -> Self {
        Self::at(jiff::Timestamp::now(), lock)
    }
}

/// A change that has found its place among the others.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) change: Uuid,
    pub(super) reference: RecordKey,
    pub(super) what: String,
    pub(super) trail: Trail,
    pub(super) transitions: Vec<Transition>,
    /// The record before and after.
    pub(super) records: (Option<Hash>, Option<Hash>),
}

impl Tip {
    /// Before anything happened.
    pub(super) fn start(origin: Hash) -> Self {
        Self { serial: 0, sequence: 0, head: origin, fold: Fold::EMPTY }
    }

    /// One change further, within the commit that leads to `serial`.
    pub(super) fn advance(&mut self, serial: u64, stamp: &Stamp, placed: Placed) -> Entry {
        let (old, new) = placed.records;
        self.fold = old.into_iter().fold(self.fold, Fold::minus);
        self.fold = new.into_iter().fold(self.fold, Fold::plus);
        self.sequence += 1;
        self.serial = serial;
        let Stamp { at, who, run } = stamp.clone();
        let mut entry = Entry {
            sequence: self.sequence,
            serial,
            change: placed.change,
            at,
            who,
            run,
            reference: placed.reference,
            ordinal: placed.trail.ordinal,
            incarnation: placed.trail.incarnation,
            what: placed.what,
            transitions: placed.transitions,
            record: new,
            fold: self.fold.as_hash(),
            format: super::FORMAT,
            hash: self.head,
        };
        entry.hash = entry.hash_after(self.head);
        self.head = entry.hash;
        entry
    }

    /// One entry further; whether it is the one that follows.
    pub(super) fn follow(&mut self, entry: &Entry) -> bool {
        let follows = entry.sequence == self.sequence + 1
            && entry.serial >= self.serial
            && entry.hash_after(self.head) == entry.hash;
        let (serial, sequence) = (entry.serial, entry.sequence);
        *self = Self { serial, sequence, head: entry.hash, fold: Fold(entry.fold.0) };
        follows
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
