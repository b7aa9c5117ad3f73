//! Reading what is past: the journal in archives and since then, and revisions.

use super::known::{Known, Parts, chunks, parts};
use super::lines;
use super::objects::Objects;
use super::pointer::{Pointer, range, revision};
use crate::name::{InstanceRef, StackName};
use crate::state::StateError;
use crate::state::backend::{Extent, Lineage};
use crate::state::journal::{Entry, Tip};
use crate::state::revision::{Revision, Snapshot, named};

/// Which entries are wanted.
pub(super) struct Wanted<'w> {
    pub(super) reference: Option<&'w InstanceRef>,
    pub(super) after: u64,
    pub(super) limit: usize,
}

/// Part of the journal, oldest first.
pub(super) async fn journal(
    objects: &Objects,
    now: &Known,
    wanted: Wanted<'_>,
) -> Result<Vec<Entry>, StateError> {
    let Wanted { reference, mut after, limit } = wanted;
    let fits = |entry: &Entry| reference.is_none_or(|reference| entry.reference == *reference);
    let mut found = Vec::new();
    let base = now.pointer.base.as_ref().map_or(0, |base| base.revision.sequence);
    if after < base {
        for name in archives(objects).await? {
            if found.len() >= limit {
                break;
            }
            let Some((_, to)) = range(&name).filter(|(_, to)| *to > after) else { continue };
            // several archives may tell the same entries: a compaction that was beaten leaves one behind
            let entries = archived(objects, &name).await?;
            let fresh = entries.into_iter().filter(|entry| entry.sequence > after && entry.sequence <= base);
            found.extend(fresh.filter(fits));
            after = after.max(to.min(base));
        }
    }
    let since = now.entries.iter().filter(|entry| entry.sequence > after && fits(entry));
    found.extend(since.cloned());
    found.truncate(limit);
    Ok(found)
}

async fn archives(objects: &Objects) -> Result<Vec<String>, StateError> {
    let mut names = objects.list("archive").await?;
    // of those that begin at the same entry, the longest first
    names.sort_by_key(|name| range(name).map(|(from, to)| (from, std::cmp::Reverse(to))));
    Ok(names)
}

async fn archived(objects: &Objects, name: &str) -> Result<Vec<Entry>, StateError> {
    let path = format!("archive/{name}");
    let found = objects.get(&path).await?.ok_or_else(|| objects.damaged(format!("{path} is missing")))?;
    lines::read(&found.bytes, (objects, &path))
}

/// The revisions there are, oldest first, each as it was written.
pub(super) async fn revisions(
    objects: &Objects,
    (stack, lineage): (&StackName, Lineage),
    pointer: &Pointer,
) -> Result<Vec<Revision>, StateError> {
    let names = pointer.revisions.iter().map(|serial| revision(*serial, "json")).collect();
    let mut found = Vec::new();
    for (serial, bytes) in pointer.revisions.iter().zip(objects.get_all(names).await?) {
        let bad = || objects.damaged(format!("revision {serial} is not what was written"));
        let bytes = bytes.ok_or_else(|| objects.damaged(format!("revision {serial} is missing")))?;
        let revision: Revision = serde_json::from_slice(&bytes).map_err(|_| bad())?;
        if revision.serial != *serial || !revision.is_sound(stack, lineage) {
            return Err(bad());
        }
        found.push(revision);
    }
    Ok(found)
}

/// What a revision holds.
pub(super) async fn snapshot(
    objects: &Objects,
    stack: &StackName,
    known: &Revision,
) -> Result<Snapshot, StateError> {
    let missing = || objects.damaged(format!("a part of revision {} is missing", known.serial));
    let Parts { index, places } = parts(objects, known.serial).await?.ok_or_else(missing)?;
    let digests = named(&index).ok_or_else(missing)?;
    let chunks = chunks(objects, (&places, &digests)).await?.ok_or_else(missing)?;
    known.open((stack, &objects.location()), (&index, &chunks))
}

/// Checks what is past, once what is current has been read anew.
pub(super) async fn verify(
    objects: &Objects,
    stack: &StackName,
    (now, extent): (&Known, Extent),
) -> Result<(), StateError> {
    let lineage = now.book.lineage;
    let revisions = revisions(objects, (stack, lineage), &now.pointer).await?;
    if extent == Extent::SinceRevision {
        return Ok(());
    }
    for revision in &revisions {
        snapshot(objects, stack, revision).await?;
    }
    let mut tip = Tip::start(now.pointer.origin((stack, lineage)));
    let mut passed = revisions.iter().peekable();
    loop {
        let wanted = Wanted { reference: None, after: tip.sequence, limit: 4096 };
        let page = journal(objects, now, wanted).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let expected = tip.sequence + 1;
            if !tip.follow(&entry) {
                return Err(
                    objects.damaged(format!("its journal is not what was written, at entry {expected}"))
                );
            }
            let here = passed.next_if(|revision| revision.sequence == tip.sequence);
            if here.is_some_and(|revision| revision.tip() != tip) {
                return Err(objects.damaged("a revision is not what its journal led to"));
            }
        }
    }
    if tip == now.book.tip && passed.peek().is_none() {
        Ok(())
    } else {
        Err(objects.damaged("its journal is shorter or longer than `current` says"))
    }
}
