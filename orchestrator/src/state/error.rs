//! What can be wrong with a state. Each text says what, where, why, and what to do next.

use std::sync::Arc;

use sutler_secrets::{KeyRingError, OpenError};
use tokio::sync::oneshot::Sender;

use super::lock::LockInfo;
use super::standing::Move;

/// Why state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Somebody else has the lock.
    #[error(
        "{location} is locked by {holder}; wait for that run to end (--lock-timeout 60s), or see `sutler status`. \
         If that run is dead: `sutler state force-unlock {}`",
        holder.id
    )]
    Locked {
        /// Which state.
        location: String,
        /// Who.
        holder: Box<LockInfo>,
    },
    /// Our lock was taken over.
    #[error(
        "the lock on {location} was lost: its lease ended and another run took it; nothing was written since. \
         Run the command again when that run has ended"
    )]
    LockLost {
        /// Which state.
        location: String,
    },
    /// There is no lock to take away.
    #[error("{location} is not locked; nothing was changed")]
    NotLocked {
        /// Which state.
        location: String,
    },
    /// Somebody has the lock, and it is not the one that was named.
    #[error(
        "the lock on {location} has another id: {} is held by {holder}; nothing was changed. \
         See that this run is dead, then run `sutler state force-unlock {}`",
        holder.id, holder.id
    )]
    OtherLock {
        /// Which state.
        location: String,
        /// Who.
        holder: Box<LockInfo>,
    },
    /// The place cannot keep a state safely.
    #[error("{location} cannot keep a state: {what}; name another place under `state`")]
    Unsuitable {
        /// Which state.
        location: String,
        /// What it cannot do.
        what: String,
    },
    /// Not what was written.
    #[error("{location} is damaged: {what}; it was left as it is. Restore it from a backup")]
    Damaged {
        /// Which state.
        location: String,
        /// What is wrong.
        what: String,
    },
    /// The state of another stack.
    #[error(
        "{location} is the state of stack '{found}', and this configuration is stack '{expected}'; \
         name another place under `state`, or correct `stack`"
    )]
    ForeignStack {
        /// Which state.
        location: String,
        /// Whose it is.
        found: String,
        /// Whose it was to be.
        expected: String,
    },
    /// Another life of the state than the one that was read.
    #[error("{location} was replaced by another state while this command ran; run the command again")]
    Replaced {
        /// Which state.
        location: String,
    },
    /// Written by a newer program.
    #[error("{location} has format {found}, and this program knows format {known} only; use a newer sutler")]
    NewerFormat {
        /// Which state.
        location: String,
        /// Its format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// There is a state, and no key ring.
    #[error(
        "{location} is sealed, and there is no key ring at {keys}; nothing was written. \
         Restore that file, or name the right one in SUTLER_KEYS"
    )]
    KeysMissing {
        /// Which state.
        location: String,
        /// Where the ring was expected.
        keys: String,
    },
    /// The key ring is another one.
    #[error(
        "{location} was sealed with another key ring than {keys}; nothing was written. \
         Name the right one in SUTLER_KEYS"
    )]
    WrongKeys {
        /// Which state.
        location: String,
        /// The ring.
        keys: String,
        /// How it showed.
        #[source]
        source: OpenError,
    },
    /// The key ring cannot be used.
    #[error("the key ring cannot be used")]
    Keys(#[source] KeyRingError),
    /// A sealed leaf does not open.
    #[error("{field} of '{reference}' in state cannot be opened; restore the state from a backup")]
    Leaf {
        /// Whose.
        reference: String,
        /// Which.
        field: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// It is being moved, and the run that moves it has ended before its end.
    #[error(
        "{location} is being moved to {} and nobody may change it: {} on {} began that at {:.0}, and it was not ended. \
         Go on with it: `sutler state migrate --resume`; or give it up: `sutler state migrate --abort`",
        of.to, of.who, of.host, of.since
    )]
    Leaving {
        /// Which state.
        location: String,
        /// The move.
        of: Box<Move>,
    },
    /// The state is elsewhere.
    #[error(
        "the state has left {location}: {} on {} moved it to {} at {:.0}; nothing was read or written here. \
         Write `state: {}` in the configuration, then run the command again",
        of.who, of.host, of.to, of.since, of.to
    )]
    Left {
        /// Which place.
        location: String,
        /// The move.
        of: Box<Move>,
    },
    /// A copy that is not the current one.
    #[error(
        "{location} holds a copy that {} on {} began at {:.0} and that is not the current state; nothing was read or \
         written here. The move from {} was not ended: `sutler state migrate --resume` ends it",
        of.who, of.host, of.since, of.from
    )]
    Arriving {
        /// Which place.
        location: String,
        /// The move.
        of: Box<Move>,
    },
    /// A move cannot begin, or not go on.
    #[error("{location} cannot be moved: {what}")]
    Immovable {
        /// Which state.
        location: String,
        /// Why, and what to do.
        what: String,
    },
    /// Another process writes, and does not stop.
    #[error("{location} is being written by another process and did not become free; try again")]
    Busy {
        /// Which state.
        location: String,
    },
    /// The system would not do it.
    #[error("could not {step} {location}; {}", advice(location))]
    Storage {
        /// Which state.
        location: String,
        /// What was tried, as a verb.
        step: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What to look at when a place does not do what it is asked.
fn advice(location: &str) -> &'static str {
    if location.starts_with("postgres:") {
        "see that the server can be reached, and that user, password and database are right"
    } else if location.starts_with("s3:") {
        "see that the endpoint can be reached, that the bucket exists, and that AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY may read and write it"
    } else {
        "see that the folder exists, may be written, and has space"
    }
}

