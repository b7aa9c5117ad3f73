//! Cloudflare: one account, and what can be made in it.

mod calls;
mod client;
mod d1;
mod dns_record;
mod hyperdrive;
mod kv;
mod minting;
mod object;
mod pages_domain;
mod queue;
mod r2;
mod recorded;
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

pub use calls::{VendorCall, calls};
pub use client::{Client, CloudflareConfig, ConfigError};
pub use d1::D1;
pub use dns_record::DnsRecord;
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
pub use zone::Zone;
