//! What a backend does besides keeping the current state: it can be left, and arrived at. Every method is for the one
//! command that moves a state; no other one sees a place that is not current.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sutler_secrets::Sealed;
use uuid::Uuid;

use super::FORMAT;
use super::backend::{Lineage, Seed, StateBackend};
use super::error::StateError;
use super::journal::{Entry, Hash, Tip, Trail, origin};
use super::lock::Lock;
use super::revision::Revision;
use super::standing::Standing;
use crate::name::{RecordKey, StackName};

/// Whose state it is, and where it stands: what a copy must say of itself too.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(super) stack: StackName,
    pub(super) born: i64,
    pub(super) lineage: Lineage,
    pub(super) canary: Sealed,
    pub(super) tip: Tip,
    pub(super) records: u64,
    /// Every lock of the copy has a higher one.
    pub(super) fence: u64,
}

impl Identity {
    /// What a lock is taken with.
    pub(super) fn seed(&self) -> Seed {
        Seed { lineage: self.lineage, canary: self.canary.clone() }
    }

    /// Where its journal begins.
    pub(super) fn origin(&self) -> Hash {
        origin(self.born, &self.stack, self.lineage, &self.canary.to_text())
    }
}

/// What a state is made from.
pub(super) struct Birth {
    /// The format that its journal begins in.
    pub(super) born: i64,
    pub(super) lineage: Lineage,
    pub(super) canary: String,
    pub(super) fence: u64,
    /// What the place says of its move, if it is part of one.
    pub(super) standing: Option<String>,
}

impl From<&Seed> for Birth {
    fn from(seed: &Seed) -> Self {
        let canary = seed.canary.to_text();
        Self { born: FORMAT, lineage: seed.lineage, canary, fence: 0, standing: None }
    }
}

/// A revision, letter by letter.
#[derive(Debug, Clone, PartialEq)]
pub struct Pages {
    pub(super) revision: Revision,
    pub(super) index: String,
    pub(super) chunks: Vec<String>,
}

/// How often each ref was changed, up to the end of the journal.
#[derive(Debug, Clone, Default)]
pub struct Trails(pub(super) BTreeMap<RecordKey, Trail>);

/// One item of a copy.
#[derive(Debug, Clone)]
pub enum Part {
    /// Entries of the journal that follow each other.
    Journal(Vec<Entry>),
    /// A revision; the last one with the past of every ref.
    Revision(Box<Pages>, Option<Trails>),
}

/// What makes a copy whole, once all its parts are there.
#[derive(Debug, Clone)]
pub struct Settled {
    pub(super) tip: Tip,
    /// The records, letter by letter: those of the last revision.
    pub(super) records: Vec<(RecordKey, String)>,
    /// The last revision.
    pub(super) last: Option<Pages>,
    /// Every revision, oldest first.
    pub(super) revisions: Vec<u64>,
    pub(super) trails: Trails,
}

/// A condition and what it leads to: the standing that must be there, and the one that is written.
#[derive(Debug, Clone, Copy)]
pub struct Swap<'s> {
    pub(super) from: &'s Standing,
    pub(super) to: &'s Standing,
}

/// A place that a state can be moved from and to.
///
/// Promises, for every implementation:
/// - A place that is no part of a move is not changed by being looked at.
/// - Each write compares the lock's token and fence, the lineage, and the standing that was seen, in the same
///   transaction. A holder that lost its lock changes nothing.
/// - What is stored in a place that is part of a move has a format of its own, which programs from before refuse.
#[async_trait]
pub trait Movable: StateBackend {
    /// What this place is.
    ///
    /// # Errors
    /// As [`StateBackend::load`].
    async fn standing(&self) -> Result<Standing, StateError>;

    /// Whose state is here, and where it stands. Nothing when there is none.
    ///
    /// # Errors
    /// As [`StateBackend::load`].
    async fn identity(&self) -> Result<Option<Identity>, StateError>;

    /// Becomes something else: this is where a move begins, is flipped, arrives, and is given up.
    ///
    /// # Errors
    /// [`StateError::LockLost`] when the lock is not ours any more, [`StateError::Replaced`] when the place is not what
    /// it was: nothing was changed.
    async fn stand(&self, lock: &Lock, swap: Swap<'_>) -> Result<(), StateError>;

    /// Makes an arriving copy with nothing in it, unless there is something by now.
    ///
    /// # Errors
    /// When storage fails.
    async fn prepare(&self, identity: &Identity, standing: &Standing) -> Result<(), StateError>;

    /// A revision, letter by letter. Nothing when there is none.
    ///
    /// # Errors
    /// When it is damaged.
    async fn pages(&self, serial: u64) -> Result<Option<Pages>, StateError>;

    /// Stores a part, in place of whatever is there under its name.
    ///
    /// # Errors
    /// As [`stand`](Self::stand).
    async fn receive(&self, lock: &Lock, part: &Part, swap: Swap<'_>) -> Result<(), StateError>;

    /// Whether exactly this part is here. What cannot be read is not.
    ///
    /// # Errors
    /// When storage fails.
    async fn holds(&self, part: &Part) -> Result<bool, StateError>;

    /// Makes the copy say where it stands.
    ///
    /// # Errors
    /// As [`stand`](Self::stand).
    async fn settle(&self, lock: &Lock, settled: &Settled, swap: Swap<'_>) -> Result<(), StateError>;

    /// Removes what arrived here in this move, with every trace. Nothing else is ever removed.
    ///
    /// # Errors
    /// [`StateError::Replaced`] when something else is here.
    async fn discard(&self, of: Uuid) -> Result<(), StateError>;

    /// Removes some of what a state left here when it went. Whether there is more.
    ///
    /// # Errors
    /// As [`stand`](Self::stand).
    async fn strip(&self, lock: &Lock, standing: &Standing) -> Result<Remaining, StateError>;
}

/// Whether something is left to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// More.
    More,
    /// Nothing but the tombstone.
    Nothing,
}
