//! Sealing for somebody: whoever has the public key can seal, only the holder of the key ring can open.
//!
//! HPKE (RFC 9180, base mode) with X-Wing, which is X25519 and ML-KEM-768 together: it holds as long as either does, so
//! a file that is copied today stays closed to a quantum computer of tomorrow. SHAKE-256 and ChaCha20-Poly1305 complete
//! the suite.
//!
//! ```text
//! letter = format (1) · key id (4) · encapsulated key (1120) · ciphertext · tag (16)
//!          └───── header ─────┘
//! associated data = header · place
//! ```
//!
//! A letter does not tell who sealed it: anyone with the public key could have. Whoever needs to know keeps a keyed
//! [`Digest`](crate::Digest) of it.

use std::{fmt, str::FromStr};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable, kem::Kem as _};
use sha2::{Digest as _, Sha256};

use crate::{
    key_id::KeyId,
    place::Place,
    seal::OpenError,
    secret::{Secret, SecretBytes},
};

type Kem = hpke::kem::XWing;
type Kdf = hpke::kdf::KdfShake256;
type Aead = hpke::aead::ChaCha20Poly1305;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type Encapsulated = <Kem as hpke::Kem>::EncappedKey;

const FORMAT: u8 = 1;
const INFO: &[u8] = b"sutler letter, format 1";
const HEADER: usize = 1 + KeyId::LENGTH;
const ENCAPSULATED: usize = 1120;
const PUBLIC: usize = 1216;
const CHECK: usize = 8;
const TAG: usize = 16;
const LETTER: &str = "sutler:xwing";
const RECIPIENT: &str = "sutler-recipient:1:";

/// Something sealed for a recipient and a place. Its text form is `sutler:xwing1:` and base64 (URL-safe, unpadded).
#[derive(Clone, PartialEq, Eq)]
pub struct Letter(Vec<u8>);

impl Letter {
    /// The letter with these bytes. Whether they are authentic, only opening it tells.
    ///
    /// # Errors
    /// When the bytes cannot be a letter, or one of a format this program does not know.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, OpenError> {
        let bytes = bytes.into();
        match bytes.first() {
            Some(&FORMAT) if bytes.len() >= HEADER + ENCAPSULATED + TAG => Ok(Self(bytes)),
            Some(&found) if found > FORMAT => Err(OpenError::NewerFormat { found: found.into() }),
            _ => Err(OpenError::Malformed),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        format!("{LETTER}{FORMAT}:{}", BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }

    /// The letter with this text form.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_text(text: &str) -> Result<Self, OpenError> {
        let rest = text.strip_prefix(LETTER).ok_or(OpenError::Malformed)?;
        let (version, encoded) = rest.split_once(':').ok_or(OpenError::Malformed)?;
        let plain = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
        match version.parse::<u32>() {
            Ok(found) if plain && found > FORMAT.into() => Err(OpenError::NewerFormat { found }),
            Ok(_) if plain => {
                Self::from_bytes(BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| OpenError::Malformed)?)
            }
            _ => Err(OpenError::Malformed),
        }
    }

    /// Whether a text begins like a letter, sound or not.
    pub fn is_text(text: &str) -> bool {
        text.starts_with(LETTER)
    }

    /// The key of the ring that opens it, as it says.
    pub fn key_id(&self) -> KeyId {
        let bytes = self.0[1..].first_chunk().expect("every letter has a header");
        KeyId::from_bytes(*bytes)
    }

    /// Opens with the key pair that belongs to this key, which has 32 bytes. Whatever differs from sealing gives the
    /// same error.
    pub(crate) fn open(&self, key: &[u8], place: &Place) -> Result<SecretBytes, OpenError> {
        let (header, rest) = self.0.split_at(HEADER);
        let (encapsulated, ciphertext) = rest.split_at(ENCAPSULATED);
        let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| OpenError::Damaged)?;
        let (private, _) = pair(key);
        let associated = [header, place.encoded()].concat();
        let opened = hpke::single_shot_open::<Aead, Kdf, Kem>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            INFO,
            ciphertext,
            &associated,
        );
        opened.map(Secret::new).map_err(|_| OpenError::Damaged)
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter(for {}, {} bytes)", self.key_id(), self.0.len())
    }
}

/// The public half of a key pair: seals what only the holder of the key ring can open. No secret.
///
/// Its text form is `sutler-recipient:1:` and base64 (URL-safe, unpadded), with a check against slips of the hand.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    id: KeyId,
    key: Box<PublicKey>,
}

impl Recipient {
    /// The recipient that belongs to a key of a ring.
    pub(crate) fn of(id: KeyId, key: &[u8]) -> Self {
        Self { id, key: Box::new(pair(key).1) }
    }

    /// The key of the ring that opens what is sealed for it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals for a place, under a fresh key each time.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    pub fn seal(&self, place: &Place, plaintext: &[u8]) -> Letter {
        let mut letter = Vec::with_capacity(HEADER + ENCAPSULATED + plaintext.len() + TAG);
        letter.push(FORMAT);
        letter.extend_from_slice(self.id.as_bytes());
        let associated = [letter.as_slice(), place.encoded()].concat();
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal::<Aead, Kdf, Kem>(&OpModeS::Base, &self.key, INFO, plaintext, &associated)
                .expect("a public key that was read can be sealed for, and a value is shorter than 256 GiB");
        letter.extend_from_slice(&encapsulated.to_bytes());
        letter.extend_from_slice(&ciphertext);
        Letter(letter)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [self.id.as_bytes(), &self.key.to_bytes()[..]].concat();
        bytes.extend_from_slice(&check(&bytes));
        write!(f, "{RECIPIENT}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.id)
    }
}

impl FromStr for Recipient {
    type Err = ParseRecipientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.trim().strip_prefix(RECIPIENT).ok_or(ParseRecipientError)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| ParseRecipientError)?;
        let (said, sum) = bytes.split_at_checked(KeyId::LENGTH + PUBLIC).ok_or(ParseRecipientError)?;
        if check(said) != *sum {
            return Err(ParseRecipientError);
        }
        let (id, key) = said.split_first_chunk().ok_or(ParseRecipientError)?;
        let key = PublicKey::from_bytes(key).map_err(|_| ParseRecipientError)?;
        Ok(Self { id: KeyId::from_bytes(*id), key: Box::new(key) })
    }
}

/// The text is not a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a whole recipient, which begins with {RECIPIENT}; copy it again from `sutler env --recipient`"
)]
pub struct ParseRecipientError;

/// The key pair that belongs to a key of 32 bytes: DeriveKeyPair of HPKE over what only this key and purpose give.
fn pair(key: &[u8]) -> (PrivateKey, PublicKey) {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    Mac::update(&mut mac, b"sutler recipient, X-Wing, format 1");
    let seed = zeroize::Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
    Kem::derive_keypair(seed.as_slice())
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let sum: [u8; 32] = Sha256::digest(bytes).into();
    *sum.first_chunk().expect("a digest has 32 bytes")
}
