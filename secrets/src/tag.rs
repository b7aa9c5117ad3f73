//! Equality that takes the same time whatever it compares.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

use crate::digest::Digest;

/// Proof of knowledge, such as the keyed digest of a token. Compared in constant time, never printed.
///
/// To compare two secrets, compare the tags of both: `Tag::from(ring.digest("token", given))`.
///
/// ```compile_fail,E0277
/// let _ = format!("{}", sutler_secrets::Tag::from_bytes([0; 32]));
/// ```
#[derive(Clone)]
pub struct Tag([u8; 32]);

impl Tag {
    /// The tag of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storage.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Digest> for Tag {
    fn from(digest: Digest) -> Self {
        Self(*digest.as_bytes())
    }
}

impl ConstantTimeEq for Tag {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Tag {}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_equal_only_in_every_byte() {
        let tag = Tag::from_bytes([7; 32]);
        assert_eq!(tag, tag.clone());
        for position in 0..32 {
            let mut other = [7; 32];
            other[position] ^= 1;
            assert_ne!(tag, Tag::from_bytes(other));
        }
        assert_eq!(format!("{tag:?}"), "Tag(…)");
    }
}
