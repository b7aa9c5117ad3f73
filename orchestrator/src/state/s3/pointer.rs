//! What `current` says: whose state it is, where it stands, what it is made of, and who may write. It does not grow.

use serde::{Deserialize, Serialize};
use sutler_secrets::Sealed;
use uuid::Uuid;

use super::objects::Objects;
use crate::name::StackName;
use crate::state::backend::{Lineage, Seed};
use crate::state::journal::{Fold, Hash, Tip, of_text, origin};
use crate::state::lock::{Held, Lock, LockInfo};
use crate::state::movable::Identity;
use crate::state::revision::Revision;
use crate::state::standing::{Remains, Standing};
use crate::state::{FORMAT, MOVING, StateError};

/// The content of `current`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pointer {
    format: i64,
    born: i64,
    stack: String,
    lineage: String,
    canary: String,
    pub(super) serial: u64,
    pub(super) sequence: u64,
    head: Hash,
    fold: Hash,
    pub(super) records: u64,
    /// The current revision: everything before it is in archives.
    pub(super) base: Option<Base>,
    /// The journal since then.
    pub(super) runs: Vec<Run>,
    /// The highest number of a segment so far: none is given twice, whatever was compacted since.
    pub(super) number: u64,
    /// The revisions that are kept.
    pub(super) revisions: Vec<u64>,
    pub(super) fence: u64,
    held: Option<Holding>,
    /// What the place is, in a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<Standing>,
    /// Names this very writing of it: how a writer without an answer finds out.
    pub(super) write: Uuid,
    /// Over all of this: what was changed by accident is noticed.
    hash: Hash,
}

/// The revision that everything starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Base {
    pub(super) revision: Revision,
    /// Of the names of the chunks that tell how often each ref had been changed.
    pub(super) trails: Hash,
    /// Why it was made.
    pub(super) reason: Reason,
}

/// Why a revision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// Somebody asked for it: it is kept as long as others.
    Asked,
    /// The journal had become long: it goes when the next one is made.
    Between,
}

/// Segments that one holder of the lock wrote, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) fence: u64,
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Holding {
    token: Uuid,
    fence: u64,
    info: LockInfo,
}

#[derive(Deserialize)]
struct Format {
    format: i64,
}

impl Pointer {
    /// Of a state with nothing in it.
    pub(super) fn new(stack: &StackName, seed: &Seed) -> Self {
        Self::born(FORMAT, stack, seed)
    }

    /// Of a copy with nothing in it.
    pub(super) fn arriving(stack: &StackName, identity: &Identity, standing: &Standing) -> Self {
        let mut pointer = Self::born(identity.born, stack, &identity.seed());
        pointer.fence = identity.fence;
        pointer.stand(standing);
        pointer
    }

    fn born(born: i64, stack: &StackName, seed: &Seed) -> Self {
        let canary = seed.canary.to_text();
        let Tip { serial, sequence, head, fold } = Tip::start(origin(born, stack, seed.lineage, &canary));
        Self {
            format: FORMAT,
            born,
            stack: stack.to_string(),
            lineage: seed.lineage.to_string(),
            canary,
            serial,
            sequence,
            head,
            fold: fold.as_hash(),
            records: 0,
            base: None,
            runs: Vec::new(),
            number: 0,
            revisions: Vec::new(),
            fence: 0,
            held: None,
            standing: None,
            write: Uuid::nil(),
            hash: head,
        }
    }

    /// Reads one, and sees that it is this stack's and as it was written.
    pub(super) fn read(bytes: &[u8], (stack, objects): (&StackName, &Objects)) -> Result<Self, StateError> {
        let bad = || objects.damaged("`current` is not what was written");
        let Format { format } = serde_json::from_slice(bytes).map_err(|_| bad())?;
        if format > MOVING {
            return Err(StateError::NewerFormat {
                location: objects.location(),
                found: format,
                known: MOVING,
            });
        }
        let pointer: Self = serde_json::from_slice(bytes).map_err(|_| bad())?;
        if pointer.hashed() != pointer.hash {
            return Err(bad());
        }
        if pointer.stack != stack.as_str() {
            let (found, expected) = (pointer.stack, stack.to_string());
            return Err(StateError::ForeignStack { location: objects.location(), found, expected });
        }
        Ok(pointer)
    }

