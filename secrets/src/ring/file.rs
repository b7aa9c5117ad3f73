//! The text of a key file.
//!
//! ```json
//! { "format": 1, "current": "k-0a1b2c3d", "digest_key": "…",
//!   "keys": [{ "id": "k-0a1b2c3d", "created": "2026-11-21T04:00:00Z", "retired": null, "key": "…" }],
//!   "check": "…" }
//! ```
//!
//! Once keys were forgotten, their ids stay as `"forgotten": ["k-…"]`, and the format is 2.
//!
//! The check is the keyed digest of every text before it: a key with one wrong bit would open nothing, so it is refused.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Damage, Key, KeyBytes, KeyRing, KeyRingError};
use crate::{
    digest::{Digest, DigestKey},
    secret::Secret,
};

/// Written while no key was forgotten.
const FORMAT: u64 = 1;
/// Written once keys were.
const FORMAT_FORGOTTEN: u64 = 2;

/// All texts are borrowed, so parsing makes no copy of a key that nobody wipes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    format: u64,
    current: &'a str,
    digest_key: &'a str,
    #[serde(borrow)]
    keys: Vec<Entry<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<&'a str>,
    check: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    id: &'a str,
    created: &'a str,
    #[serde(borrow)]
    retired: Option<&'a str>,
    key: &'a str,
}

/// What every format has in common.
#[derive(Deserialize)]
struct AnyFormat {
    format: u64,
}

/// Reads a ring, or says what is wrong with it.
pub(super) fn parse(text: &[u8], path: &Path) -> Result<KeyRing, KeyRingError> {
    let damaged = |damage| KeyRingError::Damaged { path: path.to_owned(), damage };
    // serde's own message may quote the text, so only the place is kept
    let not_json =
        |error: serde_json::Error| damaged(Damage::NotJson { line: error.line(), column: error.column() });

    if text.is_empty() {
        return Err(KeyRingError::Empty { path: path.to_owned() });
    }
    let found = serde_json::from_slice::<AnyFormat>(text).map_err(not_json)?.format;
    if !(FORMAT..=FORMAT_FORGOTTEN).contains(&found) {
        return Err(KeyRingError::UnknownFormat { path: path.to_owned(), found });
    }
    let file: File<'_> = serde_json::from_slice(text).map_err(not_json)?;
    assemble(&file).map_err(damaged)
}

/// Writes a ring.
pub(super) fn render(ring: &KeyRing) -> Zeroizing<Vec<u8>> {
    let digest_key = encode(ring.digest_key.expose());
    let current = ring.current.to_string();
    let texts: Vec<_> = ring
        .keys
        .iter()
        .map(|key| {
            let retired = key.retired().map(|retired| retired.to_string());
            (key.id().to_string(), key.created().to_string(), retired, encode(key.expose()))
        })
        .collect();
    let keys = texts
        .iter()
        .map(|(id, created, retired, key)| Entry { id, created, retired: retired.as_deref(), key })
        .collect();
    let forgotten: Vec<_> = ring.forgotten.iter().map(ToString::to_string).collect();
    let mut file = File {
        format: if forgotten.is_empty() { FORMAT } else { FORMAT_FORGOTTEN },
        current: &current,
        digest_key: &digest_key,
        keys,
        forgotten: forgotten.iter().map(String::as_str).collect(),
        check: Digest::from_bytes([0; 32]),
    };
    file.check = check(&file, &ring.digest);
    let mut text = Zeroizing::new(Vec::with_capacity(512 + 512 * texts.len())); // never grows: no copy left behind
    serde_json::to_writer_pretty(&mut *text, &file).expect("a key file can be written as JSON");
    text.push(b'\n');
    text
}

fn assemble(file: &File<'_>) -> Result<KeyRing, Damage> {
    let digest_key = decode(file.digest_key).ok_or(Damage::DigestKey)?;
    let mut keys: Vec<Key> = Vec::with_capacity(file.keys.len());
    for (position, entry) in file.keys.iter().enumerate() {
        let key = entry.key().filter(|key| keys.iter().all(|other| other.id() != key.id()));
        keys.push(key.ok_or(Damage::Key { number: position + 1 })?);
    }
    let current = file.current.parse().map_err(|_| Damage::NoCurrent)?;
    let mut ring = KeyRing::assemble(current, keys, digest_key);
    for id in &file.forgotten {
        let id = id.parse().map_err(|_| Damage::Forgotten)?;
        if ring.key(id).is_some() || file.format == FORMAT {
            return Err(Damage::Forgotten);
        }
        ring.forgotten.push(id);
    }
    if ring.key(current).is_none() {
        return Err(Damage::NoCurrent);
    }
    if check(file, &ring.digest) != file.check {
        return Err(Damage::Check);
    }
    Ok(ring)
}

impl Entry<'_> {
    fn key(&self) -> Option<Key> {
        let retired = self.retired.map(str::parse).transpose().ok()?;
        Some(Key::restore(self.id.parse().ok()?, self.created.parse().ok()?, retired, decode(self.key)?))
    }
}

/// The digest of every text in the file but the check itself.
fn check(file: &File<'_>, key: &DigestKey) -> Digest {
    let mut digester = key.start("sutler key file, format 1");
    digester.part(file.current.as_bytes());
    digester.part(file.digest_key.as_bytes());
    for Entry { id, created, retired, key } in &file.keys {
        for part in [id, created, retired.as_deref().unwrap_or_default(), key] {
            digester.part(part.as_bytes());
        }
    }
    for id in &file.forgotten {
        digester.part(b"forgotten");
        digester.part(id.as_bytes());
    }
    digester.finish()
}

fn encode(key: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(BASE64_STANDARD.encode(key))
}

fn decode(text: &str) -> Option<KeyBytes> {
    KeyBytes::from_bytes(Secret::new(BASE64_STANDARD.decode(text).ok()?))
}
