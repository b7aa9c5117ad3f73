//! What is known of an instance: from step to step, and in the end in its record. Sealed, like every checkpoint.

use serde::{Deserialize, Serialize};

/// An object that was made.
#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct Known {
    /// Stripe's id of it.
    pub(in super::super) id: String,
    /// What was shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) secret: Option<String>,
    /// An attempt was in doubt: there may be a twin.
    #[serde(default)]
    pub(super) doubt: bool,
    /// How often it was tried to change it.
    #[serde(default)]
    pub(super) rounds: u32,
    /// It was there before, and was taken over: it carries no mark, and its id alone says that it is ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) adopted: bool,
}

impl Known {
    /// An object that is taken over.
    pub(super) fn adopted(id: String) -> Self {
        Self { id, secret: None, doubt: false, rounds: 0, adopted: true }
    }
}

/// An object that is to be made.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Creating {
    /// An attempt was in doubt: there may be one already.
    pub(super) doubt: bool,
    /// How many idempotency keys are used up.
    pub(super) generation: u32,
}

/// An object that was given up and is to be taken up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claiming {
    // not `id`: nothing says yet that it is ours
    pub(super) free: String,
    pub(super) creating: Creating,
}

/// Objects that are to go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Doomed {
    pub(super) ids: Vec<String>,
    /// Another one may arrive late.
    pub(super) late: bool,
}
