//! Sealing and opening with the keys of a ring.

use serde_json::Value;
use zeroize::Zeroizing;

use super::KeyRing;
use crate::{
    json::SecretJson,
    place::Place,
    recipient::{Letter, Recipient},
    seal::{self, OpenError, Purpose, Sealed},
    secret::SecretBytes,
};

const CANARY: &[u8] = b"this key is the right one";

impl KeyRing {
    /// Seals bytes for a place, with the current key and a fresh random nonce.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn seal(&self, place: &Place, plaintext: &[u8]) -> Sealed {
        self.seal_as(Purpose::Value, place, plaintext)
    }

    /// Opens what was sealed for this place, with whichever key of the ring sealed it.
    ///
    /// # Errors
    /// When the key is not in the ring, or when anything differs from what was sealed, the place included.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<SecretBytes, OpenError> {
        self.open_as(Purpose::Value, place, sealed)
    }

    /// Seals a JSON value for a place.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn seal_json(&self, place: &Place, value: &Value) -> Sealed {
        let mut size = Size(0);
        serde_json::to_writer(&mut size, value).expect("a JSON value can be written");
        let mut text = Zeroizing::new(Vec::with_capacity(size.0)); // never grows, so it leaves no copy behind
        serde_json::to_writer(&mut *text, value).expect("a JSON value can be written");
        self.seal(place, &text)
    }

    /// Opens a JSON value that was sealed for this place. Members keep their order; numbers are as exact as serde_json
    /// reads them.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when what was sealed is not JSON.
    pub fn open_json(&self, place: &Place, sealed: &Sealed) -> Result<SecretJson, OpenError> {
        let opened = self.open(place, sealed)?;
        serde_json::from_slice(opened.expose()).map_err(|_| OpenError::NotJson)
    }

    /// Whoever has this can seal for the holder of the ring, and open nothing. It belongs to the current key.
    pub fn recipient(&self) -> Recipient {
        let key = self.key(self.current).expect("the current key is in the ring");
        Recipient::of(key.id(), key.expose())
    }

    /// Opens what was sealed for one of this ring's keys, current or not, and this place.
    ///
    /// # Errors
    /// When the key is not in the ring, or when anything differs from what was sealed, the place included.
    pub fn open_letter(&self, place: &Place, letter: &Letter) -> Result<SecretBytes, OpenError> {
        let id = letter.key_id();
        let key = self.key(id).ok_or(OpenError::UnknownKey { id })?;
        letter.open(key.expose(), place)
    }

    /// A value to store beside the data of a place. Whoever opens the data later checks it first, and so notices that
    /// the keys are not those the data was sealed with.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn canary(&self, place: &Place) -> Sealed {
        self.seal_as(Purpose::Canary, place, CANARY)
    }

    /// Whether this ring made the canary of this place. Do not write anything when it did not.
    ///
    /// # Errors
    /// As [`open`](Self::open); no other sealed value passes for a canary.
    pub fn check_canary(&self, place: &Place, canary: &Sealed) -> Result<(), OpenError> {
        let opened = self.open_as(Purpose::Canary, place, canary)?;
        if opened.expose() == CANARY { Ok(()) } else { Err(OpenError::Damaged) }
    }

    fn seal_as(&self, purpose: Purpose, place: &Place, plaintext: &[u8]) -> Sealed {
        let key = self.key(self.current).expect("the current key is in the ring");
        seal::seal(key.expose(), key.id(), (purpose, place), plaintext)
    }

    fn open_as(&self, purpose: Purpose, place: &Place, sealed: &Sealed) -> Result<SecretBytes, OpenError> {
        let id = sealed.key_id();
        let key = self.key(id).ok_or(OpenError::UnknownKey { id })?;
        seal::open(key.expose(), (purpose, place), sealed)
    }
}

/// Counts what is written to it.
struct Size(usize);

impl std::io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
