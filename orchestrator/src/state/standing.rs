//! Which of two places is the current one while a state moves from one to the other, and afterwards.
//!
//! ```text
//!            begin              flip: one compare-and-swap          remove the source
//! source  Current ──▶ Leaving ─────────────────────────▶ Left ─────────────────────▶ Left, nothing remains
//!                        │ give up: Current again
//! target  Nothing ──▶ Arriving ─────────────────────────────────────▶ Current
//! ```
//!
//! The source alone decides: until it says `Left` it is the current one, from then on the target is. An arriving copy is
//! nobody's state, and no two places ever say that they are current.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::StateError;
use super::journal::Hash;
use super::lock::Holder;

/// A state on its way from one place to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Its name; another attempt is another move.
    pub id: Uuid,
    /// The address that the state leaves, as a configuration would name it; no secret.
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// Who began it.
    pub who: String,
    /// On which host.
    pub host: String,
    /// When.
    pub since: Timestamp,
    /// What moves: the source is frozen there.
    pub cargo: Cargo,
}

/// Where a state stands that is moved: nothing is written behind it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cargo {
    /// Its serial.
    pub serial: u64,
    /// How many entries its journal has.
    pub sequence: u64,
    /// The hash of the last one.
    pub head: Hash,
    /// How many records.
    pub records: u64,
    /// How many revisions.
    pub revisions: u64,
}

impl Move {
    /// A new one, begun by this holder now.
    #[must_use]
    pub fn begin((from, to): (String, String), holder: &Holder, cargo: Cargo) -> Self {
        let (who, host) = (holder.who.clone(), holder.host.clone());
        Self { id: Uuid::new_v4(), from, to, who, host, since: Timestamp::now(), cargo }
    }
}

/// How far a copy has come: durable with each part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Copied {
    /// The journal, up to this entry.
    pub sequence: u64,
    /// The revisions, up to this serial.
    pub revision: u64,
    /// Whether the records are there, and the copy says where it stands.
    pub settled: bool,
}

/// What is left at a place that a state has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remains {
    /// Everything, as it was.
    Whole,
    /// Some of it: it is being removed.
    Part,
    /// The tombstone alone.
    Nothing,
}

/// What a place is to the state that may be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// There is no state, and no trace of one.
    #[serde(skip)]
    Nothing,
    /// The state is here. What a place says that was never part of a move.
    #[serde(skip)]
    Current,
    /// The state is here, is being copied elsewhere, and nobody may change it.
    Leaving(Move),
    /// A tombstone: the state is elsewhere.
    Left(Move, Remains),
    /// A copy that is not complete, or not said to be: the state is where it came from.
    Arriving(Move, Copied),
}

/// Who looks at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// A command that wants the current state, and must not take another for it.
    Current,
    /// A move, which has to see what is there.
    Any,
}

impl Standing {
    /// How it is stored; nothing for a place that is no part of a move.
    pub(super) fn stored(&self) -> Option<String> {
        match self {
            Self::Nothing | Self::Current => None,
            // Every part of it is JSON to begin with.
            Self::Leaving(_) | Self::Left(..) | Self::Arriving(..) => serde_json::to_string(self).ok(),
        }
    }

    /// The move that it is part of.
    #[must_use]
    pub fn of(&self) -> Option<&Move> {
        match self {
            Self::Nothing | Self::Current => None,
            Self::Leaving(of) | Self::Left(of, _) | Self::Arriving(of, _) => Some(of),
        }
    }

    /// Whether what is here may be read as the current state.
    pub(super) fn admit(&self, gate: Gate, location: impl Fn() -> String) -> Result<(), StateError> {
        match (gate, self) {
            (Gate::Current, Self::Left(of, _)) => {
                Err(StateError::Left { location: location(), of: Box::new(of.clone()) })
            }
            (Gate::Current, Self::Arriving(of, _)) => {
                Err(StateError::Arriving { location: location(), of: Box::new(of.clone()) })
            }
            _ => Ok(()),
        }
    }

