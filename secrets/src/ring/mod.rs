//! The key ring: keys to seal with, and one to digest with.

use std::{fmt, path::Path};

use jiff::Timestamp;

use crate::{digest::DigestKey, key_id::KeyId};

mod digesting;
mod disk;
mod error;
mod file;
mod key;
mod sealing;

pub use error::{Damage, ForgetError, KeyRingError};
pub use key::Key;

use key::KeyBytes;

/// Every key that data may be sealed with, and the one that new data is sealed with.
///
/// The digest key never rotates: digests made before and after a rotation can be compared.
pub struct KeyRing {
    /// Oldest first; never empty.
    keys: Vec<Key>,
    current: KeyId,
    digest_key: KeyBytes,
    digest: DigestKey,
    /// Keys that were in it. Their names stay, so that what they proved is still known to be this ring's.
    forgotten: Vec<KeyId>,
}

/// Whether a key ring had to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// There was none; data sealed earlier, if any, was sealed with another ring.
    Yes,
    /// It was there already.
    No,
}

impl KeyRing {
    /// A ring in memory with one new random key.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn generate(now: Timestamp) -> Self {
        let key = Key::generate(now, |_| false);
        Self::assemble(key.id(), vec![key], KeyBytes::generate())
    }

    /// Reads the ring at `path`. A ring that others could have read, or that is not complete, is refused.
    ///
    /// # Errors
    /// Each names the path and what to do next.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyRingError> {
        let path = path.as_ref();
        file::parse(&disk::read(path)?, path)
    }

    /// Writes a new ring to `path`, where nothing may be yet; folders that are missing are made. When it returns, file
    /// (mode 0600, whatever the umask) and folder are durable. A crash leaves all of the file or none of it.
    ///
    /// # Errors
    /// [`KeyRingError::Exists`] when anything is there, even a broken link; what is there is left as it is.
    pub fn create(path: impl AsRef<Path>, now: Timestamp) -> Result<Self, KeyRingError> {
        let ring = Self::generate(now);
        disk::create(path.as_ref(), &file::render(&ring))?;
        Ok(ring)
    }

    /// Reads the ring at `path`, or creates it if there is none. Of several processes that start at once, one creates
    /// and the others read.
    ///
    /// A lost ring looks like a new one here: check a [canary](Self::check_canary) before writing anything.
    ///
    /// # Errors
    /// As [`load`](Self::load) and [`create`](Self::create); a ring that is there but refused is never replaced.
    pub fn load_or_create(path: impl AsRef<Path>, now: Timestamp) -> Result<(Self, Created), KeyRingError> {
        let path = path.as_ref();
        match Self::load(path) {
            Err(KeyRingError::Missing { .. }) => match Self::create(path, now) {
                Err(KeyRingError::Exists { .. }) => Ok((Self::load(path)?, Created::No)),
                created => Ok((created?, Created::Yes)),
            },
            loaded => Ok((loaded?, Created::No)),
        }
    }

    /// Replaces the ring at `path` in one step: after a crash either the old or the new one is there, complete.
    ///
    /// # Errors
    /// [`KeyRingError::WouldLoseKey`] when the file holds a key that this ring neither holds nor was told to
    /// [`forget`](Self::forget): somebody else rotated, or it is the ring of something else.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), KeyRingError> {
        let path = path.as_ref();
        match Self::load(path) {
            Err(KeyRingError::Missing { .. }) => {}
            loaded => {
                let known = |id: &KeyId| self.key(*id).is_some() || self.forgotten.contains(id);
                if let Some(id) = loaded?.key_ids().find(|id| !known(id)) {
                    return Err(KeyRingError::WouldLoseKey { path: path.to_owned(), id });
                }
            }
        }
        disk::replace(path, &file::render(self))
    }

    /// Adds a new random key and makes it the current one; the others stay and still open what they sealed. In memory
    /// only: [`save`](Self::save) it before anything is sealed with the new key.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn rotate(&mut self, now: Timestamp) -> KeyId {
        let key = Key::generate(now, |id| self.key(id).is_some() || self.forgotten.contains(&id));
        let previous = std::mem::replace(&mut self.current, key.id());
        self.keys.iter_mut().filter(|key| key.id() == previous).for_each(|key| key.retire(now));
        self.keys.push(key);
        self.current
    }

    /// Drops a retired key. Do so only when nothing is sealed with it any more: what still is, is lost.
    ///
    /// # Errors
    /// When it is the current key, or not in the ring.
    pub fn forget(&mut self, id: KeyId) -> Result<(), ForgetError> {
        if id == self.current {
            return Err(ForgetError::Current { id });
        }
        let position = self.keys.iter().position(|key| key.id() == id).ok_or(ForgetError::Unknown { id })?;
        self.keys.remove(position);
        self.forgotten.push(id);
        Ok(())
    }

    /// Whether a key was in this ring once, and was forgotten.
    pub fn has_forgotten(&self, id: KeyId) -> bool {
        self.forgotten.contains(&id)
    }

    /// The keys' ids, oldest first.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(Key::id)
    }

    /// What may be told about the keys, oldest first.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key that new data is sealed with.
    pub fn current(&self) -> KeyId {
        self.current
    }

    fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// `current` is the id of one of `keys`.
    fn assemble(current: KeyId, keys: Vec<Key>, digest_key: KeyBytes) -> Self {
        let digest = DigestKey::new(digest_key.expose());
        Self { keys, current, digest_key, digest, forgotten: Vec::new() }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current).field("keys", &self.keys).finish()
    }
}
