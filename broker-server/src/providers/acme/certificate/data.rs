//! What is known of a certificate: while it is being issued, and once it is held. Sealed wherever it is kept.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sutler_catalog::domain::certificate::{KeyType, Parameters};
use sutler_secrets::SecretString;

use super::super::x509::{Leaf, X509Error};
use crate::providers::{Progress, ProviderError, dns::DnsName};

/// What is written down of a certificate cannot be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damaged {
    /// The record as a whole, or the certificate that is held.
    #[error(
        "the broker's record of the certificate is damaged, so it cannot be revoked: restore the broker's store from a \
         backup, or set revoke_on_delete to false and revoke the certificate at the authority yourself"
    )]
    Held,
    /// A certificate that was replaced.
    #[error(
        "the broker's record of a replaced certificate, which counts until {0}, is damaged, so it cannot be revoked: \
         restore the broker's store from a backup, or set revoke_on_delete to false and revoke that certificate at the \
         authority yourself"
    )]
    Replaced(Timestamp),
}

impl From<Damaged> for ProviderError {
    fn from(damaged: Damaged) -> Self {
        Self::failed(damaged.to_string())
    }
}

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
    /// Whether the authority has taken that.
    #[serde(default)]
    pub(super) is_told: bool,
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
    /// How often the authority was told again that records can be looked up.
    #[serde(default)]
    pub(super) told_again: u32,
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
            told_again: 0,
            orders: 0,
            since: now,
            failure: None,
            left: Vec::new(),
        }
    }

    /// The order leads nowhere: another one is needed. What stands in the DNS is remembered.
    pub(super) fn without_order(self) -> Self {
        Self { order: None, proofs: Vec::new(), dealt: 0, key: None, told_again: 0, failure: None, ..self }
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

    /// As DER.
    ///
    /// # Errors
    /// When what was written down is no certificate any more.
    pub(super) fn der(&self) -> Result<Vec<u8>, Damaged> {
        let damaged = Damaged::Replaced(self.expires_at);
        let der = STANDARD.decode(&self.der).map_err(|_| damaged)?;
        if Leaf::is_certificate(&der) { Ok(der) } else { Err(damaged) }
    }
}

impl Held {
    pub(super) fn leaf(&self) -> Result<Leaf, X509Error> {
        Leaf::of_chain(&self.issued.chain)
    }

    /// All certificates that have not expired, this one included.
    ///
    /// # Errors
    /// When this one cannot be read any more.
    pub(super) fn living(&self, now: Timestamp) -> Result<Vec<Past>, Damaged> {
        let present = self.leaf().map(|leaf| Past::of(&leaf)).map_err(|_| Damaged::Held)?;
        let all = std::iter::once(present).chain(self.replaced.iter().cloned());
        Ok(all.filter(|past| past.expires_at > now).collect())
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