    /// Whether the lock may be taken, once nobody else has it.
    pub(super) fn admit_writer(&self, gate: Gate, location: impl Fn() -> String) -> Result<(), StateError> {
        match (gate, self) {
            (Gate::Current, Self::Leaving(of)) => {
                Err(StateError::Leaving { location: location(), of: Box::new(of.clone()) })
            }
            _ => self.admit(gate, location),
        }
    }
}

/// One of the two places of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that is left.
    Source,
    /// The one that is gone to.
    Target,
}

/// What is next in a move, by what its two places say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing was begun: the source is an ordinary state.
    Begin,
    /// Make the target: there is nothing yet.
    Prepare,
    /// What arrives there is of a move that was given up: make it anew.
    PrepareAnew(Uuid),
    /// Copy, verify, and flip.
    Copy(Copied),
    /// The flip is durable: tell the target.
    Arrive,
    /// All is done.
    Done,
    /// It cannot go on: why.
    Refuse(Obstacle),
}

/// Why a move cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// There is no state to move.
    NoState,
    /// The state is not here any more, and what this place says is of another move.
    SourceElsewhere,
    /// The source is itself a copy that is not complete.
    SourceArriving,
    /// The target holds a state, or the tombstone of one, or a copy of another one.
    TargetTaken,
    /// The state has left, and is not where it went.
    Lost,
}

/// What is next. Pure; a table in the tests below.
#[must_use]
pub fn next(source: &Standing, target: &Standing) -> Next {
    use Standing::{Arriving, Current, Leaving, Left, Nothing};
    match (source, target) {
        (Nothing, _) => Next::Refuse(Obstacle::NoState),
        (Arriving(..), _) => Next::Refuse(Obstacle::SourceArriving),
        (Current, Nothing) => Next::Begin,
        // perhaps of a move from here that was given up: looked at again once the source says `Leaving`
        (Current, Arriving(..)) => Next::Begin,
        (Leaving(_), Nothing) => Next::Prepare,
        (Leaving(of), Arriving(there, copied)) if of.id == there.id => Next::Copy(*copied),
        (Leaving(of), Arriving(there, _)) if of.from == there.from => Next::PrepareAnew(there.id),
        (Current | Leaving(_), _) => Next::Refuse(Obstacle::TargetTaken),
        (Left(of, _), Arriving(there, copied)) if of.id == there.id && copied.settled => Next::Arrive,
        (Left(..), Current | Leaving(_)) => Next::Done,
        (Left(..), Left(..)) => Next::Refuse(Obstacle::SourceElsewhere),
        (Left(..), Nothing | Arriving(..)) => Next::Refuse(Obstacle::Lost),
    }
}

