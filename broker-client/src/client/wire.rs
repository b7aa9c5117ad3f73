//! What carries requests in place of a network: a broker in the same process, or one that loses answers on purpose.

use std::{future::Future, pin::Pin};

use crate::ClientError;

/// A request as it would leave: without credentials and without the identities that HTTP carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// Such as `PUT`.
    pub method: String,
    /// The path, as it would be sent: every segment encoded.
    pub path: String,
    /// The query, without its question mark; empty when there is none.
    pub query: String,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// An answer as it would come. It is decoded as one from a network is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireAnswer {
    /// The status.
    pub status: u16,
    /// `Retry-After` in seconds, if the broker says.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// What comes of a request: an answer, or the error of a network that did not bring one.
pub type Carried<'a> = Pin<Box<dyn Future<Output = Result<WireAnswer, ClientError>> + Send + 'a>>;

/// Carries requests to one broker.
pub trait Wire: Send + Sync {
    /// Brings the request and what is answered to it. An error is the network's: not sent, timed out, or cut off
    /// ([`ClientError::NotSent`], [`ClientError::TimedOut`], [`ClientError::Interrupted`]).
    fn carry(&self, request: WireRequest) -> Carried<'_>;
}
