//! What can become of a call besides an answer, and how it is told to users: in our words, never in the vendor's.

use std::time::Duration;

use crate::providers::{
    ProviderError, Refusal, Sent,
    vendor::{Meaning, NoAnswer, Told, Unclear},
};

/// Why a call gave no result. Holds codes and our texts, never a vendor's text or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// Stripe says authentically that the object in the path is not there.
    #[error("not there")]
    Missing,
    /// Stripe says that such an object is there already.
    #[error("there already")]
    Exists,
    /// Stripe will not do it.
    #[error("refused ({0})")]
    Refused(Reason),
    /// The broker's key is not accepted, or lacks a right.
    #[error("not authorized (HTTP status {0})")]
    Credentials(u16),
    /// The key belongs to another account, or to the other mode.
    #[error("the key is not of the configured account and mode")]
    WrongAccount,
    /// Too many calls, or the object was locked; this call was not carried out.
    #[error("too many calls")]
    RateLimited {
        /// How long Stripe asks to wait.
        retry_after: Option<Duration>,
    },
    /// The idempotency key gives no answer that helps, however often it is sent: what was done has to be found out, and
    /// the next attempt needs another key.
    #[error("the idempotency key is used up")]
    KeyUsedUp,
    /// No answer, or none that can be understood.
    #[error("{unclear}")]
    Unavailable {
        /// What happened.
        unclear: Unclear,
        /// How long Stripe asks to wait.
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

/// What a clear refusal says, as far as it is fit to be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP status {status}, code {code:?}, parameter {parameter:?}")]
pub(crate) struct Reason {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Stripe's code, if it looks like one.
    pub(crate) code: Option<String>,
    /// Stripe's name of the parameter it is about, if it looks like one.
    pub(crate) parameter: Option<String>,
    /// What kind of refusal it is.
    pub(crate) kind: Cause,
}

/// Why Stripe refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A limit of the account is reached.
    Limit,
    /// Something still uses it.
    InUse,
    /// Anything else.
    Other,
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

    /// What the engine is told; `doing` is what was tried, such as `make the webhook endpoint`.
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
            Self::KeyUsedUp => Meaning::Unknown { retry_after: None, sent: Sent::Perhaps },
            Self::Exists => Meaning::Refused(Refusal::Conflict),
            Self::Credentials(_) | Self::WrongAccount => Meaning::Refused(Refusal::Credentials),
            Self::Refused(Reason { kind: Cause::Limit, .. }) => Meaning::Refused(Refusal::Quota),
            Self::Refused(Reason { kind: Cause::InUse, .. }) => Meaning::Refused(Refusal::Protected),
            Self::Refused(_) | Self::Missing | Self::NotAllowed | Self::Unaddressable => {
                Meaning::Refused(Refusal::Unsupported)
            }
        };
        Told { description, meaning }
    }

    /// A sentence for users.
    pub(crate) fn describe(&self, doing: &str) -> String {
        match self {
            Self::Missing => format!("could not {doing}: Stripe says it is not there"),
            Self::Exists => format!("could not {doing}: Stripe says there is one already"),
            Self::Refused(reason) => format!("could not {doing}: Stripe refused it ({})", reason.told()),
            Self::Credentials(status) => format!(
                "could not {doing}: the broker's key of Stripe is not accepted or lacks a right for it (HTTP status \
                 {status}); the operator of the broker has to look after it"
            ),
            Self::WrongAccount => format!(
                "could not {doing}: the broker's key is not of the account and mode it is configured for; the operator \
                 of the broker has to check the account id and the keys of Stripe"
            ),
            Self::RateLimited { .. } => format!("could not {doing} yet: Stripe asks to wait"),
            Self::KeyUsedUp => {
                format!("could not {doing} yet: Stripe repeats the answer to an earlier attempt")
            }
            Self::Unavailable { unclear, .. } => format!("could not {doing} yet: {}", unclear.of("Stripe")),
            Self::NotAllowed | Self::Unaddressable => format!("could not {doing}: {self}"),
        }
    }
}

impl Reason {
    fn told(&self) -> String {
        let mut parts = vec![self.code.clone().unwrap_or_else(|| format!("HTTP status {}", self.status))];
        parts.extend(self.parameter.as_ref().map(|parameter| format!("parameter {parameter}")));
        match self.kind {
            Cause::Limit => parts.push("a limit of the account is reached".to_owned()),
            Cause::InUse => parts.push("something still uses it".to_owned()),
            Cause::Other => {}
        }
        parts.join("; ")
    }
}
