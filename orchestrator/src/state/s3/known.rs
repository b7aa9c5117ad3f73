//! The state as this process knows it, brought up to date from `current` and what that names.

use std::collections::HashMap;

use bytes::Bytes;

use super::lines::{self, Step};
use super::objects::{Found, Fresh, Objects};
use super::pointer::{Base, Pointer, revision, segment};
use crate::name::{InstanceRef, StackName};
use crate::state::StateError;
use crate::state::book::Book;
use crate::state::journal::{Entry, Trail, of_text};
use crate::state::revision::Snapshot;

/// `current`, and the state it stands for.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) etag: String,
    pub(super) pointer: Pointer,
    pub(super) book: Book,
    /// The journal since the current revision.
    pub(super) entries: Vec<Entry>,
}

/// A reader may find that what it is about to read was compacted away: it starts again this often.
const ATTEMPTS: u32 = 8;

/// Brings what is known up to date. Nothing when there is no state.
pub(super) async fn refresh(
    objects: &Objects,
    stack: &StackName,
    known: &mut Option<Known>,
) -> Result<(), StateError> {
    for _ in 0..ATTEMPTS {
        let etag = known.as_ref().map(|known| known.etag.clone());
        let found = match objects.get_unless("current", etag.as_deref()).await? {
            Fresh::Same => return Ok(()),
            Fresh::Missing => {
                *known = None;
                return leftovers(objects).await;
            }
            Fresh::Found(found) => found,
        };
        let pointer = Pointer::read(&found.bytes, (stack, objects))?;
        let before = known.take();
        match follow(objects, (stack, before), (found, pointer)).await? {
            Some(now) => {
                *known = Some(now);
                return Ok(());
            }
            // compacted meanwhile, or gone for good: `current` tells
            None => {}
        }
    }
    Err(objects.damaged("a part of its journal is missing"))
}

/// Without `current`, nothing else may be there: it would be the rest of a state.
async fn leftovers(objects: &Objects) -> Result<(), StateError> {
    if objects.list("revisions").await?.is_empty() && objects.list("journal").await?.is_empty() {
        Ok(())
    } else {
        Err(objects.damaged("`current` is gone, but revisions or the journal are still there"))
    }
}

async fn follow(
    objects: &Objects,
    (stack, before): (&StackName, Option<Known>),
    (found, pointer): (Found, Pointer),
) -> Result<Option<Known>, StateError> {
    let wanted = pointer.segments();
    let usable = before.filter(|before| {
        before.pointer.base == pointer.base && wanted.starts_with(&before.pointer.segments())
    });
    let (mut book, mut entries, had) = match usable {
        Some(Known { book, entries, pointer, .. }) => (book, entries, pointer.segments().len()),
        None => match start(objects, stack, &pointer).await? {
            Some(book) => (book, Vec::new(), 0),
            None => return Ok(None),
        },
    };
    let names: Vec<String> = wanted[had..].iter().map(|place| segment(*place)).collect();
    let parts = objects.get_all(names.clone()).await?;
    for (name, part) in names.iter().zip(parts) {
        let Some(part) = part else { return Ok(None) };
        for Step { entry, body } in lines::read::<Step>(&part, (objects, name))? {
            if !book.replay(&entry, body.as_deref().map(serde_json::value::RawValue::get)) {
                return Err(objects.damaged(format!("its journal is not what was written, at {name}")));
            }
            entries.push(entry);
        }
    }
    if book.tip != pointer.tip() || book.len() as u64 != pointer.records || book.fold() != book.tip.fold {
        return Err(objects.damaged("`current` and what it names disagree"));
    }
    Ok(Some(Known { etag: found.etag, pointer, book, entries }))
}

/// The book as the current revision left it. Nothing when a part of it is not there.
async fn start(objects: &Objects, stack: &StackName, pointer: &Pointer) -> Result<Option<Book>, StateError> {
    let seed = pointer.seed(objects)?;
    let mut book = Book::new(stack.clone(), &seed);
    let origin = pointer.origin((stack, seed.lineage));
    book.tip.head = origin;
    let Some(Base { revision: base, trails, .. }) = &pointer.base else { return Ok(Some(book)) };
    let names = vec![revision(base.serial, "jsonl"), revision(base.serial, "trails")];
    let [Some(body), Some(past)] = objects.get_all(names).await?.try_into().unwrap_or([None, None]) else {
        return Ok(None);
    };
    let bad = || objects.damaged(format!("revision {} is not what was written", base.serial));
    if !base.is_sound(stack, seed.lineage) {
        return Err(bad());
    }
    let snapshot = opened(objects, stack, (base, &body))?;
    let text = std::str::from_utf8(&past).map_err(|_| bad())?;
    if of_text(text) != *trails {
        return Err(bad());
    }
    let past: HashMap<InstanceRef, Trail> = serde_json::from_str(text).map_err(|_| bad())?;
    book.restore(&snapshot, std::str::from_utf8(&body).map_err(|_| bad())?, past);
    Ok(Some(book))
}

/// A revision, as its body tells.
pub(super) fn opened(
    objects: &Objects,
    stack: &StackName,
    (revision, body): (&crate::state::revision::Revision, &Bytes),
) -> Result<Snapshot, StateError> {
    let bad = || objects.damaged(format!("revision {} is not what was written", revision.serial));
    let body = std::str::from_utf8(body).map_err(|_| bad())?;
    revision.open((stack, &objects.location()), body)
}
