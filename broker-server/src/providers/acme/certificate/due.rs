//! Whether another certificate is needed: for the time, for the wish, or because the authority wants it back.

use jiff::Timestamp;
use serde_json::json;
use sutler_catalog::domain::certificate::Parameters;

use super::{
    super::x509::Leaf,
    Certificate,
    data::{Held, Wanted, renew_before},
};
use crate::providers::{FieldDrift, ProviderError};

/// Why a certificate that is what was asked for has to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It counts no more.
    Expired,
    /// It will not count for long.
    Soon,
    /// The authority wants it to be replaced at once, as it does when a certificate was revoked.
    CalledBack,
}

impl Due {
    /// What the time alone says.
    pub(super) fn of(leaf: &Leaf, wanted: &Parameters, now: Timestamp) -> Option<Self> {
        if leaf.expires_at <= now {
            return Some(Self::Expired);
        }
        (leaf.renew_after(renew_before(wanted)) <= now).then_some(Self::Soon)
    }

    /// A certificate that is due differs from what was asked for: one that counts.
    pub(super) fn told(self) -> FieldDrift {
        let found = match self {
            Self::Expired => "expired",
            Self::Soon => "due for renewal",
            Self::CalledBack => "due now: the certificate authority wants it replaced, or has revoked it",
        };
        FieldDrift { field: "certificate".to_owned(), wanted: json!("valid"), found: json!(found) }
    }
}

/// Whether the certificate that is held is not the one that is wanted, or is due.
pub(super) fn is_stale(held: &Held, leaf: &Leaf, wanted: &Parameters, now: Timestamp) -> bool {
    held.wanted != Wanted::from(wanted) || Due::of(leaf, wanted, now).is_some()
}

impl Certificate {
    /// Whether the time at which the authority wants the certificate to be replaced is over (RFC 9773): so it says of one
    /// that was revoked, or is about to be. An authority that says nothing of times says nothing of revocations either.
    pub(super) async fn is_called_back(&self, leaf: &Leaf, now: Timestamp) -> Result<bool, ProviderError> {
        let Some(id) = &leaf.renewal_id else { return Ok(false) };
        let suggested = self.client.suggested_renewal(id).await;
        let suggested =
            suggested.map_err(|error| error.while_asking("ask when the certificate should be renewed"))?;
        Ok(suggested.is_some_and(|window| window.end <= now))
    }
}
