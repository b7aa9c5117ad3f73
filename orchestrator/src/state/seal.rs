//! The one place that seals and opens what state keeps: each leaf for its stack, lineage, instance and field.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use sutler_secrets::{Created, Digest, KeyRing, KeyRingError, OpenError, Place, Sealed, SecretJson};

use super::backend::{Lineage, Seed, State};
use super::error::StateError;
use super::record::{InstanceRecord, Output, OutputValue};
use crate::name::{InstanceRef, StackName};

const PARAMETERS: &str = "parameters";

/// Whether an output may be stored in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// The catalog declares it public.
    Public,
    /// Everything else.
    Secret,
}

/// A key ring that is known to be the one that a state was sealed with.
#[derive(Debug, Clone)]
pub struct Vault {
    ring: Arc<KeyRing>,
    stack: StackName,
    lineage: Lineage,
}

impl Vault {
    /// The ring at `keys`, made if there is neither a ring nor a state yet.
    ///
    /// # Errors
    /// When there is a state and the ring is missing, unusable, or not the one that sealed it. Nothing was written.
    pub fn open(keys: &Path, state: &State, location: &str) -> Result<(Self, Created), StateError> {
        let (ring, created) = if state.is_new() {
            KeyRing::load_or_create(keys, Timestamp::now()).map_err(StateError::Keys)?
        } else {
            (load(keys, location)?, Created::No)
        };
        Self::check(Arc::new(ring), state, (keys, location)).map(|vault| (vault, created))
    }

    /// The same for a command that only reads: no ring is written; a new state gets one that is forgotten again.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_to_read(keys: &Path, state: &State, location: &str) -> Result<Self, StateError> {
        let ring = match load(keys, location) {
            Err(StateError::KeysMissing { .. }) if state.is_new() => KeyRing::generate(Timestamp::now()),
            loaded => loaded?,
        };
        Self::check(Arc::new(ring), state, (keys, location))
    }

    /// A ring that is at hand.
    ///
    /// # Errors
    /// When it is not the one that sealed the state.
    pub fn with_ring(ring: Arc<KeyRing>, state: &State, location: &str) -> Result<Self, StateError> {
        Self::check(ring, state, (Path::new("in memory"), location))
    }

    fn check(ring: Arc<KeyRing>, state: &State, (keys, location): (&Path, &str)) -> Result<Self, StateError> {
        let vault = Self { ring, stack: state.stack.clone(), lineage: state.lineage };
        if let Some(canary) = &state.canary {
            let wrong = |source| match source {
                OpenError::Damaged | OpenError::UnknownKey { .. } => {
                    let (location, keys) = (location.to_owned(), keys.display().to_string());
                    StateError::WrongKeys { location, keys, source }
                }
                source => leaf("the canary", "key-canary", source),
            };
            match vault.ring.check_canary(&vault.place("key canary"), canary) {
                // The key that made it is gone since everything was sealed anew. The ring remembers that it was its own.
                Err(OpenError::UnknownKey { id }) if vault.ring.has_forgotten(id) => {}
                checked => checked.map_err(wrong)?,
            }
        }
        Ok(vault)
    }

    /// What a state is created from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed { lineage: self.lineage, canary: self.ring.canary(&self.place("key canary")) }
    }

    /// The keys, for digests and sinks.
    #[must_use]
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Whose state it is for.
    #[must_use]
    pub fn stack(&self) -> &StackName {
        &self.stack
    }

    /// Which life of it.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        self.lineage
    }

    /// Seals an instance's parameters.
    #[must_use]
    pub fn seal_parameters(&self, reference: &InstanceRef, parameters: &Value) -> Sealed {
        self.ring.seal_json(&self.leaf(reference, PARAMETERS), parameters)
    }

    /// Opens an instance's parameters.
    ///
    /// # Errors
    /// When they are not what was sealed for it.
    pub fn open_parameters(
        &self,
        reference: &InstanceRef,
        sealed: &Sealed,
    ) -> Result<SecretJson, StateError> {
        let opened = self.ring.open_json(&self.leaf(reference, PARAMETERS), sealed);
        opened.map_err(|source| leaf(reference, PARAMETERS, source))
    }

    /// An output as state keeps it.
    #[must_use]
    pub fn output(
        &self,
        (reference, key): (&InstanceRef, &str),
        (value, digest): (Value, Digest),
        secrecy: Secrecy,
    ) -> Output {
        let value = match secrecy {
            Secrecy::Public => OutputValue::Public(value),
            Secrecy::Secret => {
                let value = SecretJson::from(value);
                let place = self.leaf(reference, &format!("outputs.{key}"));
                OutputValue::Secret(self.ring.seal_json(&place, value.expose()))
            }
        };
        Output { digest, value }
    }

    /// An output's value.
    ///
    /// # Errors
    /// When it is not what was sealed for this instance and key.
    pub fn open_output(
        &self,
        reference: &InstanceRef,
        key: &str,
        output: &Output,
    ) -> Result<SecretJson, StateError> {
        match &output.value {
            OutputValue::Public(value) => Ok(SecretJson::from(value.clone())),
            OutputValue::Secret(sealed) => {
                let field = format!("outputs.{key}");
                let opened = self.ring.open_json(&self.leaf(reference, &field), sealed);
                opened.map_err(|source| leaf(reference, &field, source))
            }
        }
    }

    /// The record with every sealed leaf sealed with the current key; nothing when all of them are already.
    ///
    /// # Errors
    /// When a leaf does not open: it is left as it is.
    pub fn reseal(&self, record: &InstanceRecord) -> Result<Option<InstanceRecord>, StateError> {
        let (mut renewed, reference) = (record.clone(), &record.reference);
        let mut changed = false;
        let mut leaf = |field: &str, sealed: &mut Sealed| -> Result<(), StateError> {
            let place = self.leaf(reference, field);
            let opened = self.ring.open(&place, sealed).map_err(|source| leaf(reference, field, source))?;
            if sealed.key_id() != self.ring.current() {
                *sealed = self.ring.seal(&place, opened.expose());
                changed = true;
            }
            Ok(())
        };
        leaf(PARAMETERS, &mut renewed.asked.parameters)?;
        if let Some(pending) = &mut renewed.pending {
            leaf(PARAMETERS, &mut pending.parameters)?;
        }
        for (key, output) in renewed.outputs.iter_mut() {
            if let OutputValue::Secret(sealed) = &mut output.value {
                leaf(&format!("outputs.{key}"), sealed)?;
            }
        }
        if let Some(previous) = &mut renewed.previous
            && let Some(sealed) = self.reseal(previous)?
        {
            **previous = sealed;
            changed = true;
        }
        Ok(changed.then_some(renewed))
    }

    fn place(&self, kind: &str) -> Place {
        Place::new(kind).with(self.stack.as_str()).with(self.lineage.to_string())
    }

    fn leaf(&self, reference: &InstanceRef, field: &str) -> Place {
        self.place("state").with(reference.as_str()).with(field)
    }
}

