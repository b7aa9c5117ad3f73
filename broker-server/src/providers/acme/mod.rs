//! Certificates from an authority that speaks ACME (RFC 8555); names are proven in the DNS.
//!
//! ```text
//! certificate ──▶ client ──▶ the authority
//!      │  └─────▶ x509       keys, requests, what a certificate says
//!      └────────▶ dns::Challenges      TXT records, at whoever has the zone
//! ```

mod certificate;
mod client;
mod x509;

pub use certificate::Certificate;
pub use client::{AcmeConfig, Client, ConfigError, ExternalAccount};

/// Every kind of call: method and, since an authority chooses its paths, what the standard calls the resource (RFC 8555
/// section 7.1). A POST of an empty payload reads. Proofs in the DNS are calls of whoever has the zone.
pub const CALLS: [&str; 12] = [
    "GET directory",
    "HEAD newNonce",
    "POST newAccount",
    "POST newOrder",
    "POST order (reads)",
    "POST authorization (reads)",
    "POST challenge",
    "POST finalize",
    "POST certificate (reads)",
    "POST revokeCert",
    "GET renewalInfo",
    "TXT _acme-challenge (through the zone's plan of domain-record)",
];
