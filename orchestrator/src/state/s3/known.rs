//! The state as this process knows it, brought up to date from `current` and what that names.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::lines::{self, Step};
use super::objects::{Found, Fresh, Objects};
use super::pointer::{Base, Pointer, chunk, revision, segment};
use crate::name::{RecordKey, StackName};
use crate::state::StateError;
use crate::state::book::Book;
use crate::state::journal::{Entry, Hash, Trail, of_text};
use crate::state::revision::{are, named};

/// `current`, and the state it stands for.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) etag: String,
    pub(super) pointer: Pointer,
    pub(super) book: Book,
    /// The journal since the current revision.
    pub(super) entries: Vec<Entry>,
    /// Where the chunks of the current revision are.
    pub(super) places: Places,
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
        if pointer.is_tombstone() {
            *known = Some(tombstone(objects, stack, (found, pointer))?);
            return Ok(());
        }
        if let Some(now) = follow(objects, (stack, before), (found, pointer)).await? {
            *known = Some(now);
            return Ok(());
        }
        // compacted meanwhile, or gone for good: `current` tells
    }
    Err(objects.damaged("a part of its journal is missing"))
}

/// What is known of a state that is elsewhere: where it stood.
fn tombstone(
    objects: &Objects,
    stack: &StackName,
    (found, pointer): (Found, Pointer),
) -> Result<Known, StateError> {
    let mut book = Book::new(stack.clone(), &pointer.seed(objects)?);
    book.tip = pointer.tip();
    Ok(Known { etag: found.etag, pointer, book, entries: Vec::new(), places: Places::default() })
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
    let (mut book, mut entries, places, had) = match usable {
        Some(Known { book, entries, pointer, places, .. }) => {
            (book, entries, places, pointer.segments().len())
        }
        None => match start(objects, stack, &pointer).await? {
            Some((book, places)) => (book, Vec::new(), places, 0),
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
    Ok(Some(Known { etag: found.etag, pointer, book, entries, places }))
}

/// The book as the current revision left it, and where its chunks are. Nothing when a part of it is not there.
async fn start(
    objects: &Objects,
    stack: &StackName,
    pointer: &Pointer,
) -> Result<Option<(Book, Places)>, StateError> {
    let seed = pointer.seed(objects)?;
    let mut book = Book::new(stack.clone(), &seed);
    book.tip.head = pointer.origin((stack, seed.lineage));
    let Some(Base { revision: base, trails, .. }) = &pointer.base else {
        return Ok(Some((book, Places::default())));
    };
    let bad = || objects.damaged(format!("revision {} is not what was written", base.serial));
    if !base.is_sound(stack, seed.lineage) {
        return Err(bad());
    }
    let (Some(parts), Some(past)) =
        (parts(objects, base.serial).await?, text(objects, &revision(base.serial, "trails")).await?)
    else {
        return Ok(None);
    };
    let digests = named(&parts.index).ok_or_else(bad)?;
    let Some(chunks) = chunks(objects, (&parts.places, &digests)).await? else { return Ok(None) };
    let snapshot = base.open((stack, &objects.location()), (&parts.index, &chunks))?;
    if of_text(&past) != *trails {
        return Err(bad());
    }
    let digests: Option<Vec<Hash>> = past.lines().map(|line| line.parse().ok()).collect();
    let digests = digests.ok_or_else(bad)?;
    let Some(past) = self::chunks(objects, (&parts.places, &digests)).await? else { return Ok(None) };
    if !are(&past, &digests) {
        return Err(bad());
    }
    let told = |line: &str| serde_json::from_str::<(RecordKey, Trail)>(line).map_err(|_| bad());
    let trails: Result<HashMap<RecordKey, Trail>, StateError> =
        past.iter().flat_map(|chunk| chunk.lines()).map(told).collect();
    book.restore(&snapshot, &chunks, trails?);
    Ok(Some((book, parts.places)))
}

/// Which revision wrote a chunk first, and so where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places(pub(super) BTreeMap<[u8; 32], u64>);

impl Places {
    /// One line for each.
    pub(super) fn written(&self) -> String {
        self.0.iter().map(|(digest, serial)| format!("{serial} {}\n", Hash(*digest))).collect()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let place = |line: &str| {
            let (serial, digest) = line.split_once(' ')?;
            Some((digest.parse::<Hash>().ok()?.0, serial.parse().ok()?))
        };
        text.lines().map(place).collect::<Option<_>>().map(Self)
    }

    /// What the chunk is called.
    pub(super) fn name(&self, digest: Hash) -> Option<String> {
        self.0.get(&digest.0).map(|serial| chunk(*serial, digest))
    }
}

/// What a revision names.
pub(super) struct Parts {
    pub(super) index: String,
    pub(super) places: Places,
}

/// What a revision names. Nothing when a part of it is not there.
pub(super) async fn parts(objects: &Objects, serial: u64) -> Result<Option<Parts>, StateError> {
    let (index, places) = (revision(serial, "index"), revision(serial, "places"));
    let (Some(index), Some(places)) = (text(objects, &index).await?, text(objects, &places).await?) else {
        return Ok(None);
    };
    let bad = || objects.damaged(format!("revision {serial} is not what was written"));
    Ok(Some(Parts { index, places: Places::read(&places).ok_or_else(bad)? }))
}

/// Chunks, in this order. Nothing when one of them is not there.
pub(super) async fn chunks(
    objects: &Objects,
    (places, digests): (&Places, &[Hash]),
) -> Result<Option<Vec<String>>, StateError> {
    let names: Option<Vec<String>> = digests.iter().map(|digest| places.name(*digest)).collect();
    let bad = |what: &str| objects.damaged(format!("a chunk of a revision {what}"));
    let found = objects.get_all(names.ok_or_else(|| bad("has no place"))?).await?;
    let Some(found) = found.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).map_err(|_| bad("is not what was written"));
    found.into_iter().map(text).collect::<Result<_, _>>().map(Some)
}

async fn text(objects: &Objects, name: &str) -> Result<Option<String>, StateError> {
    let Some(found) = objects.get(name).await? else { return Ok(None) };
    let bad = |_| objects.damaged(format!("{name} is not what was written"));
    String::from_utf8(found.bytes.to_vec()).map(Some).map_err(bad)
}
