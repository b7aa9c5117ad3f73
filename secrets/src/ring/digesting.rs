//! Digests under the digest key of a ring.

use serde_json::Value;

use super::KeyRing;
use crate::{
    canonical::canonical_json,
    digest::{Digest, Digester},
};

impl KeyRing {
    /// The keyed digest of the bytes. Digests of two domains never agree.
    pub fn digest(&self, domain: &str, bytes: &[u8]) -> Digest {
        let mut digester = self.digester(domain);
        digester.update(bytes);
        digester.finish()
    }

    /// The keyed digest of a JSON value: of what it means, not of how it was written.
    pub fn digest_json(&self, domain: &str, value: &Value) -> Digest {
        let mut digester = self.digester(domain);
        canonical_json(value, &mut digester).expect("writing to a digester never fails");
        digester.finish()
    }

    /// Starts a digest that takes its bytes in pieces; costs one copy of a few words.
    pub fn digester(&self, domain: &str) -> Digester {
        self.digest.start(domain)
    }
}
