//! The public name of a key in a ring.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::hex;

/// Names a key without telling anything about it. Written `k-` and eight lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    pub(crate) const LENGTH: usize = 4;

    pub(crate) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("k-")?;
        hex::write(f, &self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("k-").and_then(hex::read).map(Self).ok_or(ParseKeyIdError)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The text is not the name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is named `k-` and eight lower-case hexadecimal digits, such as k-0a1b2c3d")]
pub struct ParseKeyIdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_text_form() {
        let id: KeyId = "k-0a1b2c3d".parse().unwrap();
        assert_eq!(id.to_string(), "k-0a1b2c3d");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"k-0a1b2c3d\"");
        assert_eq!(serde_json::from_str::<KeyId>("\"k-0a1b2c3d\"").unwrap(), id);
        for wrong in ["", "k-", "0a1b2c3d", "k-0A1B2C3D", "k-0a1b2c3", "k-0a1b2c3d4", "k-+a1b2c3d"] {
            assert_eq!(wrong.parse::<KeyId>(), Err(ParseKeyIdError), "{wrong}");
        }
    }
}
