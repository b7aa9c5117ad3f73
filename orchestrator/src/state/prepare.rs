//! A change as it is stored: written out and hashed before any lock on storage is taken.

use super::backend::{Change, Effect};
use super::error::StateError;
use super::journal::{Hash, of_record};
use super::record::InstanceRecord;
use crate::name::InstanceRef;

/// A change that is ready to be stored.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) reference: InstanceRef,
    pub(super) what: String,
    /// The record to write; none when it is removed.
    pub(super) record: Option<Written>,
}

/// A record and its stored form.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) record: Box<InstanceRecord>,
    pub(super) body: String,
    pub(super) hash: Hash,
}

impl Prepared {
    /// Prepares every change of a commit.
    pub(super) fn all(changes: Vec<Change>, location: &str) -> Result<Vec<Self>, StateError> {
        changes.into_iter().map(|change| Self::one(change, location)).collect()
    }

    fn one(Change { effect, what }: Change, location: &str) -> Result<Self, StateError> {
        match effect {
            Effect::Remove(reference) => Ok(Self { reference, what, record: None }),
            Effect::Put(record) => {
                let body = serde_json::to_string(&record).map_err(|source| StateError::Storage {
                    location: location.to_owned(),
                    step: "write a record for",
                    source: source.into(),
                })?;
                let reference = record.reference.clone();
                let hash = of_record(&reference, &body);
                Ok(Self { reference, what, record: Some(Written { record, body, hash }) })
            }
        }
    }
}
