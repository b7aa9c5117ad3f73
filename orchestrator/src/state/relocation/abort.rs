//! Giving a move up: the source is an ordinary state again, and nothing is left of the copy.

use super::{Held, Route, Terms, identity, immovable, point};
use crate::state::error::StateError;
use crate::state::movable::Swap;
use crate::state::standing::{Move, Standing};

/// A move that was given up.
#[derive(Debug, Clone)]
pub struct GivenUp {
    /// Which.
    pub of: Move,
    /// Why the copy could not be removed, if it could not.
    pub left: Option<String>,
}

/// Gives up a move that was begun and not flipped. The source is as it was; the copy is removed where it can be reached.
///
/// # Errors
/// [`StateError::Immovable`] when there is none, or it is flipped; [`StateError::Locked`] while it is under way.
pub async fn abort(route: &Route, terms: &Terms) -> Result<GivenUp, StateError> {
    let source = Held::take(&route.source, &identity(route).await?, terms).await?;
    let outcome = under_lock(route, &source).await;
    source.give_back().await;
    outcome
}

async fn under_lock(route: &Route, source: &Held) -> Result<GivenUp, StateError> {
    let leaving = route.source.standing().await?;
    let of = match &leaving {
        Standing::Leaving(of) => of.clone(),
        Standing::Left(of, _) => {
            let what = format!(
                "it is at {} since the move was flipped, and cannot be given up any more. \
                 End it: `sutler state migrate --resume`; or move it back from there",
                of.to
            );
            return Err(immovable(route, what));
        }
        _ => return Err(immovable(route, "no move of it was begun, so there is none to give up")),
    };
    let left = copy(route, &of).await.err().map(|error| error.to_string());
    point("S09-given-up").await?;
    route.source.stand(&source.lock, Swap { from: &leaving, to: &Standing::Current }).await?;
    Ok(GivenUp { of, left })
}

/// Removes the copy. What is not of this move is nobody's business here.
async fn copy(route: &Route, of: &Move) -> Result<(), StateError> {
    match route.target.standing().await? {
        Standing::Arriving(there, _) if there.id == of.id => route.target.discard(of.id).await,
        _ => Ok(()),
    }
}
