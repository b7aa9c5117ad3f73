//! Removing what a state left behind when it went. The tombstone stays: an old configuration is still told where to look.

use super::{Held, Route, Terms, compare, identity, point};
use crate::state::error::StateError;
use crate::state::movable::{Remaining, Swap};
use crate::state::standing::{Move, Remains, Standing};

/// A source that was removed.
#[derive(Debug, Clone)]
pub struct Removed {
    /// The move.
    pub of: Move,
    /// Entries of the journal that were compared before.
    pub entries: u64,
    /// Revisions that were compared before.
    pub revisions: u64,
}

/// Compares both places once more, under the source's lock, and then removes everything at the source but the tombstone.
/// Killed anywhere, it is ended by running it again.
///
/// # Errors
/// As [`compare`](super::compare()): nothing was removed then.
pub async fn remove_source(route: &Route, terms: &Terms) -> Result<Removed, StateError> {
    let source = Held::take(&route.source, &identity(route).await?, terms).await?;
    let outcome = under_lock(route, &source).await;
    source.give_back().await;
    outcome
}

async fn under_lock(route: &Route, source: &Held) -> Result<Removed, StateError> {
    let compared = compare(route).await?;
    let of = compared.of.clone();
    let (place, lock) = (&route.source, &source.lock);
    let [whole, part, nothing] =
        [Remains::Whole, Remains::Part, Remains::Nothing].map(|remains| Standing::Left(of.clone(), remains));
    let done = Removed { of, entries: compared.entries, revisions: compared.revisions };
    if compared.remains == Remains::Nothing {
        return Ok(done);
    }
    if compared.remains == Remains::Whole {
        place.stand(lock, Swap { from: &whole, to: &part }).await?;
    }
    point("S08-before").await?;
    while place.strip(lock, &part).await? == Remaining::More {
        point("S08-after").await?;
    }
    place.stand(lock, Swap { from: &part, to: &nothing }).await?;
    Ok(done)
}
