//! What is known of a credential: never its secret, only a keyed hash, or the password hash it was given as.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;
use subtle::Choice;

use crate::config::Validity;

/// HMAC-SHA-256 under a key that only this process has.
pub(super) type Tag = [u8; 32];

pub(super) enum Known {
    /// The tag of what the caller must send.
    Tag(Tag),
    /// A password hash, with the tag of what satisfied it once that is known.
    Hash { hash: String, username: Option<String>, satisfied: OnceLock<Tag> },
}

pub(super) struct Entry {
    pub(super) id: String,
    pub(super) known: Known,
    pub(super) validity: Validity,
    /// When it was used last, in seconds since 1970; 0 where it was not since the process began.
    pub(super) used: Arc<AtomicI64>,
}

/// A credential and when it was used last, for operators.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct CredentialUse {
    /// Its id.
    pub(crate) id: String,
    /// When it was used last since the process began, to the second.
    pub(crate) last_used: Option<Timestamp>,
    /// When it begins to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<Timestamp>,
    /// When it ceases to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_after: Option<Timestamp>,
}

impl Entry {
    /// What must be presented, and whether that is known.
    pub(super) fn tag(&self) -> (Tag, Choice) {
        match &self.known {
            Known::Tag(tag) => (*tag, Choice::from(1)),
            Known::Hash { satisfied, .. } => match satisfied.get() {
                Some(tag) => (*tag, Choice::from(1)),
                None => ([0; 32], Choice::from(0)),
            },
        }
    }

    /// Takes over what an earlier entry of the same id has learnt. Both know the same process key.
    pub(super) fn learn(&mut self, earlier: &Self) {
        self.used = earlier.used.clone();
        if let (
            Known::Hash { hash, username, satisfied },
            Known::Hash { hash: old, username: old_name, satisfied: learnt },
        ) = (&self.known, &earlier.known)
            && hash == old
            && username == old_name
            && let Some(tag) = learnt.get()
        {
            // it is empty: nobody has asked it yet
            let _ = satisfied.set(*tag);
        }
    }

    /// Its id, if it counts now; its use is noted.
    pub(super) fn used(&self, now: Timestamp) -> Option<&str> {
        if !self.validity.covers(now) {
            tracing::warn!(credential = self.id, "a credential was presented outside the time it counts");
            return None;
        }
        let seconds = now.as_second();
        if self.used.load(Ordering::Relaxed) != seconds && self.used.swap(seconds, Ordering::Relaxed) == 0 {
            tracing::info!(credential = self.id, "a credential is used for the first time since the start");
        }
        Some(&self.id)
    }

    pub(super) fn last_use(&self) -> CredentialUse {
        let seconds = self.used.load(Ordering::Relaxed);
        CredentialUse {
            id: self.id.clone(),
            last_used: Timestamp::from_second(seconds).ok().filter(|_| seconds != 0),
            not_before: self.validity.not_before,
            not_after: self.validity.not_after,
        }
    }
}
