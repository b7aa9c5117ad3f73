//! What is known of a certificate: while it is being issued, and once it is held. Sealed wherever it is kept.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sutler_catalog::domain::certificate::{KeyType, Parameters};
use sutler_secrets::SecretString;

use super::super::x509::{Leaf, X509Error};
use crate::providers::{Progress, ProviderError, dns::DnsName};

/// A TXT record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Txt {
    pub(super) name: DnsName,
    pub(super) value: String,
}

/// The proof of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub(super) txt: Txt,
    /// The URL of the challenge, to be told when the record stands.
    pub(super) challenge: String,
    /// The URL of the authorization, which says what came of it.
    pub(super) authorization: String,
}

/// A certificate with its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Issued {
    /// It and those that lead to the root, as PEM.
    pub(super) chain: String,
    #[serde(serialize_with = "sutler_secrets::exposed")]
    pub(super) key: SecretString,
}

/// What a certificate is wanted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) names: Vec<String>,
    pub(super) key_type: KeyType,
    #[serde(default)]
    pub(super) edition: Option<String>,
}

/// An issuance on its way: the data of every checkpoint of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Issue {
    pub(super) wanted: Wanted,
    /// The order's URL.
    pub(super) order: Option<String>,
    /// What is still to be proven.
    #[serde(default)]
    pub(super) proofs: Vec<Proof>,
    /// How many proofs the present step has dealt with.
    #[serde(default)]
    pub(super) dealt: usize,
    /// Records that may stand in the DNS on our behalf: written down before they are made.
    #[serde(default)]
    pub(super) planted: Vec<Txt>,
    /// The key, from when a certificate for it may have been asked for.
    #[serde(default, serialize_with = "exposed")]
    pub(super) key: Option<SecretString>,
    #[serde(default)]
    pub(super) issued: Option<Issued>,
    /// How many orders this work has made.
    #[serde(default)]
    pub(super) orders: u32,
    /// Since when the present wait lasts.
    pub(super) since: Timestamp,
    /// Why no certificate comes of it.
    #[serde(default)]
    pub(super) failure: Option<String>,
    /// Records that could not be removed.
    #[serde(default)]
    pub(super) left: Vec<Txt>,
}

impl Issue {
    pub(super) fn new(wanted: Wanted, now: Timestamp) -> Self {
        Self {
            wanted,
            order: None,
            proofs: Vec::new(),
            dealt: 0,
            planted: Vec::new(),
            key: None,
            issued: None,
            orders: 0,
            since: now,
            failure: None,
            left: Vec::new(),
        }
    }

    /// The order leads nowhere: another one is needed. What stands in the DNS is remembered.
    pub(super) fn without_order(self) -> Self {
        Self { order: None, proofs: Vec::new(), dealt: 0, key: None, failure: None, ..self }
    }

    /// Whether the present wait has lasted so long.
    pub(super) fn has_waited(&self, limit: Duration, now: Timestamp) -> bool {
        now.duration_since(self.since).unsigned_abs() >= limit
    }

    /// The first step of a stretch of steps: nothing is dealt with, and a wait begins.
    pub(super) fn then<T>(mut self, step: &str, now: Timestamp) -> Result<Progress<T>, ProviderError> {
        (self.dealt, self.since) = (0, now);
        Progress::next(step, &self)
    }
}

/// A certificate that is held: the record of an instance.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) wanted: Wanted,
    pub(super) issued: Issued,
    /// Those it replaced that have not expired yet.
    #[serde(default)]
    pub(super) replaced: Vec<Past>,
    /// Records that could not be removed.
    #[serde(default)]
    pub(super) left: Vec<Txt>,
}

/// A certificate that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Past {
    /// As DER, in base64.
    der: String,
    pub(super) expires_at: Timestamp,
}

impl Past {
    pub(super) fn of(leaf: &Leaf) -> Self {
        Self { der: STANDARD.encode(&leaf.der), expires_at: leaf.expires_at }
    }

    /// As DER; empty if it cannot be read any more.
    pub(super) fn der(&self) -> Vec<u8> {
        STANDARD.decode(&self.der).unwrap_or_default()
    }
}

impl Held {
    pub(super) fn leaf(&self) -> Result<Leaf, X509Error> {
        Leaf::of_chain(&self.issued.chain)
    }

    /// All certificates that have not expired, this one included.
    pub(super) fn living(&self, now: Timestamp) -> Vec<Past> {
        let present = self.leaf().ok().map(|leaf| Past::of(&leaf));
        let all = present.into_iter().chain(self.replaced.iter().cloned());
        all.filter(|past| past.expires_at > now).collect()
    }
}

impl From<&Parameters> for Wanted {
    fn from(parameters: &Parameters) -> Self {
        let Parameters { names, key_type, edition, .. } = parameters.clone();
        Self { names, key_type, edition }
    }
}

/// How long before its expiry a certificate is due.
pub(super) fn renew_before(parameters: &Parameters) -> Duration {
    Duration::from_secs(u64::from(parameters.renew_before_days) * 24 * 60 * 60)
}

/// The end of a deletion on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct Removal {
    /// Records to remove.
    pub(super) planted: Vec<Txt>,
    /// Certificates to revoke.
    pub(super) revoke: Vec<Past>,
}

impl fmt::Debug for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Removal({} records, {} certificates)", self.planted.len(), self.revoke.len())
    }
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn exposed<S: serde::Serializer>(key: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    match key {
        Some(key) => sutler_secrets::exposed(key, serializer),
        None => serializer.serialize_none(),
    }
}
