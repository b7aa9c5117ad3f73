//! A state goes from one place to another, and is the current one in exactly one of them all the while (I-27).
//!
//! ```text
//! under the source's lock, all of it; each step asks both places what they are, and does what is next
//!
//!  freeze ─▶ prepare ─▶ copy 1, 2, 3 … ─▶ verify 1, 2, 3 … ─▶ settle ─▶ verify all ─▶ flip ─▶ arrive
//!  source     target     target, cursor     target against      target    target       source   target
//!  Leaving    Arriving   with each part     what was written               as a whole   Left     Current
//! ```
//!
//! A run that dies anywhere leaves what is next in what the places say: going on is the same loop. Every write compares
//! the lock of the place it changes.

mod abort;
mod compare;
mod copy;
mod hold;
mod reader;
mod remove;

use std::sync::Arc;
use std::time::Duration;

pub use abort::{GivenUp, abort};
pub use compare::{Compared, compare};
#[cfg(test)]
pub(in crate::state) use reader::parts;
pub use remove::{Removed, remove_source};

use super::backend::Extent;
use super::error::StateError;
use super::lock::Holder;
use super::movable::{Identity, Movable, Swap};
use super::session::Notice;
use super::standing::{Cargo, Move, Next, Obstacle, Remains, Standing, next};
use crate::faults;
use hold::Held;

/// The two places of a move, with their addresses as a configuration would name them.
#[derive(Debug, Clone)]
pub struct Route {
    /// The place that is left.
    pub source: Arc<dyn Movable>,
    /// Its address.
    pub from: String,
    /// The place that is gone to.
    pub target: Arc<dyn Movable>,
    /// Its address.
    pub to: String,
}

/// Who moves, and how patiently.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Who we are, and what for.
    pub holder: Holder,
    /// How long the locks last unless renewed.
    pub lease: Duration,
    /// How long to wait for somebody else's lock.
    pub patience: Duration,
    /// Whom to tell while waiting.
    pub notice: Notice,
}

/// Whether a move is begun, or one that was begun is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A new one. One that was begun and not ended is in its way.
    Anew,
    /// The one that was begun.
    Resumed,
}

/// A move that came to its end.
#[derive(Debug, Clone)]
pub struct Moved {
    /// What was moved, from where to where.
    pub of: Move,
    /// How many parts (pages of the journal, revisions) this run copied.
    pub copied: usize,
    /// How many it compared with what was first written.
    pub verified: usize,
    /// How many were there already and were not what had been written: written again.
    pub mended: usize,
}

/// What this run has done so far.
#[derive(Debug, Default)]
struct Tally {
    copied: usize,
    verified: usize,
    mended: usize,
}

/// Moves the state. When it returns an error, the source is the current place, or the target is and complete; running it
/// again as resumed goes on.
///
/// # Errors
/// [`StateError::Locked`] when somebody changes the state or moves it, [`StateError::LockLost`] when the lease ended,
/// [`StateError::Immovable`] when what is there does not allow it, and whatever storage says.
pub async fn relocate(route: &Route, terms: &Terms, start: Start) -> Result<Moved, StateError> {
    let identity = identity(route).await?;
    let source = Held::take(&route.source, &identity, terms).await?;
    let mut run = Run { route, terms, source, target: None, tally: Tally::default() };
    let outcome = run.go_on(start).await;
    if outcome.is_err() && faults::mutant("thaws_too_early") {
        run.thaw().await?;
    }
    let Run { source, target, .. } = run;
    if let Some(target) = target {
        target.give_back().await;
    }
    source.give_back().await;
    outcome
}

/// A point of the protocol at which a test can make the process die, or the step fail.
async fn point(name: &'static str) -> Result<(), StateError> {
    faults::fail(name).await.map_err(|source| StateError::Storage {
        location: "the state".to_owned(),
        step: "move",
        source: source.into(),
    })
}

