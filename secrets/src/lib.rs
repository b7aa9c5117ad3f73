//! Secrets: held so that they cannot be printed, sealed for storage, masked in text.
//!
//! ```text
//!   Masker ── forms        KeyRing ──▶ key file (0600)
//!                        ┌────┴─────┐
//!          Recipient ── seal, open   digest ◀── canonical_json
//!              │         │          │
//!           Letter ── Place, Sealed    Digest ──▶ Tag
//!                        └────┬─────┘
//!                  Secret<T>, SecretJson
//! ```
//!
//! The crate knows no store and no format but its own key file.

mod canonical;
mod digest;
mod hex;
mod json;
mod key_id;
mod mask;
mod place;
mod recipient;
mod ring;
#[cfg(feature = "schema")]
mod schema;
mod seal;
mod secret;
mod tag;

pub use canonical::canonical_json;
pub use digest::{Digest, Digester, ParseDigestError};
pub use json::SecretJson;
pub use key_id::{KeyId, ParseKeyIdError};
pub use mask::{Form, Leak, MASK, MIN_CHARACTERS, Masker, find_leaks, forms};
pub use place::Place;
pub use recipient::{Letter, ParseRecipientError, Recipient};
pub use ring::{Created, Damage, ForgetError, Key, KeyRing, KeyRingError};
pub use seal::{OpenError, Sealed};
pub use secret::{NotText, Secret, SecretBytes, SecretString, exposed};
pub use tag::Tag;
