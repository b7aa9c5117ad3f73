//! Whether everything that a state left behind is at the place where it went.

use super::reader::Reader;
use super::{Obstacle, Route, identity, immovable, refused};
use crate::state::backend::Extent;
use crate::state::error::StateError;
use crate::state::movable::Part;
use crate::state::standing::{Move, Remains, Side, Standing, current};

/// What was compared, and found the same.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The move.
    pub of: Move,
    /// Entries of the journal.
    pub entries: u64,
    /// Revisions; those that the target has forgotten since, as old ones are, are not counted.
    pub revisions: u64,
    /// What is left at the source.
    pub remains: Remains,
}

/// Checks the target as a whole, and compares it with all that the source still has. Writes nothing, needs no lock.
///
/// # Errors
/// [`StateError::Immovable`] when the state has not left, or something is not there; [`StateError::Damaged`] when
/// something is not as it was written.
pub async fn compare(route: &Route) -> Result<Compared, StateError> {
    let (source, target) = (route.source.standing().await?, route.target.standing().await?);
    let Standing::Left(of, remains) = source.clone() else {
        return Err(immovable(route, "it has not left, so there is nothing to compare yet"));
    };
    if current(&source, &target) != Some(Side::Target) {
        return Err(refused(route, Obstacle::Lost));
    }
    if matches!(target, Standing::Arriving(..)) {
        return Err(immovable(route, "the last step is missing: `sutler state migrate --resume`"));
    }
    route.target.verify(Extent::Everything).await?;
    continues(route, &of).await?;
    let (mut entries, mut revisions) = (0, 0);
    if remains == Remains::Whole {
        route.source.verify(Extent::Everything).await?;
        let kept: Vec<u64> = route.target.revisions().await?.iter().map(|revision| revision.serial).collect();
        let mut reader = Reader::new(&*route.source, identity(route).await?).await?;
        while let Some(part) = reader.next().await? {
            match compared(route, &part, &kept).await? {
                Found::Entries(count) => entries += count,
                Found::Revision => revisions += 1,
                Found::Forgotten => {}
            }
        }
    }
    Ok(Compared { of, entries, revisions, remains })
}

/// The state there goes on from where it left.
async fn continues(route: &Route, of: &Move) -> Result<(), StateError> {
    let Some(before) = of.cargo.sequence.checked_sub(1) else { return Ok(()) };
    let entry = route.target.journal(before, 1).await?.pop();
    match entry {
        Some(entry) if (entry.sequence, entry.hash) == (of.cargo.sequence, of.cargo.head) => Ok(()),
        _ => Err(refused(route, Obstacle::Lost)),
    }
}

enum Found {
    Entries(u64),
    Revision,
    /// One that is older than any that the target keeps.
    Forgotten,
}

async fn compared(route: &Route, part: &Part, kept: &[u64]) -> Result<Found, StateError> {
    let target = &route.target;
    let other = |what: String| StateError::Damaged { location: target.location(), what };
    match part {
        Part::Journal(entries) => {
            let after = entries.first().map_or(0, |entry| entry.sequence - 1);
            let found = target.journal(after, entries.len()).await?;
            match entries.iter().zip(&found).find(|(one, other)| one != other) {
                None if found.len() == entries.len() => Ok(Found::Entries(entries.len() as u64)),
                Some((one, _)) => Err(other(format!("entry {} is not what left", one.sequence))),
                None => Err(other("its journal is shorter than what left".to_owned())),
            }
        }
        Part::Revision(pages, _) => {
            let serial = pages.revision.serial;
            match target.pages(serial).await? {
                Some(found) if found == **pages => Ok(Found::Revision),
                None if kept.iter().all(|other| *other > serial) => Ok(Found::Forgotten),
                _ => Err(other(format!("revision {serial} is not what left"))),
            }
        }
    }
}
