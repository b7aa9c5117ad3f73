//! Copying, part by part behind a durable cursor, and comparing each part with what was first written.

use super::reader::Reader;
use super::{Run, identity, point};
use crate::faults;
use crate::state::backend::Extent;
use crate::state::error::{Kind, StateError};
use crate::state::movable::{Identity, Part, Settled, Swap};
use crate::state::standing::{Copied, Move, Standing};

impl Run<'_> {
    /// Makes the target a complete copy, as far as it is not one, and verifies all of it.
    pub(super) async fn copy(&mut self, of: &Move, copied: Copied) -> Result<(), StateError> {
        self.hold_target().await?;
        let copied = self.receive(of, copied).await?;
        let settled = self.compare_parts(of, copied).await?;
        self.settle(of, copied, &settled).await
    }

    async fn reader(&self) -> Result<Reader<'_>, StateError> {
        Reader::new(&*self.route.source, identity(self.route).await?).await
    }

    /// Brings over what the cursor has not passed.
    async fn receive(&mut self, of: &Move, mut copied: Copied) -> Result<Copied, StateError> {
        let route = self.route;
        let mut reader = self.reader().await?;
        let mut count = 0;
        while let Some(part) = reader.next().await? {
            let after = beyond(copied, &part);
            if after == copied {
                continue;
            }
            let (from, to) = (Standing::Arriving(of.clone(), copied), Standing::Arriving(of.clone(), after));
            let swap = Swap { from: &from, to: &to };
            route.target.receive(self.target_lock()?, &part, swap).await?;
            copied = after;
            count += 1;
            point("S02-after").await?;
        }
        drop(reader);
        self.tally.copied += count;
        Ok(copied)
    }

    /// Compares each part with what the source has, whose digests were recorded when it was first written. One that is not
    /// the same is written once more; a place that does not keep it then is refused.
    async fn compare_parts(&mut self, of: &Move, copied: Copied) -> Result<Settled, StateError> {
        let route = self.route;
        let here = Standing::Arriving(of.clone(), copied);
        let mut reader = self.reader().await?;
        let (mut verified, mut mended) = (0, 0);
        while let Some(part) = reader.next().await? {
            let trusted = faults::mutant("forgets_to_verify");
            if !trusted && !route.target.holds(&part).await? {
                route.target.receive(self.target_lock()?, &part, Swap { from: &here, to: &here }).await?;
                if !route.target.holds(&part).await? {
                    return Err(StateError::Unsuitable {
                        location: route.target.location(),
                        what: "what is written there is not what is read there".to_owned(),
                    });
                }
                mended += 1;
            }
            verified += 1;
            point("S03-after").await?;
        }
        let settled = reader.settled()?;
        self.tally.verified += verified;
        self.tally.mended += mended;
        Ok(settled)
    }

    /// Makes the copy say where it stands, and sees that it is a sound state as a whole.
    async fn settle(&mut self, of: &Move, copied: Copied, settled: &Settled) -> Result<(), StateError> {
        let (target, lock) = (&self.route.target, self.target_lock()?);
        let whole = Copied { settled: true, ..copied };
        let (from, to) = (Standing::Arriving(of.clone(), copied), Standing::Arriving(of.clone(), whole));
        let sound = if copied.settled { self.is_sound(settled).await? } else { false };
        if !sound {
            point("S04-before").await?;
            target.settle(lock, settled, Swap { from: &from, to: &to }).await?;
            point("S04-after").await?;
            target.verify(Extent::Everything).await?;
            if !self.is_sound(settled).await? {
                return Err(StateError::Replaced { location: target.location() });
            }
        }
        Ok(())
    }

    /// Whether the target is a sound state, and stands where the source does.
    async fn is_sound(&self, settled: &Settled) -> Result<bool, StateError> {
        let target = &self.route.target;
        match target.verify(Extent::Everything).await {
            Ok(()) => {}
            Err(error) if error.kind() == Kind::Refused => return Ok(false),
            Err(error) => return Err(error),
        }
        let ours = identity(self.route).await?;
        let Some(theirs) = target.identity().await? else { return Ok(false) };
        let stands = |one: &Identity| (one.born, one.lineage, one.tip, one.records);
        let revisions: Vec<u64> = target.revisions().await?.iter().map(|revision| revision.serial).collect();
        Ok(stands(&ours) == stands(&theirs) && ours.canary == theirs.canary && revisions == settled.revisions)
    }
}

/// Where the cursor is once this part is there.
fn beyond(copied: Copied, part: &Part) -> Copied {
    match part {
        Part::Journal(entries) => {
            let last = entries.last().map_or(0, |entry| entry.sequence);
            Copied { sequence: copied.sequence.max(last), ..copied }
        }
        Part::Revision(pages, _) => Copied { revision: copied.revision.max(pages.revision.serial), ..copied },
    }
}
