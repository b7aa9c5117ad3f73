//! Keyed digests: whether a secret changed can be seen, what it is cannot.

use std::{fmt, io, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::Sha256;

use crate::{hex, place::length};

/// HMAC-SHA-256 under the digest key of a ring. Written as 64 lower-case hexadecimal digits.
///
/// Equal digests of one domain mean equal bytes. Without the key it tells nothing, so it may be shown and stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::read(text).map(Self).ok_or(ParseDigestError)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The text is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is written as 64 lower-case hexadecimal digits")]
pub struct ParseDigestError;

/// A digest in the making: give it the bytes in any pieces, then [`finish`](Self::finish).
///
/// Writing to it never fails. How the bytes were cut into pieces makes no difference, unless they are given by
/// [`part`](Self::part). A clone goes on independently.
#[derive(Clone)]
pub struct Digester(Hmac<Sha256>);

impl Digester {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes one part of a list: its length, then its bytes, so that `("ab", "c")` and `("a", "bc")` differ.
    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update(&length(bytes));
        self.0.update(bytes);
    }

    /// The digest of everything given so far.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into_bytes().into())
    }
}

impl io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester(…)")
    }
}

/// The digest key, already worked into the hash: starting a digest is one copy of a few words.
pub(crate) struct DigestKey(Hmac<Sha256>);

impl DigestKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// A digest of this domain. Digests of two domains never agree, whatever their bytes.
    pub(crate) fn start(&self, domain: &str) -> Digester {
        let mut digester = Digester(self.0.clone());
        digester.part(domain.as_bytes());
        digester
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_text_form() {
        let digest = Digest::from_bytes([0xab; 32]);
        let text = "ab".repeat(32);
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
        for wrong in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), "é".repeat(32)] {
            assert_eq!(wrong.parse::<Digest>(), Err(ParseDigestError), "{wrong}");
        }
    }

    #[test]
    fn it_is_hmac_sha_256_of_the_domain_and_the_bytes() {
        let mut expected = Hmac::<Sha256>::new_from_slice(&[9; 32]).unwrap();
        Mac::update(&mut expected, b"\x06\0\0\0\0\0\0\0domainbytes");
        let mut digester = DigestKey::new(&[9; 32]).start("domain");
        digester.update(b"by");
        digester.update(b"tes");
        assert_eq!(digester.finish().as_bytes()[..], expected.finalize().into_bytes()[..]);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        let mut mac = Digester(Hmac::new_from_slice(b"Jefe").unwrap()); // RFC 4231, test case 2
        mac.update(b"what do ya want for nothing?");
        assert_eq!(
            mac.finish().to_string(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
