//! Sealing: XChaCha20-Poly1305 under one key, bound to a place.
//!
//! ```text
//! sealed = format (1) · key id (4) · nonce (24) · ciphertext · tag (16)
//!          └────────── header ──────────┘
//! associated data = header · purpose (1) · place
//! ```

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    key_id::KeyId,
    place::Place,
    secret::{Secret, SecretBytes},
};

const FORMAT: u8 = 1;
const NONCE: usize = 24;
const NONCE_AT: usize = 1 + KeyId::LENGTH;
const HEADER: usize = NONCE_AT + NONCE;
const TAG: usize = 16;

/// A sealed value: what it holds can be read only with the key that sealed it, at the place it was sealed for.
///
/// Its text form, also used by serde, is `sutler:v1:` and base64 (URL-safe, unpadded).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes, for storage.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The sealed value with these bytes. Whether they are authentic, only opening it tells.
    ///
    /// # Errors
    /// When the bytes cannot be a sealed value, or one of a format this program does not know.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, OpenError> {
        let bytes = bytes.into();
        match bytes.first() {
            Some(&FORMAT) if bytes.len() >= HEADER + TAG => Ok(Self(bytes)),
            Some(&found) if found > FORMAT => Err(OpenError::NewerFormat { found: found.into() }),
            _ => Err(OpenError::Malformed),
        }
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        format!("sutler:v{FORMAT}:{}", BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }

    /// The sealed value with this text form.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_text(text: &str) -> Result<Self, OpenError> {
        let (version, encoded) = text
            .strip_prefix("sutler:v")
            .and_then(|rest| rest.split_once(':'))
            .ok_or(OpenError::Malformed)?;
        let plain = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
        match version.parse::<u32>() {
            Ok(found) if plain && found > FORMAT.into() => Err(OpenError::NewerFormat { found }),
            Ok(_) if plain => {
                Self::from_bytes(BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| OpenError::Malformed)?)
            }
            _ => Err(OpenError::Malformed),
        }
    }

    /// The key it says it was sealed with; known to be true once it opened.
    pub fn key_id(&self) -> KeyId {
        let bytes = self.0[1..].first_chunk().expect("every sealed value has a header");
        KeyId::from_bytes(*bytes)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.key_id(), self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_text(&std::borrow::Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The ring does not hold the key.
    #[error(
        "this was sealed with key {id}, which the key ring does not hold; use the key ring that sealed it"
    )]
    UnknownKey {
        /// The key that is needed.
        id: KeyId,
    },
    /// Not what was sealed here: authentication failed.
    #[error(
        "this was damaged, or moved here from another place, and cannot be opened; restore it from a backup"
    )]
    Damaged,
    /// Not a sealed value at all, or cut short.
    #[error("this is not a sealed value, or only a piece of one; restore it from a backup")]
    Malformed,
    /// Written by a newer program.
    #[error("this was sealed in format {found}, and this program knows format 1 only; use a newer one")]
    NewerFormat {
        /// The format it says it has.
        found: u32,
    },
    /// It opened, but what it holds is not the JSON that was asked for.
    #[error("this sealed value opens, but holds no JSON; it was sealed as something else")]
    NotJson,
}

/// What a sealed value is for; one never opens as the other.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// A value somebody wants back.
    Value = 0,
    /// A proof that the key is the right one.
    Canary = 1,
}

/// Seals with this key, which has 32 bytes, under a fresh random nonce.
pub(crate) fn seal(key: &[u8], id: KeyId, (purpose, place): (Purpose, &Place), plaintext: &[u8]) -> Sealed {
    let mut sealed = Vec::with_capacity(HEADER + plaintext.len() + TAG);
    sealed.push(FORMAT);
    sealed.extend_from_slice(id.as_bytes());
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).expect("the system's random source answers");
    sealed.extend_from_slice(&nonce);
    let associated = associated_data(&sealed, purpose, place);
    sealed.extend_from_slice(plaintext);
    let tag = cipher(key)
        .encrypt_inout_detached(&XNonce::from(nonce), &associated, (&mut sealed[HEADER..]).into())
        .expect("a value is shorter than 256 GiB");
    sealed.extend_from_slice(&tag);
    Sealed(sealed)
}

/// Opens with this key, which has 32 bytes. Whatever differs from sealing gives the same error.
pub(crate) fn open(
    key: &[u8],
    (purpose, place): (Purpose, &Place),
    Sealed(sealed): &Sealed,
) -> Result<SecretBytes, OpenError> {
    let (header, ciphertext) = sealed.split_at(HEADER);
    let nonce = XNonce::try_from(&header[NONCE_AT..]).map_err(|_| OpenError::Malformed)?;
    let mut opened = ciphertext.to_vec();
    cipher(key)
        .decrypt_in_place(&nonce, &associated_data(header, purpose, place), &mut opened)
        .map_err(|_| OpenError::Damaged)?;
    Ok(Secret::new(opened))
}

fn cipher(key: &[u8]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new_from_slice(key).expect("every key in a ring has 32 bytes")
}

/// The header has a fixed length and the place ends with the data, so two inputs never agree.
fn associated_data(header: &[u8], purpose: Purpose, place: &Place) -> Vec<u8> {
    [header, &[purpose as u8], place.encoded()].concat()
}
