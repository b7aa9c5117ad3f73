//! Columns that hold secrets: sealed for their table, row and name before any database sees them.

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sutler_secrets::{KeyId, KeyRing, Place, Sealed};

use crate::store::StoreError;

/// A sealed column: table and name, as in error messages.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
}

impl Column {
    pub(super) const fn new(table: &'static str, name: &'static str) -> Self {
        Self { table, name }
    }

    /// The place of this column in the row with this key.
    fn place(self, row: &[&str]) -> Place {
        row.iter().fold(Place::new(self.table), |place, part| place.with(part)).with(self.name)
    }
}

/// Seals and opens columns.
#[derive(Clone)]
pub(super) struct Sealer {
    ring: Arc<RwLock<Arc<KeyRing>>>,
}

impl Sealer {
    pub(super) fn new(ring: Arc<KeyRing>) -> Self {
        Self { ring: Arc::new(RwLock::new(ring)) }
    }

    /// The keys of this moment.
    pub(super) fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seals with other keys from now on.
    pub(super) fn replace(&self, ring: Arc<KeyRing>) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// Seals with the current key what was sealed with another one; `None` when nothing is to be done.
    pub(super) fn seal_anew(
        &self,
        place: &Place,
        bytes: Vec<u8>,
        table: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let unseal = |source| StoreError::Unseal { column: table, source };
        let (ring, sealed) = (self.ring(), Sealed::from_bytes(bytes).map_err(unseal)?);
        if sealed.key_id() == ring.current() {
            return Ok(None);
        }
        let opened = ring.open(place, &sealed).map_err(unseal)?;
        Ok(Some(ring.seal(place, opened.expose()).as_bytes().to_vec()))
    }

    /// Seals any serializable value.
    pub(super) fn seal(
        &self,
        column: Column,
        row: &[&str],
        value: &impl Serialize,
    ) -> Result<Vec<u8>, StoreError> {
        let value = serde_json::to_value(value).map_err(|_| StoreError::Damaged { column: column.name })?;
        let sealed = self.ring().seal_json(&column.place(row), &value).as_bytes().to_vec();
        drop(sutler_secrets::SecretJson::from(value));
        Ok(sealed)
    }

    /// Seals a value that may be absent.
    pub(super) fn seal_option(
        &self,
        column: Column,
        row: &[&str],
        value: Option<&impl Serialize>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        value.map(|value| self.seal(column, row, value)).transpose()
    }

    /// Opens what [`seal`](Self::seal) wrote.
    pub(super) fn open<T: DeserializeOwned>(
        &self,
        column: Column,
        row: &[&str],
        bytes: Vec<u8>,
    ) -> Result<T, StoreError> {
        let unseal = |source| StoreError::Unseal { column: column.name, source };
        let sealed = Sealed::from_bytes(bytes).map_err(unseal)?;
        let opened = self.ring().open_json(&column.place(row), &sealed).map_err(unseal)?;
        serde_json::from_value(opened.into_inner()).map_err(|_| StoreError::Damaged { column: column.name })
    }

    /// Opens a column that may be empty.
    pub(super) fn open_option<T: DeserializeOwned>(
        &self,
        column: Column,
        row: &[&str],
        bytes: Option<Vec<u8>>,
    ) -> Result<Option<T>, StoreError> {
        bytes.map(|bytes| self.open(column, row, bytes)).transpose()
    }

    /// A proof that the store belongs to this ring.
    pub(super) fn canary(&self) -> Vec<u8> {
        self.ring().canary(&canary_place()).as_bytes().to_vec()
    }

    /// The key that a proof is sealed with.
    pub(super) fn key_of_canary(bytes: Vec<u8>) -> Result<KeyId, StoreError> {
        Ok(Sealed::from_bytes(bytes).map_err(StoreError::WrongKeys)?.key_id())
    }

    /// Checks the proof.
    pub(super) fn check_canary(&self, bytes: Vec<u8>) -> Result<(), StoreError> {
        Sealed::from_bytes(bytes)
            .and_then(|canary| self.ring().check_canary(&canary_place(), &canary))
            .map_err(StoreError::WrongKeys)
    }
}

fn canary_place() -> Place {
    Place::new("meta").with("canary")
}

/// A JSON object as plain text, for columns that hold no secret.
pub(super) fn plain(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| Value::Null.to_string())
}
