//! A client for any Open Service Broker: one method per endpoint, and how to wait for what a broker has accepted.
//!
//! ```text
//!   settle ──▶ Client ──▶ request      what to ask: built, nothing sent
//!     │          │
//!     │          └──────▶ answer       what came: decoded, nothing read
//!     └──────┬───────────────┘
//!          error ──▶ orphan            what to clean up when a request ended without success
//! ```
//!
//! It keeps no state and repeats no request: what to do after an error is the caller's decision, and
//! [`leaves_orphan`] is the specification's word on it. Every text that a broker wrote and that leaves this crate in
//! an error or a description has gone through [`Untrusted`]; fields of catalogs and bodies are handed on as received.

mod answer;
mod call;
mod client;
mod error;
mod orphan;
mod request;
mod settle;
mod untrusted;

pub use answer::{CatalogAnswer, ETag, Polled};
pub use call::Call;
pub use client::{
    Authentication, BuildError, Carried, Client, ClientCertificate, Settings, Tls, Wire, WireAnswer,
    WireRequest, tls_configuration,
};
pub use error::{BoxError, ClientError};
pub use orphan::{Ended, Orphan, leaves_orphan};
pub use request::{FetchQuery, Sought, UrlError};
pub use settle::{Failure, Pacing, Pending, Poll, Settled, Work, next_poll, settle};
pub use untrusted::Untrusted;