/// Whose state the source has.
async fn identity(route: &Route) -> Result<Identity, StateError> {
    route.source.identity().await?.ok_or_else(|| refused(route, Obstacle::NoState))
}

struct Run<'r> {
    route: &'r Route,
    terms: &'r Terms,
    source: Held,
    target: Option<Held>,
    tally: Tally,
}

impl Run<'_> {
    async fn go_on(&mut self, start: Start) -> Result<Moved, StateError> {
        let route = self.route;
        if start == Start::Resumed {
            point("S09-before").await?;
        }
        let mut begun = false;
        loop {
            let (source, target) = (route.source.standing().await?, route.target.standing().await?);
            if !begun && start == Start::Anew {
                may_begin(route, &source)?;
            }
            match (next(&source, &target), source) {
                (Next::Begin, _) if start == Start::Resumed => {
                    return Err(immovable(
                        route,
                        "no move of it was begun; `sutler state migrate --to URL` begins one",
                    ));
                }
                (Next::Begin, _) => self.freeze(&target).await?,
                (Next::Prepare, Standing::Leaving(of)) => {
                    let arriving = Standing::Arriving(of, super::Copied::default());
                    route.target.prepare(&identity(route).await?, &arriving).await?;
                }
                (Next::PrepareAnew(left), _) => {
                    self.same_lineage().await?;
                    route.target.discard(left).await?;
                }
                (Next::Copy(copied), Standing::Leaving(of)) => {
                    if start == Start::Resumed && !begun {
                        point("S09-after").await?;
                    }
                    if faults::mutant("flips_before_it_copies") {
                        self.flip(of.clone()).await?;
                    }
                    self.copy(&of, copied).await?;
                    if faults::mutant("arrives_before_the_flip") {
                        self.arrive(of.clone()).await?;
                    }
                    self.flip(of).await?;
                }
                (Next::Arrive, Standing::Left(of, _)) => self.arrive(of).await?,
                (Next::Done, Standing::Left(of, _)) => {
                    let Tally { copied, verified, mended } = self.tally;
                    return Ok(Moved { of, copied, verified, mended });
                }
                (Next::Refuse(obstacle), _) => return Err(refused(route, obstacle)),
                // a standing and what follows from it are one thing
                _ => return Err(StateError::Replaced { location: route.source.location() }),
            }
            begun = true;
        }
    }

    /// Nobody changes the source any more.
    async fn freeze(&mut self, target: &Standing) -> Result<(), StateError> {
        let (route, lock) = (self.route, &self.source.lock);
        if let Standing::Arriving(there, _) = target {
            if there.from != route.from {
                return Err(refused(route, Obstacle::TargetTaken));
            }
            self.same_lineage().await?;
        }
        route.source.verify(Extent::Everything).await?;
        // what a copy is made of: the records as a revision, none of the older ones forgotten
        route.source.compact(lock, usize::MAX).await?;
        let Identity { tip, records, .. } = identity(route).await?;
        let revisions = route.source.revisions().await?.len() as u64;
        let cargo = Cargo { serial: tip.serial, sequence: tip.sequence, head: tip.head, records, revisions };
        let ends = (route.from.clone(), route.to.clone());
        let leaving = Standing::Leaving(Move::begin(ends, &self.terms.holder, cargo));
        point("S01-before").await?;
        route.source.stand(lock, Swap { from: &Standing::Current, to: &leaving }).await?;
        point("S01-after").await?;
        Ok(())
    }

    /// A mistake that tests make on purpose.
    async fn thaw(&self) -> Result<(), StateError> {
        let now = self.route.source.standing().await?;
        self.route.source.stand(&self.source.lock, Swap { from: &now, to: &Standing::Current }).await
    }

    /// What is left at the target is of this very state.
    async fn same_lineage(&self) -> Result<(), StateError> {
        let (ours, theirs) = (identity(self.route).await?, self.route.target.identity().await?);
        match theirs {
            Some(theirs) if theirs.lineage == ours.lineage => Ok(()),
            _ => Err(refused(self.route, Obstacle::TargetTaken)),
        }
    }

    /// The one decision: from here on the target is the current place.
    async fn flip(&mut self, of: Move) -> Result<(), StateError> {
        let route = self.route;
        let Identity { tip, .. } = identity(route).await?;
        if (tip.serial, tip.sequence, tip.head) != (of.cargo.serial, of.cargo.sequence, of.cargo.head) {
            return Err(StateError::Replaced { location: route.source.location() });
        }
        self.introduce_listeners().await?;
        let (from, to) = (Standing::Leaving(of.clone()), Standing::Left(of, Remains::Whole));
        point("S05-before").await?;
        let flipped = route.source.stand(&self.source.lock, Swap { from: &from, to: &to });
        faults::race("S06-sent", flipped).await?;
        point("S06-after").await?;
        Ok(())
    }

    /// What listeners of events were told goes along: they are not told everything again. One that is told something of the
    /// past at this very moment may hear that twice.
    async fn introduce_listeners(&self) -> Result<(), StateError> {
        for (listener, sequence) in self.route.source.told().await? {
            self.route.target.tell(&listener, sequence).await?;
        }
        Ok(())
    }

    /// Tells the target.
    async fn arrive(&mut self, of: Move) -> Result<(), StateError> {
        self.hold_target().await?;
        let arriving = self.route.target.standing().await?;
        if arriving.of().is_none_or(|there| there.id != of.id) {
            return Err(refused(self.route, Obstacle::Lost));
        }
        let lock = self.target_lock()?;
        self.route.target.stand(lock, Swap { from: &arriving, to: &Standing::Current }).await?;
        point("S07-before").await?;
        Ok(())
    }

    /// Takes the lock of the target: an earlier run of this move that was paused writes nothing there any more.
    async fn hold_target(&mut self) -> Result<(), StateError> {
        if self.target.is_none() {
            let gone = || refused(self.route, Obstacle::Lost);
            let identity = self.route.target.identity().await?.ok_or_else(gone)?;
            self.target = Some(Held::take(&self.route.target, &identity, self.terms).await?);
        }
        Ok(())
    }

    fn target_lock(&self) -> Result<&super::lock::Lock, StateError> {
        let lost = || StateError::LockLost { location: self.route.target.location() };
        self.target.as_ref().map(|held| &*held.lock).ok_or_else(lost)
    }
}

