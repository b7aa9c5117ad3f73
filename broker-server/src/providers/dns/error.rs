//! Why there is no answer.

use std::net::SocketAddr;

use super::super::Sent;

/// A server gave no usable answer. Texts are ours: nothing of a message is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// There is no way to it: nothing was sent.
    #[error("the name server {0} cannot be reached")]
    Unreachable(SocketAddr),
    /// It was asked and did not answer in time, or the connection ended.
    #[error("the name server {0} did not answer")]
    Silent(SocketAddr),
    /// What it sent is no answer to what was asked, or is not signed as it has to be.
    #[error("what the name server {0} answered is no answer, or not signed with our key")]
    Unclear(SocketAddr),
    /// It says that it failed for now (SERVFAIL).
    #[error("the name server {0} cannot answer for now (SERVFAIL)")]
    Failing(SocketAddr),
    /// It will not do it (REFUSED), or does not answer for the zone (NOTAUTH).
    #[error("the name server {0} refuses: {1}")]
    Refused(SocketAddr, &'static str),
    /// It does not know our key, or our signature is not right for it.
    #[error("the name server {0} does not accept the TSIG key: {1}")]
    Key(SocketAddr, &'static str),
    /// Its clock and ours are too far apart for signatures.
    #[error("the clock of the name server {0} and that of the broker are more than 300 seconds apart")]
    Clock(SocketAddr),
    /// Nobody can be asked.
    #[error("no resolver is configured, neither for the broker nor on its machine")]
    NoResolver,
    /// A message of that content cannot be.
    #[error("the message would be longer than a message can be")]
    TooLong,
}

impl DnsError {
    /// Whether what was sent may have been done.
    #[must_use]
    pub fn sent(&self) -> Sent {
        match self {
            Self::Silent(_) | Self::Unclear(_) | Self::Failing(_) => Sent::Perhaps,
            Self::Unreachable(_)
            | Self::Refused(..)
            | Self::Key(..)
            | Self::Clock(_)
            | Self::NoResolver
            | Self::TooLong => Sent::No,
        }
    }

    /// Whether asking again may help, since nothing is decided.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Silent(_) | Self::Unclear(_) | Self::Failing(_))
    }
}