    /// The bytes of the next one, which this becomes.
    pub(super) fn written(&mut self) -> Vec<u8> {
        self.write = Uuid::new_v4();
        self.hash = self.hashed();
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn hashed(&self) -> Hash {
        let blank = Self { hash: Hash([0; 32]), ..self.clone() };
        of_text(&serde_json::to_string(&blank).unwrap_or_default())
    }

    /// What a state is opened from.
    pub(super) fn seed(&self, objects: &Objects) -> Result<Seed, StateError> {
        let bad = || objects.damaged("`current` names no lineage or no canary");
        let lineage = Lineage::parse(&self.lineage).ok_or_else(bad)?;
        Ok(Seed { lineage, canary: Sealed::from_text(&self.canary).map_err(|_| bad())? })
    }

    /// What the place is.
    pub(super) fn standing(&self) -> Standing {
        self.standing.clone().unwrap_or(Standing::Current)
    }

    /// Says what the place is. One that is no part of a move has no trace of it.
    pub(super) fn stand(&mut self, standing: &Standing) {
        self.standing = match standing {
            Standing::Nothing | Standing::Current => None,
            part => Some(part.clone()),
        };
        self.format = if self.standing.is_some() { MOVING } else { FORMAT };
    }

    /// Whether what it names may be gone: the tombstone of a state that is elsewhere.
    pub(super) fn is_tombstone(&self) -> bool {
        matches!(&self.standing, Some(Standing::Left(_, remains)) if *remains != Remains::Whole)
    }

    /// Whose state it is, and where it stands.
    pub(super) fn identity(&self, (stack, objects): (&StackName, &Objects)) -> Result<Identity, StateError> {
        let Seed { lineage, canary } = self.seed(objects)?;
        let Self { born, records, fence, .. } = *self;
        let stack = stack.clone();
        Ok(Identity { stack, born, lineage, canary, tip: self.tip(), records, fence })
    }

    /// Where the journal begins.
    pub(super) fn origin(&self, (stack, lineage): (&StackName, Lineage)) -> Hash {
        origin(self.born, stack, lineage, &self.canary)
    }

    pub(super) fn tip(&self) -> Tip {
        let Self { serial, sequence, head, fold, .. } = *self;
        Tip { serial, sequence, head, fold: Fold(fold.0) }
    }

    pub(super) fn move_to(&mut self, tip: Tip, records: u64) {
        let Tip { serial, sequence, head, fold } = tip;
        (self.serial, self.sequence, self.head, self.fold) = (serial, sequence, head, fold.as_hash());
        self.records = records;
    }

    /// The segments since the base, in order.
    pub(super) fn segments(&self) -> Vec<(u64, u64)> {
        self.runs.iter().flat_map(|run| (run.from..=run.to).map(|number| (run.fence, number))).collect()
    }

    /// One more segment.
    pub(super) fn push(&mut self, fence: u64, number: u64) {
        self.number = number;
        match self.runs.last_mut() {
            Some(run) if run.fence == fence && run.to + 1 == number => run.to = number,
            _ => self.runs.push(Run { fence, from: number, to: number }),
        }
    }

    /// The lock, if it is held.
    pub(super) fn held(&self) -> Option<Held> {
        let held = self.held.as_ref()?;
        Some(Held { info: held.info.clone(), token: held.token, fence: held.fence })
    }

    pub(super) fn hold(&mut self, held: Option<Held>) {
        self.fence = held.as_ref().map_or(self.fence, |held| held.fence);
        self.held = held.map(|Held { info, token, fence }| Holding { token, fence, info });
    }

    /// Whether this lock may write.
    pub(super) fn is_held_by(&self, lock: &Lock) -> bool {
        self.lineage == lock.lineage.to_string() && self.held().is_some_and(|held| held.is(lock))
    }
}

/// What a segment is called.
pub(super) fn segment((fence, number): (u64, u64)) -> String {
    format!("journal/{fence:010}-{number:010}")
}

/// What an archive is called.
pub(super) fn archive(from: u64, to: u64) -> String {
    format!("archive/{from:020}-{to:020}")
}

/// The first and the last entry of the archive with this name.
pub(super) fn range(name: &str) -> Option<(u64, u64)> {
    let (from, to) = name.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// What the parts of a revision are called.
pub(super) fn revision(serial: u64, part: &str) -> String {
    format!("revisions/{serial:020}.{part}")
}

/// What a chunk is called: for the revision that wrote it first. Whoever deletes those of a revision that went cannot
/// hit a later one's.
pub(super) fn chunk(serial: u64, digest: Hash) -> String {
    format!("chunks/{serial:020}-{digest}")
}
