//! Where a secret comes from: a file, the environment, or, for loopback only, the configuration itself.

use std::{fmt, io, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use sutler_secrets::SecretString;
use zeroize::Zeroize;

/// `{ file: PATH }`, `{ env: NAME }`, or the secret itself.
#[derive(Debug)]
pub(super) enum SecretSource {
    File(String),
    Env(String),
    Literal(SecretString),
}

impl SecretSource {
    /// The file or variable, for messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => format!("the file {path}"),
            Self::Env(name) => format!("the environment variable {name}"),
            Self::Literal(_) => "the configuration".to_owned(),
        }
    }

    /// Reads the secret. White space at its end, such as an editor leaves, does not belong to it.
    pub(super) fn read(self, folder: &Path) -> Result<SecretString, io::Error> {
        let mut text = match self {
            Self::File(path) => std::fs::read_to_string(folder.join(path))?,
            Self::Env(name) => std::env::var(name).map_err(|_| {
                io::Error::new(io::ErrorKind::NotFound, "the variable is not set, or not text")
            })?,
            Self::Literal(secret) => return Ok(secret),
        };
        let secret = SecretString::from(text.trim_end());
        text.zeroize();
        if secret.expose().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty"));
        }
        Ok(secret)
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ file: PATH } or { env: NAME }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretSource, E> {
        Ok(SecretSource::Literal(SecretString::from(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let source = match map.next_entry::<String, String>()? {
            Some((key, path)) if key == "file" => SecretSource::File(path),
            Some((key, name)) if key == "env" => SecretSource::Env(name),
            _ => return Err(serde::de::Error::custom("a secret is { file: PATH } or { env: NAME }")),
        };
        match map.next_key::<String>()? {
            None => Ok(source),
            Some(_) => Err(serde::de::Error::custom("a secret is either { file: PATH } or { env: NAME }")),
        }
    }
}