/// What an error means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody else has the lock (exit 5).
    Locked,
    /// Our lock was taken over (exit 6).
    LockLost,
    /// Damaged, foreign, newer, or sealed with a key we lack (exit 7).
    Refused,
    /// Something else failed (exit 1).
    Failed,
}

impl StateError {
    /// What it means for the run.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Locked { .. } | Self::OtherLock { .. } | Self::Leaving { .. } => Kind::Locked,
            Self::LockLost { .. } => Kind::LockLost,
            Self::Damaged { .. }
            | Self::ForeignStack { .. }
            | Self::Replaced { .. }
            | Self::NewerFormat { .. }
            | Self::KeysMissing { .. }
            | Self::WrongKeys { .. }
            | Self::Keys(_)
            | Self::Left { .. }
            | Self::Arriving { .. }
            | Self::Leaf { .. } => Kind::Refused,
            Self::Busy { .. }
            | Self::Storage { .. }
            | Self::NotLocked { .. }
            | Self::Unsuitable { .. }
            | Self::Immovable { .. } => Kind::Failed,
        }
    }

    /// Tells everyone who waits for the same write that it failed.
    pub(super) fn share<T>(self, waiting: impl IntoIterator<Item = Sender<Result<T, Self>>>) {
        let again: Box<dyn Fn() -> Self> = match self {
            Self::Storage { location, step, source } => {
                let shared: Arc<dyn std::error::Error + Send + Sync> = source.into();
                Box::new(move || Self::Storage {
                    location: location.clone(),
                    step,
                    source: Box::new(Arc::clone(&shared)),
                })
            }
            Self::Damaged { location, what } => {
                Box::new(move || Self::Damaged { location: location.clone(), what: what.clone() })
            }
            Self::LockLost { location } => Box::new(move || Self::LockLost { location: location.clone() }),
            Self::Busy { location } => Box::new(move || Self::Busy { location: location.clone() }),
            other => {
                let text = other.to_string();
                Box::new(move || Self::Damaged { location: "state".to_owned(), what: text.clone() })
            }
        };
        for one in waiting {
            let _ = one.send(Err(again()));
        }
    }
}
