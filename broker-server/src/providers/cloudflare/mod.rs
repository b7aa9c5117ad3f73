//! Cloudflare: one account, and what can be made in it.

mod calls;
mod client;
mod d1;
mod pages_domain;
mod recorded;
mod secrets;
#[cfg(test)]
mod staging;
mod token;

pub use calls::{VendorCall, calls};
pub use client::{Client, CloudflareConfig, ConfigError};
pub use d1::D1;
pub use pages_domain::PagesDomain;
pub use secrets::Secrets;
pub use token::Token;
