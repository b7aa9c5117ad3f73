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
