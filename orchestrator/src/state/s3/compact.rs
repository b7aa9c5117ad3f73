//! Compaction: the records become a revision, the journal an archive, then `current` moves to start from there, and what
//! it does not need any more is deleted.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::commit::{ATTEMPTS, Moved, move_pointer};
use super::known::{Known, Parts, Places, parts, refresh};
use super::lines;
use super::objects::Objects;
use super::pointer::{Base, Reason, archive, chunk, revision};
use crate::faults;
use crate::name::{RecordKey, StackName};
use crate::state::StateError;
use crate::state::journal::{Hash, Stamp, Trail, of_text};
use crate::state::lock::Lock;
use crate::state::revision::{Chunk, Revision, Written, cut, expired, names};

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
        let (base, places) = write(objects, stack, (now, lock, reason)).await?;
        faults::pass("O22-written").await;
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
                (now.etag, now.pointer, now.places) = (etag, next, places);
                now.entries.clear();
                faults::pass("O22-named").await;
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
) -> Result<(Base, Places), StateError> {
    let serial = now.book.tip.serial;
    let written = now.book.revision();
    let trails: Vec<(String, String)> = now.book.trails().iter().map(trail).collect();
    let trails = cut(trails.iter().map(|(reference, line)| (reference.as_str(), line.as_str())));
    let past = names(&trails);
    let (mut places, mut new) = (Places::default(), Vec::new());
    for Chunk { digest, text } in written.chunks.iter().chain(&trails) {
        // what the revision before has is there
        let known = now.places.0.get(&digest.0).copied();
        if known.is_none() && !places.0.contains_key(&digest.0) {
            new.push((chunk(serial, *digest), Bytes::from(text.clone())));
        }
        places.0.insert(digest.0, known.unwrap_or(serial));
    }
    objects.create_all_same(new).await?;
    let made = manifest(objects, stack, (now, lock), &written).await?;
    let hash = of_text(&past);
    let parts = [
        ("index", written.index.into_bytes()),
        ("trails", past.into_bytes()),
        ("places", places.written().into_bytes()),
        ("json", serde_json::to_vec(&made).unwrap_or_default()),
    ];
    let mut items: Vec<_> =
        parts.into_iter().map(|(part, bytes)| (revision(serial, part), Bytes::from(bytes))).collect();
    if let (Some(first), Some(last)) = (now.entries.first(), now.entries.last()) {
        let entries = Bytes::from(lines::write(&now.entries));
        items.push((archive(first.sequence, last.sequence), entries));
    }
    objects.create_all_same(items).await?;
    Ok((Base { revision: made, trails: hash, reason }, places))
}

/// The past of one ref, as a line.
pub(super) fn trail((reference, trail): (&RecordKey, &Trail)) -> (String, String) {
    (reference.to_string(), serde_json::to_string(&(reference, trail)).unwrap_or_default())
}

/// What is to be known of the revision. One that an earlier try left is taken as it is: its clock was another one.
async fn manifest(
    objects: &Objects,
    stack: &StackName,
    (now, lock): (&Known, &Lock),
    written: &Written,
) -> Result<Revision, StateError> {
    let revision_of = |stamp| Revision::new((stack, now.book.lineage), now.book.tip, written, stamp);
    let left = objects.get(&revision(now.book.tip.serial, "json")).await?;
    let left: Option<Revision> = left.and_then(|found| serde_json::from_slice(&found.bytes).ok());
    let same = |left: &Revision| {
        let stamp = Stamp { at: left.at.clone(), who: String::new(), run: left.run.clone() };
        revision_of(stamp) == *left
    };
    Ok(left.filter(same).unwrap_or_else(|| revision_of(Stamp::now(lock))))
}

/// Deletes what `current` does not name: folded segments, those of tries that were beaten, old revisions and what only
/// they held.
async fn sweep(objects: &Objects, now: &Known, gone: &[u64]) {
    let mut names = match unshared(objects, now, gone).await {
        Ok(names) => names,
        Err(error) => {
            tracing::debug!(%error, "old revisions were left");
            Vec::new()
        }
    };
    if let Ok(segments) = objects.list("journal").await {
        // under our fence and every one before: a later holder's are not ours to judge
        let ours = |name: &String| {
            let fence = name.split_once('-').and_then(|(fence, _)| fence.parse::<u64>().ok());
            fence.is_some_and(|fence| fence <= now.pointer.fence)
        };
        names.extend(segments.into_iter().filter(ours).map(|name| format!("journal/{name}")));
    }
    objects.discard(names).await;
}

/// The parts of revisions that went, and the chunks that no other revision has.
async fn unshared(objects: &Objects, now: &Known, gone: &[u64]) -> Result<Vec<String>, StateError> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    let mut chunks: BTreeSet<String> = BTreeSet::new();
    let all = async |serials: &[u64]| -> Result<BTreeSet<String>, StateError> {
        let mut all = BTreeSet::new();
        for serial in serials {
            let Some(Parts { places, .. }) = parts(objects, *serial).await? else { continue };
            all.extend(places.0.iter().map(|(digest, serial)| chunk(*serial, Hash(*digest))));
        }
        Ok(all)
    };
    chunks.extend(all(gone).await?);
    let kept = all(&now.pointer.revisions).await?;
    names.extend(chunks.difference(&kept).cloned());
    for serial in gone {
        // what names the chunks goes last of all, so that a sweep that was cut off can be done again
        names.extend(["json", "index", "trails", "places"].map(|part| revision(*serial, part)));
    }
    Ok(names)
}
