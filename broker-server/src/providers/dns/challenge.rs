//! Texts in a zone by which its control is proved (ACME DNS-01).

use std::fmt::Debug;

use async_trait::async_trait;

use super::{DnsName, name::NameError};
use crate::providers::ProviderError;

/// A zone that a broker may put proofs into. A name may have several at a time: one for the host and one for its
/// wildcard, or those of two orders.
#[async_trait]
pub trait Challenges: Debug + Send + Sync {
    /// Sees to it that the name has a TXT record with this value, beside whatever others it has. At most one changing
    /// call; may be repeated.
    ///
    /// # Errors
    /// When it cannot be, or nobody knows.
    async fn present(&self, name: &DnsName, value: &str) -> Result<(), ProviderError>;

    /// Removes the TXT record with this value and no other. That there is none is success. At most one changing call;
    /// may be repeated.
    ///
    /// # Errors
    /// When it cannot be, or nobody knows.
    async fn withdraw(&self, name: &DnsName, value: &str) -> Result<(), ProviderError>;

    /// Whether everybody who answers for the zone shows the value.
    ///
    /// # Errors
    /// When nobody knows.
    async fn is_shown(&self, name: &DnsName, value: &str) -> Result<bool, ProviderError>;
}

/// The label that proofs stand under.
pub const LABEL: &str = "_acme-challenge";

/// Where the proof for a host stands; a wildcard's is that of the name it stands below.
///
/// # Errors
/// When the name would be too long.
pub fn acme_name(host: &DnsName) -> Result<DnsName, NameError> {
    let base = if host.first_label() == "*" { host.parent() } else { None };
    base.as_ref().unwrap_or(host).child(LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_its_wildcard_prove_at_the_same_name() {
        for host in ["example.com", "*.example.com"] {
            let name = acme_name(&host.parse().unwrap()).unwrap();
            assert_eq!(name.to_string(), "_acme-challenge.example.com");
        }
    }
}
