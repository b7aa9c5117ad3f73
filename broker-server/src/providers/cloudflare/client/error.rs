//! What can become of a call besides an answer, and how it is told to users: in our words, never in the vendor's.

use std::time::Duration;

use crate::providers::{
    ProviderError, Refusal, Sent,
    vendor::{Meaning, NoAnswer, Told, Unclear},
};

/// Why a call gave no result. Holds codes and our texts, never a vendor's text or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// Cloudflare says authentically that the thing is not there.
    #[error("not there (code {code})")]
    Missing {
        /// One of the product's codes.
        code: i64,
    },
    /// Cloudflare says that the thing is there already.
    #[error("there already (code {code})")]
    Exists {
        /// One of the product's codes.
        code: i64,
    },
    /// Cloudflare will not do it.
    #[error("refused (HTTP status {status}, code {code:?})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The first code, if there is one.
        code: Option<i64>,
        /// What to tell users about the code.
        advice: Option<&'static str>,
        /// Whether a limit of the account seems to be the reason.
        limit: bool,
    },
    /// The broker's own token is not accepted, or lacks a right.
    #[error("not authorized (HTTP status {status}, code {code:?})")]
    Credentials {
        /// The HTTP status.
        status: u16,
        /// The first code, if there is one.
        code: Option<i64>,
    },
    /// Cloudflare knows no such address: most likely the account id is wrong. Says nothing about the thing.
    #[error("not routed (code {code})")]
    Misrouted {
        /// The code.
        code: i64,
    },
    /// Too many calls; this one was not carried out.
    #[error("too many calls")]
    RateLimited {
        /// How long Cloudflare asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or none that can be understood.
    #[error("{unclear}")]
    Unavailable {
        /// What happened.
        unclear: Unclear,
        /// How long Cloudflare asks to wait.
        retry_after: Option<Duration>,
        /// Whether the call may have changed something.
        sent: Sent,
    },
    /// The call is not in the provider's table; it was not sent.
    #[error("the call is not in the table of the provider")]
    NotAllowed,
    /// No address can be made with the values; it was not sent.
    #[error("a value cannot be part of an address")]
    Unaddressable,
}

impl CallError {
    /// An answer that says yes but does not hold what it must. A change was made, or perhaps.
    pub(crate) fn incomplete(sent: Sent) -> Self {
        Self::Unavailable { unclear: Unclear::Incomplete, retry_after: None, sent }
    }

    /// There was no answer.
    pub(super) fn unanswered(NoAnswer { unclear, sent }: NoAnswer) -> Self {
        Self::Unavailable { unclear, retry_after: None, sent }
    }

    /// Whether a deletion may be taken for done: the thing is not there.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Refused { status: 404, .. })
    }

    /// What the engine is told; `doing` is what was tried, such as `create the database`.
    pub(crate) fn while_trying_to(self, doing: &str) -> ProviderError {
        self.told(doing).trying()
    }

    /// What the engine is told when only a clear answer counts: nothing is known.
    pub(crate) fn while_asking(self, doing: &str) -> ProviderError {
        self.told(doing).asking()
    }

    /// What the engine is told when something was made already and this was to complete it.
    pub(crate) fn while_completing(self, doing: &str) -> ProviderError {
        self.told(doing).completing()
    }

    fn told(self, doing: &str) -> Told {
        let description = self.describe(doing);
        let meaning = match self {
            Self::Unavailable { retry_after, sent, .. } => Meaning::Unknown { retry_after, sent },
            Self::RateLimited { retry_after } => Meaning::Unknown { retry_after, sent: Sent::No },
            Self::Exists { .. } => Meaning::Refused(Refusal::Conflict),
            Self::Credentials { .. } | Self::Misrouted { .. } => Meaning::Refused(Refusal::Credentials),
            Self::Refused { limit: true, .. } => Meaning::Refused(Refusal::Quota),
            Self::Refused { .. } | Self::Missing { .. } | Self::NotAllowed | Self::Unaddressable => {
                Meaning::Refused(Refusal::Unsupported)
            }
        };
        Told { description, meaning }
    }

    /// A sentence for users.
    pub(crate) fn describe(&self, doing: &str) -> String {
        match self {
            Self::Missing { code } => {
                format!("could not {doing}: Cloudflare says it is not there (code {code})")
            }
            Self::Exists { code } => {
                format!("could not {doing}: Cloudflare says it is there already (code {code})")
            }
            Self::Refused { status, code, advice, limit } => {
                let number =
                    code.map_or_else(|| format!("HTTP status {status}"), |code| format!("code {code}"));
                let limit = limit.then_some("a limit of the Cloudflare account seems to be reached");
                match advice.or(limit) {
                    Some(advice) => format!("could not {doing}: Cloudflare refused it ({number}): {advice}"),
                    None => format!("could not {doing}: Cloudflare refused it ({number})"),
                }
            }
            Self::Credentials { status, code } => {
                let number =
                    code.map_or_else(|| format!("HTTP status {status}"), |code| format!("code {code}"));
                format!(
                    "could not {doing}: the broker's Cloudflare token is not accepted or lacks a right for it \
                     ({number}); the operator of the broker has to look after it"
                )
            }
            Self::Misrouted { code } => format!(
                "could not {doing}: Cloudflare does not know the address (code {code}); the operator of the broker \
                 has to check the configured account id"
            ),
            Self::RateLimited { .. } => format!("could not {doing} yet: Cloudflare asks to wait"),
            Self::Unavailable { unclear, .. } => {
                format!("could not {doing} yet: {}", unclear.of("Cloudflare"))
            }
            Self::NotAllowed | Self::Unaddressable => format!("could not {doing}: {self}"),
        }
    }
}