/// Which of two places is the current one (I-27). Nothing when both are, or neither: which must never be.
#[must_use]
pub fn current(source: &Standing, target: &Standing) -> Option<Side> {
    use Standing::{Arriving, Current, Leaving, Left, Nothing};
    match (source, target) {
        (Current | Leaving(_), Nothing | Arriving(..)) => Some(Side::Source),
        (Left(of, _), Arriving(there, copied)) if of.id == there.id && copied.settled => Some(Side::Target),
        (Left(..), Current | Leaving(_)) => Some(Side::Target),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::journal::of_text;

    fn of(id: u128, from: &str) -> Move {
        let cargo = Cargo { serial: 3, sequence: 5, head: of_text("head"), records: 2, revisions: 1 };
        let (from, to) = (from.to_owned(), "sqlite:/target.db".to_owned());
        let since = Timestamp::UNIX_EPOCH;
        Move { id: Uuid::from_u128(id), from, to, who: "ada".into(), host: "h".into(), since, cargo }
    }

    fn copied(settled: bool) -> Copied {
        Copied { sequence: 5, revision: 3, settled }
    }

    /// Every standing there is, of this move and of others.
    fn standings() -> Vec<Standing> {
        let mut all = vec![Standing::Nothing, Standing::Current];
        for one in [of(1, "a"), of(2, "a"), of(3, "b")] {
            all.push(Standing::Leaving(one.clone()));
            all.extend(
                [Remains::Whole, Remains::Part, Remains::Nothing]
                    .map(|left| Standing::Left(one.clone(), left)),
            );
            all.extend([false, true].map(|settled| Standing::Arriving(one.clone(), copied(settled))));
        }
        all
    }

    #[test]
    fn what_is_next_follows_from_what_both_places_say() {
        use Standing::{Arriving, Current, Leaving, Left, Nothing};
        let (ours, earlier, foreign) = (of(1, "a"), of(2, "a"), of(3, "b"));
        let taken = Next::Refuse(Obstacle::TargetTaken);
        let lost = Next::Refuse(Obstacle::Lost);
        for (source, target, expected) in [
            (Nothing, Nothing, Next::Refuse(Obstacle::NoState)),
            (Current, Nothing, Next::Begin),
            (Current, Arriving(earlier.clone(), copied(true)), Next::Begin),
            (Current, Current, taken.clone()),
            (Current, Left(foreign.clone(), Remains::Nothing), taken.clone()),
            (Leaving(ours.clone()), Nothing, Next::Prepare),
            (Leaving(ours.clone()), Arriving(ours.clone(), copied(false)), Next::Copy(copied(false))),
            (Leaving(ours.clone()), Arriving(earlier.clone(), copied(true)), Next::PrepareAnew(earlier.id)),
            (Leaving(ours.clone()), Arriving(foreign.clone(), copied(true)), taken.clone()),
            (Leaving(ours.clone()), Current, taken.clone()),
            (Leaving(ours.clone()), Left(ours.clone(), Remains::Whole), taken),
            (Left(ours.clone(), Remains::Whole), Arriving(ours.clone(), copied(true)), Next::Arrive),
            (Left(ours.clone(), Remains::Whole), Arriving(ours.clone(), copied(false)), lost.clone()),
            (Left(ours.clone(), Remains::Whole), Nothing, lost.clone()),
            (Left(ours.clone(), Remains::Whole), Arriving(foreign.clone(), copied(true)), lost),
            (Left(ours.clone(), Remains::Part), Current, Next::Done),
            (
                Left(ours.clone(), Remains::Whole),
                Left(foreign, Remains::Whole),
                Next::Refuse(Obstacle::SourceElsewhere),
            ),
            (Arriving(ours, copied(true)), Nothing, Next::Refuse(Obstacle::SourceArriving)),
        ] {
            assert_eq!(next(&source, &target), expected, "{source:?} and {target:?}");
        }
    }

    #[test]
    fn i_27_whatever_two_places_say_what_goes_on_begins_where_the_current_one_is() {
        for source in standings() {
            for target in standings() {
                let side = current(&source, &target);
                match next(&source, &target) {
                    Next::Begin | Next::Prepare | Next::PrepareAnew(_) | Next::Copy(_) => {
                        assert_eq!(side, Some(Side::Source), "{source:?} and {target:?}");
                    }
                    Next::Arrive | Next::Done => {
                        assert_eq!(side, Some(Side::Target), "{source:?} and {target:?}");
                    }
                    Next::Refuse(_) => {}
                }
            }
        }
    }

    #[test]
    fn a_standing_is_read_as_it_was_written_and_an_ordinary_place_stores_none() {
        for standing in standings() {
            match standing.stored() {
                Some(text) => assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), standing),
                None => assert!(matches!(standing, Standing::Nothing | Standing::Current)),
            }
        }
    }

    #[test]
    fn only_a_move_sees_what_is_not_current_and_nobody_else_writes_what_leaves() {
        for standing in standings() {
            let at = || "here".to_owned();
            assert!(standing.admit(Gate::Any, at).is_ok() && standing.admit_writer(Gate::Any, at).is_ok());
            let (reads, writes) =
                (standing.admit(Gate::Current, at).is_ok(), standing.admit_writer(Gate::Current, at).is_ok());
            let expected = match standing {
                Standing::Nothing | Standing::Current => (true, true),
                Standing::Leaving(_) => (true, false),
                Standing::Left(..) | Standing::Arriving(..) => (false, false),
            };
            assert_eq!((reads, writes), expected, "{standing:?}");
        }
    }
}
