//! A change as it is stored: written out, taken apart and hashed before any lock on storage is taken.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::backend::{Change, Effect};
use super::error::StateError;
use super::journal::{Hash, Placed, Trail, of_record};
use super::ledger::LedgerKey;
use super::transition::{Leaves, leaves, transitions};
use crate::name::RecordKey;

/// A change that is ready to be stored.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its own name.
    pub(super) change: Uuid,
    pub(super) reference: RecordKey,
    pub(super) what: String,
    /// The record to write; none when it is removed.
    pub(super) record: Option<Written>,
    /// The fields of that record; none when it is removed.
    fields: Arc<Leaves>,
}

/// A record in its stored form.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// JSON, members sorted: equal records are equal bytes (I-25).
    pub(super) body: String,
    pub(super) hash: Hash,
}

/// What is stored of a ref before a change.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    /// Its record.
    pub(super) record: Option<Written>,
    /// Its past.
    pub(super) trail: Trail,
    /// The fields of its record, where they are known already.
    fields: Option<Arc<Leaves>>,
}

impl Before {
    /// As it was read from storage.
    pub(super) fn stored(record: Option<Written>, trail: Trail) -> Self {
        Self { record, trail, fields: None }
    }

    /// As a change leaves it that has just been placed.
    pub(super) fn after(change: &Prepared, trail: Trail) -> Self {
        Self { record: change.record.clone(), trail, fields: Some(Arc::clone(&change.fields)) }
    }

    fn fields(&self) -> Arc<Leaves> {
        self.fields.clone().unwrap_or_else(|| Arc::new(seen(self.record.as_ref())))
    }
}

impl Prepared {
    /// Prepares every change of a commit.
    pub(super) fn all(changes: Vec<Change>, location: &str) -> Result<Vec<Self>, StateError> {
        changes.into_iter().map(|change| Self::one(change, location)).collect()
    }

    fn one(Change { effect, what }: Change, location: &str) -> Result<Self, StateError> {
        let change = Uuid::now_v7();
        let unwritable = |source: io::Error| StateError::Storage {
            location: location.to_owned(),
            step: "write a record for",
            source: source.into(),
        };
        let ledger = |key: &LedgerKey| {
            RecordKey::new(&key.to_string()).map_err(|error| unwritable(io::Error::other(error)))
        };
        let (reference, row) = match effect {
            Effect::Remove(reference) => (RecordKey::from(&reference), None),
            Effect::Strike(key) => (ledger(&key)?, None),
            Effect::Put(record) => (RecordKey::from(&record.reference), Some(serde_json::to_value(&record))),
            Effect::Enter(entry) => (ledger(&entry.key)?, Some(serde_json::to_value(&entry))),
        };
        let Some(row) = row else {
            return Ok(Self { change, reference, what, record: None, fields: Arc::default() });
        };
        let mut value = row.map_err(|error| unwritable(error.into()))?;
        value.sort_all_objects();
        let body = serde_json::to_string(&value).map_err(|error| unwritable(error.into()))?;
        let hash = of_record(reference.as_str(), &body);
        let fields = Arc::new(leaves(&value));
        Ok(Self { change, reference, what, record: Some(Written { body, hash }), fields })
    }

    /// Its place after what is stored. Pure.
    pub(super) fn place(&self, before: &Before) -> Placed {
        let hash = |record: &Option<Written>| record.as_ref().map(|written| written.hash);
        let (old, new) = (hash(&before.record), hash(&self.record));
        Placed {
            change: self.change,
            reference: self.reference.clone(),
            what: self.what.clone(),
            trail: before.trail.after(new),
            transitions: transitions(&before.fields(), &self.fields),
            records: (old, new),
        }
    }
}

fn seen(record: Option<&Written>) -> Leaves {
    let value = record.and_then(|written| serde_json::from_str::<Value>(&written.body).ok());
    value.map(|value| leaves(&value)).unwrap_or_default()
}
