//! Keys for signed messages (TSIG, RFC 8945).

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::tsig;
use sutler_secrets::SecretString;
use zeroize::Zeroizing;

/// How a key signs. What is weaker than SHA-256 is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `hmac-sha256`.
    HmacSha256,
    /// `hmac-sha384`.
    HmacSha384,
    /// `hmac-sha512`.
    HmacSha512,
}

impl FromStr for Algorithm {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text.to_ascii_lowercase().trim_end_matches('.') {
            "hmac-sha256" => Ok(Self::HmacSha256),
            "hmac-sha384" => Ok(Self::HmacSha384),
            "hmac-sha512" => Ok(Self::HmacSha512),
            _ => Err(KeyError::Algorithm),
        }
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is none of ours.
    #[error("the algorithm of a TSIG key is hmac-sha256, hmac-sha384 or hmac-sha512")]
    Algorithm,
    /// It is no name.
    #[error("the name of a TSIG key is a name of DNS")]
    Name,
    /// It is no base64, or too short to be safe.
    #[error("the secret of a TSIG key is base64 of at least 16 bytes")]
    Secret,
}

/// Fewer bytes can be guessed.
const SHORTEST: usize = 16;

/// A key that two sides share. Printing it shows its name.
#[derive(Clone)]
pub struct TsigKey(Arc<tsig::Key>);

impl TsigKey {
    /// A key as servers are configured with it: its name, and its secret in base64.
    ///
    /// # Errors
    /// When the name or the secret has another form.
    pub fn new(name: &str, algorithm: Algorithm, secret: &SecretString) -> Result<Self, KeyError> {
        let name = name.to_ascii_lowercase();
        let name = tsig::KeyName::from_str(&name).map_err(|_| KeyError::Name)?;
        let bytes =
            STANDARD.decode(secret.expose().trim()).map(Zeroizing::new).map_err(|_| KeyError::Secret)?;
        if bytes.len() < SHORTEST {
            return Err(KeyError::Secret);
        }
        let algorithm = match algorithm {
            Algorithm::HmacSha256 => tsig::Algorithm::Sha256,
            Algorithm::HmacSha384 => tsig::Algorithm::Sha384,
            Algorithm::HmacSha512 => tsig::Algorithm::Sha512,
        };
        let key = tsig::Key::new(algorithm, &bytes, name, None, None).map_err(|_| KeyError::Algorithm)?;
        Ok(Self(Arc::new(key)))
    }

    pub(super) fn shared(&self) -> Arc<tsig::Key> {
        self.0.clone()
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({})", self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_an_algorithm_and_enough_bytes_and_is_never_shown() {
        let secret = STANDARD.encode("hunter2-hunter2-hunter2");
        let new = |name: &str, secret: &str| TsigKey::new(name, Algorithm::HmacSha256, &secret.into());
        let key = new("Key.Example.", &secret).unwrap();
        assert_eq!(format!("{key:?}"), "TsigKey(key.example)");
        assert_eq!(new("key", "c2hvcnQ=").unwrap_err(), KeyError::Secret);
        assert_eq!(new("key", "no base64!").unwrap_err(), KeyError::Secret);
        assert_eq!(new("a..b", &secret).unwrap_err(), KeyError::Name);
        assert_eq!("HMAC-SHA512.".parse(), Ok(Algorithm::HmacSha512));
        assert_eq!("hmac-md5".parse::<Algorithm>(), Err(KeyError::Algorithm));
    }
}
