//! Compaction: the records become a revision, the journal an archive, then `current` moves to start from there, and what
//! it does not need any more is deleted.

use bytes::Bytes;

use super::commit::{ATTEMPTS, Moved, move_pointer};
use super::known::{Known, refresh};
use super::lines;
use super::objects::Objects;
use super::pointer::{Base, Reason, archive, revision};
use crate::name::StackName;
use crate::state::StateError;
use crate::state::journal::{Stamp, of_text};
use crate::state::lock::Lock;
use crate::state::revision::{Revision, expired};

/// Makes a revision, if anything was committed since the last one.
pub(super) async fn make(
    objects: &Objects,
    stack: &StackName,
    known: &mut Option<Known>,
    (lock, kept, reason): (&Lock, usize, Reason),
) -> Result<Option<Revision>, StateError> {
    for _ in 0..ATTEMPTS {
        refresh(objects, stack, known).await?;
        let Some(now) = known.as_mut().filter(|now| now.pointer.is_held_by(lock)) else {
            return Err(StateError::LockLost { location: objects.location() });
        };
        let last = now.pointer.base.as_ref().map_or(0, |base| base.revision.serial);
        if now.book.tip.serial == last {
            return Ok(None);
        }
        let base = write(objects, stack, (now, lock, reason)).await?;
        let mut next = now.pointer.clone();
        let made = base.revision.clone();
        next.base = Some(base);
        next.runs.clear();
        next.revisions.push(made.serial);
        let mut gone = expired(&next.revisions, kept);
        gone.extend(
            now.pointer
                .base
                .iter()
                .filter(|base| base.reason == Reason::Between)
                .map(|base| base.revision.serial),
        );
        next.revisions.retain(|serial| !gone.contains(serial));
        match move_pointer(objects, Some(&now.etag), &mut next).await? {
            Moved::Done(etag) => {
                (now.etag, now.pointer) = (etag, next);
                now.entries.clear();
                sweep(objects, now, &gone).await;
                return Ok(Some(made));
            }
            Moved::Beaten => {}
        }
    }
    Err(StateError::Busy { location: objects.location() })
}

/// Writes everything that the next `current` is to name.
async fn write(
    objects: &Objects,
    stack: &StackName,
    (now, lock, reason): (&Known, &Lock, Reason),
) -> Result<Base, StateError> {
    let (body, records) = (now.book.body(), now.book.len() as u64);
    let whose = (stack, now.book.lineage);
    let serial = now.book.tip.serial;
    let revision_of = |stamp| Revision::new(whose, now.book.tip, (records, &body), stamp);
    // one that an earlier try left is taken as it is: its clock was another one
    let left = objects.get(&revision(serial, "json")).await?;
    let left: Option<Revision> = left.and_then(|found| serde_json::from_slice(&found.bytes).ok());
    let same = |left: &Revision| {
        let fresh = revision_of(Stamp { at: left.at.clone(), who: String::new(), run: left.run.clone() });
        fresh == *left
    };
    let made = left.filter(same).unwrap_or_else(|| revision_of(Stamp::now(lock)));
    let trails = serde_json::to_string(&now.book.trails()).unwrap_or_default();
    let hash = of_text(&trails);
    objects.create_same(&revision(serial, "jsonl"), Bytes::from(body)).await?;
    objects.create_same(&revision(serial, "trails"), Bytes::from(trails)).await?;
    let manifest = serde_json::to_vec(&made).unwrap_or_default();
    objects.create_same(&revision(serial, "json"), Bytes::from(manifest)).await?;
    if let (Some(first), Some(last)) = (now.entries.first(), now.entries.last()) {
        let name = archive(first.sequence, last.sequence);
        objects.create_same(&name, Bytes::from(lines::write(&now.entries))).await?;
    }
    Ok(Base { revision: made, trails: hash, reason })
}

/// Deletes what `current` does not name: folded segments, those of tries that were beaten, old revisions.
async fn sweep(objects: &Objects, now: &Known, gone: &[u64]) {
    let parts = |serial: &u64| ["json", "jsonl", "trails"].map(|part| revision(*serial, part));
    let mut names: Vec<String> = gone.iter().flat_map(parts).collect();
    if let Ok(segments) = objects.list("journal").await {
        // under our fence and every one before: a later holder's are not ours to judge
        let ours = |name: &String| {
            name.split_once('-')
                .and_then(|(fence, _)| fence.parse().ok())
                .is_some_and(|fence: u64| fence <= now.pointer.fence)
        };
        names.extend(segments.into_iter().filter(ours).map(|name| format!("journal/{name}")));
    }
    objects.discard(names).await;
}