fn load(keys: &Path, location: &str) -> Result<KeyRing, StateError> {
    KeyRing::load(keys).map_err(|error| match error {
        KeyRingError::Missing { path } => {
            StateError::KeysMissing { location: location.to_owned(), keys: path.display().to_string() }
        }
        error => StateError::Keys(error),
    })
}

fn leaf(reference: impl ToString, field: &str, source: OpenError) -> StateError {
    StateError::Leaf { reference: reference.to_string(), field: field.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vault() -> Vault {
        let state = State::empty(StackName::new("shop").unwrap());
        Vault::with_ring(Arc::new(KeyRing::generate(Timestamp::now())), &state, "memory:").unwrap()
    }

    fn reference(text: &str) -> InstanceRef {
        InstanceRef::new(text).unwrap()
    }

    #[test]
    fn a_sealed_leaf_opens_only_where_it_belongs() {
        let vault = vault();
        let db = reference("db");
        let digest = vault.ring().digest("test", b"");
        let output = vault.output((&db, "token"), (json!("hunter2"), digest), Secrecy::Secret);
        assert_eq!(vault.open_output(&db, "token", &output).unwrap().expose(), &json!("hunter2"));
        assert!(vault.open_output(&db, "other", &output).is_err());
        assert!(vault.open_output(&reference("web"), "token", &output).is_err());
        let mut other = vault.clone();
        other.lineage = Lineage::mint();
        assert!(other.open_output(&db, "token", &output).is_err());
        let mut other = vault.clone();
        other.stack = StackName::new("shop2").unwrap();
        assert!(other.open_output(&db, "token", &output).is_err());
        let OutputValue::Secret(sealed) = &output.value else { panic!("it is sealed") };
        let error = vault.open_parameters(&db, sealed).unwrap_err();
        assert!(error.to_string().contains("parameters of 'db'"), "{error}");
    }

    #[test]
    fn only_what_is_public_is_kept_in_clear() {
        let vault = vault();
        let db = reference("db");
        let digest = vault.ring().digest("test", b"");
        let public = vault.output((&db, "id"), (json!("d1-7"), digest), Secrecy::Public);
        let secret = vault.output((&db, "id"), (json!("d1-7"), digest), Secrecy::Secret);
        assert!(serde_json::to_string(&public).unwrap().contains("d1-7"));
        assert!(!serde_json::to_string(&secret).unwrap().contains("d1-7"));
    }
}
