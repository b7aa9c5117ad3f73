//! How the engine is told of a call that gave no result: by what was tried, and by what may have come of it.

use std::time::Duration;

use crate::providers::{ProviderError, Refusal, Repeatability, Sent, Usability};

/// A call without a result, in a sentence for users and with what it means.
pub(crate) struct Told {
    /// What was tried and why it failed, in our words.
    pub(crate) description: String,
    /// What follows.
    pub(crate) meaning: Meaning,
}

/// What a call without a result means.
pub(crate) enum Meaning {
    /// Nothing is known; it may be tried again.
    Unknown {
        /// How long the vendor asks to wait.
        retry_after: Option<Duration>,
        /// Whether the call may have changed something.
        sent: Sent,
    },
    /// The vendor clearly will not do it.
    Refused(Refusal),
}

impl Told {
    /// Of a call that was to change something.
    pub(crate) fn trying(self) -> ProviderError {
        let Self { description, meaning } = self;
        match meaning {
            Meaning::Unknown { retry_after, sent } => {
                ProviderError::Unavailable { description, retry_after, sent }
            }
            Meaning::Refused(refusal) => ProviderError::refused(refusal, description),
        }
    }

    /// Of a question to which only a clear answer counts: nothing is known.
    pub(crate) fn asking(self) -> ProviderError {
        let Self { description, meaning } = self;
        let retry_after = match meaning {
            Meaning::Unknown { retry_after, .. } => retry_after,
            Meaning::Refused(_) => None,
        };
        ProviderError::Unavailable { description, retry_after, sent: Sent::No }
    }

    /// Of a call that was to complete what was made already. A clear refusal ends the work; what was made can be used, and
    /// the same change may be asked for again.
    pub(crate) fn completing(self) -> ProviderError {
        match self.meaning {
            Meaning::Refused(refusal) if refusal != Refusal::Credentials => ProviderError::Failed {
                description: self.description,
                usable: Usability::Usable,
                repeat: Repeatability::Repeatable,
            },
            _ => self.trying(),
        }
    }
}