/// A move that was begun stands in the way of another one, and so does a state that is elsewhere.
fn may_begin(route: &Route, source: &Standing) -> Result<(), StateError> {
    let location = route.source.location();
    match source {
        Standing::Leaving(of) => Err(StateError::Leaving { location, of: Box::new(of.clone()) }),
        Standing::Left(of, _) => Err(StateError::Left { location, of: Box::new(of.clone()) }),
        Standing::Arriving(of, _) => Err(StateError::Arriving { location, of: Box::new(of.clone()) }),
        Standing::Nothing | Standing::Current => Ok(()),
    }
}

fn immovable(route: &Route, what: impl Into<String>) -> StateError {
    StateError::Immovable { location: route.source.location(), what: what.into() }
}

fn refused(route: &Route, obstacle: Obstacle) -> StateError {
    let target = route.target.location();
    immovable(
        route,
        match obstacle {
            Obstacle::NoState => {
                "there is no state yet. Write the other address under `state`, and apply".to_owned()
            }
            Obstacle::SourceElsewhere => "the state is in neither of these two places any more".to_owned(),
            Obstacle::SourceArriving => {
                "what is here is itself a copy that is not complete; end that move first: \
                 `sutler state migrate --resume`"
                    .to_owned()
            }
            Obstacle::TargetTaken => format!(
                "{target} holds a state already, or what is left of one; nothing there was changed. \
                 Name a place where there is nothing"
            ),
            Obstacle::Lost => format!(
                "it has left, and is not complete at {target}, where it went; nothing was changed. \
                 Restore that place from a backup of the time since"
            ),
        },
    )
}
