//! What can become of a call besides an answer, and how it is told to users: in our words, never in the vendor's.

use std::time::Duration;

use crate::providers::{
    ProviderError, Refusal, Sent,
    vendor::{Meaning, NoAnswer, Told, Unclear},
};

/// Why a call gave no result. Holds statuses, names of fields and our texts, never a vendor's text or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// DNSimple says authentically that the thing is not there.
    #[error("not there")]
    Missing,
    /// DNSimple says that the thing is there already.
    #[error("there already")]
    Exists,
    /// DNSimple will not do it.
    #[error("refused ({0})")]
    Refused(Reason),
    /// The broker's token is not accepted, or lacks a right.
    #[error("not authorized (HTTP status {0})")]
    Credentials(u16),
    /// The token belongs to another account, or to a user.
    #[error("the token is not of the configured account")]
    WrongAccount,
    /// The account's subscription is not paid, or too small.
    #[error("the account has to be paid for")]
    Unpaid,
    /// Too many calls; this one was not carried out.
    #[error("too many calls")]
    RateLimited {
        /// How long DNSimple asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or none that can be understood.
    #[error("{unclear}")]
    Unavailable {
        /// What happened.
        unclear: Unclear,
        /// How long DNSimple asks to wait.
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
#[error("HTTP status {status}, fields {fields:?}")]
pub(crate) struct Reason {
    /// The HTTP status.
    pub(crate) status: u16,
    /// DNSimple's names of the fields it is about, if they look like names.
    pub(crate) fields: Vec<String>,
    /// What kind of refusal it is.
    pub(crate) cause: Cause,
    /// What to tell users about the status.
    pub(crate) advice: Option<&'static str>,
}

/// Why DNSimple refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something still uses it.
    InUse,
    /// Something else has to be finished first (HTTP 412).
    TooEarly,
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

    /// What the engine is told; `doing` is what was tried, such as `add the domain`.
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
            Self::Exists => Meaning::Refused(Refusal::Conflict),
            Self::Credentials(_) | Self::WrongAccount => Meaning::Refused(Refusal::Credentials),
            Self::Unpaid => Meaning::Refused(Refusal::Quota),
            Self::Refused(Reason { cause: Cause::InUse | Cause::TooEarly, .. }) => {
                Meaning::Refused(Refusal::Protected)
            }
            Self::Refused(_) | Self::Missing | Self::NotAllowed | Self::Unaddressable => {
                Meaning::Refused(Refusal::Unsupported)
            }
        };
        Told { description, meaning }
    }

    /// A sentence for users.
    pub(crate) fn describe(&self, doing: &str) -> String {
        match self {
            Self::Missing => format!("could not {doing}: DNSimple says it is not there"),
            Self::Exists => format!("could not {doing}: DNSimple says it is there already"),
            Self::Refused(reason) => format!("could not {doing}: DNSimple refused it ({})", reason.told()),
            Self::Credentials(status) => format!(
                "could not {doing}: the broker's token of DNSimple is not accepted or lacks a right for it (HTTP status \
                 {status}); the operator of the broker has to look after it"
            ),
            Self::WrongAccount => format!(
                "could not {doing}: the broker's token is not of the account it is configured for; the operator of the \
                 broker has to check the account id, and to give a token of the account, not of a user"
            ),
            Self::Unpaid => format!(
                "could not {doing}: DNSimple wants the account to be paid first, or to have a larger plan; the operator \
                 of the broker has to look after it"
            ),
            Self::RateLimited { .. } => format!("could not {doing} yet: DNSimple asks to wait"),
            Self::Unavailable { unclear, .. } => format!("could not {doing} yet: {}", unclear.of("DNSimple")),
            Self::NotAllowed | Self::Unaddressable => format!("could not {doing}: {self}"),
        }
    }
}

impl Reason {
    fn told(&self) -> String {
        let mut parts = vec![format!("HTTP status {}", self.status)];
        if !self.fields.is_empty() {
            parts.push(format!("because of {}", self.fields.join(", ")));
        }
        match (self.advice, self.cause) {
            (Some(advice), _) => parts.push(advice.to_owned()),
            (None, Cause::InUse) => parts.push("something still uses it".to_owned()),
            (None, Cause::TooEarly) => parts.push("something else has to be finished first".to_owned()),
            (None, Cause::Other) => {}
        }
        parts.join("; ")
    }
}
