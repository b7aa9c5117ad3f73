//! Secrets that are taken from the environment or a file.

use std::{env::VarError, path::Path};

use indexmap::IndexMap;
use sutler_secrets::{Digest, KeyRing, SecretString};

use super::SecretSource;

/// Why a secret could not be read; never quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret in {place} cannot be used: {what}")]
pub struct Unread {
    /// Where it should be.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl SecretSource {
    /// Reads it.
    ///
    /// # Errors
    /// When it is not there, is empty, or is not text.
    pub fn read(&self) -> Result<SecretString, Unread> {
        let (place, secret) = match self {
            Self::Literal(secret) => return Ok(secret.duplicate()),
            Self::Environment(name) => {
                // The error of the standard library would quote a value that is not text.
                let secret = std::env::var(name).map(SecretString::new).map_err(|error| match error {
                    VarError::NotPresent => "it is not set".to_owned(),
                    VarError::NotUnicode(_) => "it is not text".to_owned(),
                });
                (format!("the environment variable {name}"), secret)
            }
            Self::File(path) => (path.display().to_string(), from_file(path)),
        };
        match secret {
            Ok(secret) if secret.expose().is_empty() => Err(Unread { place, what: "it is empty".to_owned() }),
            Ok(secret) => Ok(secret),
            Err(what) => Err(Unread { place, what }),
        }
    }
}

fn from_file(path: &Path) -> Result<SecretString, String> {
    let secret = std::fs::read_to_string(path).map(SecretString::new).map_err(|error| error.to_string())?;
    let text = secret.expose();
    let line = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(SecretString::from(line))
}

/// Variables that are secrets. Read once, when the configuration is; one that cannot be read matters where it is used.
#[derive(Debug, Default)]
pub struct SecretVariables(IndexMap<String, Result<SecretString, Unread>>);

impl SecretVariables {
    /// Reads one.
    pub(super) fn add(&mut self, name: &str, source: &SecretSource) {
        self.0.insert(name.to_owned(), source.read());
    }

    /// A secret, or why there is none; nothing when no such variable is declared.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Result<&SecretString, &Unread>> {
        self.0.get(name).map(Result::as_ref)
    }

    /// The keyed digest of a secret, if it could be read.
    #[must_use]
    pub fn digest(&self, name: &str, ring: &KeyRing) -> Option<Digest> {
        let secret = self.get(name)?.ok()?;
        Some(ring.digest("variable", secret.expose().as_bytes()))
    }
}
