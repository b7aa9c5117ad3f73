//! Cloudflare: one account, and what can be made in it.

mod calls;
mod client;
mod custom_hostname;
mod d1;
mod dns_record;
mod hyperdrive;
mod kv;
mod minting;
mod object;
mod pages_domain;
mod queue;
mod r2;
mod registrar;
mod rights;
mod secrets;
#[cfg(test)]
mod staging;
mod token;
mod turnstile;
mod vectorize;
mod worker_domain;
mod www_redirect;
mod zone;
mod zones;

use super::recorded;
pub use calls::{calls, s3_calls};
pub use client::{Client, CloudflareConfig, ConfigError};
pub use custom_hostname::CustomHostname;
pub use d1::D1;
pub use dns_record::{DnsRecord, DomainRecord, Proofs};
pub use hyperdrive::Hyperdrive;
pub use kv::Kv;
pub use pages_domain::PagesDomain;
pub use queue::Queue;
pub use r2::R2;
pub use registrar::{registration, sandbox_registration};
pub use secrets::Secrets;
pub use token::Token;
pub use turnstile::Turnstile;
pub use vectorize::Vectorize;
pub use worker_domain::WorkerDomain;
pub use www_redirect::WwwRedirect;
pub use zone::{DomainZone, Zone};
