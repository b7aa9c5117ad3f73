//! One key of a ring.

use std::fmt;

use jiff::Timestamp;

use crate::{
    key_id::KeyId,
    secret::{Secret, SecretBytes},
};

/// A key: its name and dates can be seen, its bytes cannot.
pub struct Key {
    id: KeyId,
    created: Timestamp,
    retired: Option<Timestamp>,
    bytes: KeyBytes,
}

impl Key {
    /// The key's name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Since when nothing is sealed with it any more; `None` for the current key.
    pub fn retired(&self) -> Option<Timestamp> {
        self.retired
    }

    /// A new random key, with a name that is not taken.
    pub(super) fn generate(now: Timestamp, taken: impl Fn(KeyId) -> bool) -> Self {
        let id = loop {
            let mut id = [0; KeyId::LENGTH];
            fill(&mut id);
            let id = KeyId::from_bytes(id);
            if !taken(id) {
                break id;
            }
        };
        Self { id, created: now, retired: None, bytes: KeyBytes::generate() }
    }

    pub(super) fn restore(
        id: KeyId,
        created: Timestamp,
        retired: Option<Timestamp>,
        bytes: KeyBytes,
    ) -> Self {
        Self { id, created, retired, bytes }
    }

    pub(super) fn retire(&mut self, now: Timestamp) {
        self.retired = Some(now);
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (created {}", self.id, self.created)?;
        self.retired.iter().try_for_each(|retired| write!(f, ", retired {retired}"))?;
        f.write_str(")")
    }
}

/// Exactly 32 secret bytes, on the heap so that moving them leaves no copy behind.
pub(super) struct KeyBytes(SecretBytes);

impl KeyBytes {
    const LENGTH: usize = 32;

    pub(super) fn generate() -> Self {
        let mut bytes = vec![0; Self::LENGTH];
        fill(&mut bytes);
        Self(Secret::new(bytes))
    }

    pub(super) fn from_bytes(bytes: SecretBytes) -> Option<Self> {
        (bytes.expose().len() == Self::LENGTH).then_some(Self(bytes))
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's random source answers");
}
