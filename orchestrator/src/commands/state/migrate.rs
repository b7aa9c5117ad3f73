//! `state migrate`: which two places a move is between, and what is to be done about it.

use std::sync::Arc;
use std::time::Duration;

use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::config::StateUrl;
use crate::state::relocation::{
    self, Compared, GivenUp, Moved, Removed, Route, Start, Terms, abort, compare, relocate, remove_source,
};
use crate::state::{Holder, Lineage, Movable, Move, Standing, StateBackend, Vault, open_to_move};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Begin a move, and bring it to its end.
    Begin,
    /// Bring one that was begun to its end.
    Resume,
    /// Give up one that was begun and is not flipped.
    Abort,
    /// Compare what left with what arrived.
    Verify,
    /// The same, then remove what was left behind.
    RemoveSource,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Migration {
    /// What is to be done.
    pub errand: Errand,
    /// Where the state is to go, as a configuration would name it.
    pub to: Option<String>,
    /// Where it came from, when the configuration names the new place already.
    pub from: Option<String>,
    /// How long to wait for somebody else's lock.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub enum Migrated {
    /// The state is at its new place.
    Moved(Moved),
    /// The move was given up.
    GivenUp(GivenUp),
    /// Everything that left is there.
    Compared(Compared),
    /// What was left behind is removed.
    Removed(Removed),
}

/// Does it.
///
/// # Errors
/// When the two places do not allow it, somebody holds a lock, or storage fails. The state is then current in exactly one
/// of them.
pub async fn migrate(project: &Project, migration: &Migration) -> Result<Migrated, Failure> {
    let route = route(project, migration).await?;
    let terms = Terms {
        holder: Holder::this_process(project.settings.user.clone(), "state migrate"),
        lease: project.settings.lease,
        patience: migration.patience,
        notice: project.settings.notice.clone(),
    };
    match migration.errand {
        Errand::Begin | Errand::Resume => {
            let start = if migration.errand == Errand::Begin { Start::Anew } else { Start::Resumed };
            let lineage = check(project, &route).await?;
            let moved = relocate(&route, &terms, start).await?;
            if let Err(error) = follow(project, &route, lineage).await {
                tracing::warn!(%error, "an older state put in place of this one would not be noticed");
            }
            Ok(Migrated::Moved(moved))
        }
        Errand::Abort => Ok(Migrated::GivenUp(abort(&route, &terms).await?)),
        Errand::Verify => Ok(Migrated::Compared(compare(&route).await?)),
        Errand::RemoveSource => Ok(Migrated::Removed(remove_source(&route, &terms).await?)),
    }
}

/// The two places. A move that was begun says itself where it comes from and where it goes.
async fn route(project: &Project, migration: &Migration) -> Result<Route, Failure> {
    let here = &project.config.state;
    let Migration { errand, to, from, .. } = migration;
    if let Some(from) = from {
        if *errand == Errand::Begin {
            return Err(Failure::usage(
                "--from names the place that a state has left; a move begins at the place that `state` names",
            ));
        }
        return between(project, &read(project, from, "--from")?, here);
    }
    let to = to.as_deref().map(|to| read(project, to, "--to")).transpose()?;
    if *errand == Errand::Begin {
        let to = to.ok_or_else(|| Failure::usage("name where the state is to go: --to URL"))?;
        return between(project, here, &to);
    }
    match open(project, here)?.standing().await? {
        Standing::Leaving(of) | Standing::Left(of, _) => {
            let recorded = read(project, &of.to, "the recorded address")?;
            match to {
                Some(to) if to.address() != recorded.address() => Err(Failure::usage(format!(
                    "the move that was begun goes to {}; leave --to out, or give that move up first \
                         (sutler state migrate --abort)",
                    of.to
                ))),
                to => between(project, here, &to.unwrap_or(recorded)),
            }
        }
        Standing::Arriving(of, _) => {
            let route = between(project, &read(project, &of.from, "the recorded address")?, here)?;
            if route.source.standing().await? == Standing::Nothing {
                return Err(Failure::failed(format!(
                    "the move comes from {}, and nothing is there as seen from here; run the command where that place \
                     can be reached. Nothing was changed",
                    of.from
                )));
            }
            Ok(route)
        }
        Standing::Current | Standing::Nothing => Err(Failure::usage(match errand {
            Errand::Begin | Errand::Resume | Errand::Abort => {
                "no move from or to this place is under way; `sutler state migrate --to URL` begins one"
            }
            Errand::Verify | Errand::RemoveSource => {
                "this place says nothing of a move; name the place that the state left: --from URL"
            }
        })),
    }
}

fn between(project: &Project, from: &StateUrl, to: &StateUrl) -> Result<Route, Failure> {
    let (source, target) = (open(project, from)?, open(project, to)?);
    let (there, here) = (to.address(), from.address());
    if there == here || source.location() == target.location() {
        return Err(Failure::usage(format!(
            "{} is where the state is; name another place",
            target.location()
        )));
    }
    Ok(Route { source, from: here, target, to: there })
}

fn read(project: &Project, text: &str, what: &str) -> Result<StateUrl, Failure> {
    StateUrl::read(text, &project.config.stack, &project.config.source)
        .map_err(|why| Failure::usage(format!("{what}: {why}")))
}

fn open(project: &Project, url: &StateUrl) -> Result<Arc<dyn Movable>, Failure> {
    open_to_move(url, &project.config.stack)
        .ok_or_else(|| Failure::usage("memory: keeps nothing, so nothing can be moved from or to it"))
}

/// The state that is about to move is the newest one that this machine saw, and sealed with the ring at hand.
async fn check(project: &Project, route: &Route) -> Result<Lineage, Failure> {
    let has_left = matches!(route.source.standing().await?, Standing::Left(..));
    let at = if has_left { &route.target } else { &route.source };
    let state = at.load().await?;
    if state.is_new() && has_left {
        // whoever goes on with the move says what is wrong
        return Ok(state.lineage);
    }
    if state.is_new() {
        return Err(Failure::usage(
            "there is no state yet, so there is nothing to move; write the other address under `state`",
        ));
    }
    Vault::open_to_read(&project.keys, &state, &at.location())?;
    if project.settings.rollback == crate::commands::Rollback::Refused {
        project.anchor()?.check(&**at, &state).await?;
    }
    Ok(state.lineage)
}

/// This machine looks for the state at its new place from now on.
async fn follow(project: &Project, route: &Route, lineage: Lineage) -> Result<(), Failure> {
    let (left, now): (String, &dyn StateBackend) = (route.source.location(), &*route.target);
    let stack = project.config.stack.as_str();
    project.anchor()?.follow((&left, now), (stack, lineage)).await
}

impl Migrated {
    /// The move that it is about.
    #[must_use]
    pub fn of(&self) -> &Move {
        match self {
            Self::Moved(relocation::Moved { of, .. })
            | Self::GivenUp(relocation::GivenUp { of, .. })
            | Self::Compared(relocation::Compared { of, .. })
            | Self::Removed(relocation::Removed { of, .. }) => of,
        }
    }
}
