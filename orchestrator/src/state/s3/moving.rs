//! The prefix as a place that a state leaves, or arrives at. What a part is made of is put where it belongs, then `current`
//! is moved: nothing counts that it does not name.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::commit::{ATTEMPTS, Moved, move_pointer};
use super::compact::trail;
use super::known::{Places, parts};
use super::lines;
use super::objects::{Objects, Put};
use super::pointer::{Base, Pointer, Reason, archive, chunk, revision};
use super::{BucketBackend, Shared, probe};
use crate::state::StateError;
use crate::state::journal::{Hash, of_text};
use crate::state::lock::Lock;
use crate::state::movable::{Identity, Movable, Pages, Part, Remaining, Settled, Swap, Trails};
use crate::state::revision::{Chunk, Revision, cut, named, names};
use crate::state::standing::Standing;

/// So many objects are removed in one step.
const BATCH: usize = 1000;
/// So many requests at once.
const ABREAST: usize = 16;
/// The folders of everything but `current`; what names chunks goes after them.
const FOLDERS: [&str; 6] = ["chunks", "journal", "archive", "revisions", "listeners", "probe"];

impl Shared {
    /// Changes `current` alone: decides on what it says, moves it, and again if somebody else was first. What it names is
    /// not looked at, and may be damaged.
    pub(super) async fn repoint<T>(
        &self,
        decide: impl Fn(&mut Pointer) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let objects = self.objects()?;
        for _ in 0..ATTEMPTS {
            let mut known = self.known.lock().await;
            let Some(found) = objects.get("current").await? else { return Err(self.lost()) };
            let now = Pointer::read(&found.bytes, (&self.stack, &objects))?;
            let mut next = now.clone();
            let decided = decide(&mut next)?;
            if next == now {
                return Ok(decided);
            }
            if let Moved::Done(etag) = move_pointer(&objects, Some(&found.etag), &mut next).await? {
                match known.as_mut() {
                    // what is known of the state is what it still is
                    Some(known)
                        if known.etag == found.etag && (&next.base, &next.runs) == (&now.base, &now.runs) =>
                    {
                        (known.etag, known.pointer) = (etag, next);
                    }
                    _ => *known = None,
                }
                return Ok(decided);
            }
        }
        Err(StateError::Busy { location: self.place.to_string() })
    }

    /// Lets only the holder of the lock pass, where the place is what it was seen to be.
    fn guard(&self, pointer: &Pointer, lock: &Lock, from: &Standing) -> Result<(), StateError> {
        if !pointer.is_held_by(lock) {
            return Err(self.lost());
        }
        if pointer.standing() != *from {
            return Err(StateError::Replaced { location: self.place.to_string() });
        }
        Ok(())
    }

    /// Moves `current` to what a change makes of it, where lock and standing are what they have to be.
    async fn swap(
        &self,
        lock: &Lock,
        swap: Swap<'_>,
        change: impl Fn(&mut Pointer),
    ) -> Result<(), StateError> {
        self.repoint(|pointer| {
            self.guard(pointer, lock, swap.from)?;
            pointer.stand(swap.to);
            change(pointer);
            Ok(())
        })
        .await
    }
}

/// An object with exactly this content, whatever was there under its name.
async fn put(objects: &Objects, name: &str, bytes: &Bytes) -> Result<(), StateError> {
    let mut trouble = None;
    for _ in 0..ATTEMPTS {
        let first = objects.create(name, bytes.clone()).await;
        if matches!(first, Put::Done(_)) {
            return Ok(());
        }
        let put = match objects.get(name).await? {
            Some(there) if there.bytes == *bytes => return Ok(()),
            Some(there) => objects.replace(name, bytes.clone(), &there.etag).await,
            None => first,
        };
        match put {
            Put::Done(_) => return Ok(()),
            Put::Unknown(error) => trouble = Some(error),
            Put::Refused => {}
        }
    }
    let busy = || StateError::Busy { location: objects.location() };
    Err(trouble.map_or_else(busy, objects.failed("write")))
}

/// The same for many, some at once: nothing counts before `current` is moved.
async fn put_all(objects: &Objects, items: Vec<(String, Bytes)>) -> Result<(), StateError> {
    let put = |(name, bytes): (String, Bytes)| async move { put(objects, &name, &bytes).await };
    stream::iter(items).map(put).buffer_unordered(ABREAST).try_collect().await
}

/// The objects that a part is made of.
async fn items(objects: &Objects, part: &Part) -> Result<Vec<(String, Bytes)>, StateError> {
    match part {
        Part::Journal(entries) => Ok(match (entries.first(), entries.last()) {
            (Some(first), Some(last)) => {
                vec![(archive(first.sequence, last.sequence), Bytes::from(lines::write(entries)))]
            }
            _ => Vec::new(),
        }),
        Part::Revision(pages, trails) => {
            let Pages { revision: made, index, chunks } = &**pages;
            let texts = chunks.iter().map(|text| Chunk { digest: of_text(text), text: text.clone() });
            let trails = trails.as_ref().map(past).unwrap_or_default();
            let before = before(objects, made.serial).await?;
            let (mut places, mut items) = (Places::default(), Vec::new());
            for Chunk { digest, text } in texts.chain(trails.iter().cloned()) {
                // what the revision before has is there
                let serial = before.0.get(&digest.0).copied().unwrap_or(made.serial);
                items.push((chunk(serial, digest), Bytes::from(text)));
                places.0.insert(digest.0, serial);
            }
            items.sort_unstable_by(|one, other| one.0.cmp(&other.0));
            items.dedup_by(|one, other| one.0 == other.0);
            let parts = [
                ("index", index.clone().into_bytes()),
                ("trails", names(&trails).into_bytes()),
                ("places", places.written().into_bytes()),
                ("json", serde_json::to_vec(made).unwrap_or_default()),
            ];
            items.extend(parts.map(|(part, bytes)| (revision(made.serial, part), Bytes::from(bytes))));
            Ok(items)
        }
    }
}

/// How often each ref was changed, in chunks.
fn past(trails: &Trails) -> Vec<Chunk> {
    let trails: Vec<(String, String)> = trails.0.iter().map(trail).collect();
    cut(trails.iter().map(|(reference, line)| (reference.as_str(), line.as_str())))
}

/// Where the chunks of the revision before this one are. One that cannot be read is not shared with.
async fn before(objects: &Objects, serial: u64) -> Result<Places, StateError> {
    let serials = objects.list("revisions").await?;
    let serials = serials.iter().filter_map(|name| name.strip_suffix(".places")?.parse::<u64>().ok());
    let Some(before) = serials.filter(|found| *found < serial).max() else { return Ok(Places::default()) };
    let found = objects.get(&revision(before, "places")).await?;
    let places = found.and_then(|found| Places::read(std::str::from_utf8(&found.bytes).ok()?));
    Ok(places.unwrap_or_default())
}

/// The revision that everything starts from, once all of it is there.
fn base(settled: &Settled) -> Option<Base> {
    let last = settled.last.as_ref()?;
    let trails: Hash = of_text(&names(&past(&settled.trails)));
    Some(Base { revision: last.revision.clone(), trails, reason: Reason::Asked })
}

/// Removes objects. One that cannot be deleted is the first to be listed the next time, and is noticed then.
async fn remove(objects: &Objects, names: Vec<String>) -> Result<(), StateError> {
    let Some(first) = names.first().cloned() else { return Ok(()) };
    objects.discard(names).await;
    if objects.get(&first).await?.is_none() {
        return Ok(());
    }
    let (location, source) = (objects.location(), format!("{first} cannot be deleted").into());
    Err(StateError::Storage { location, step: "remove", source })
}

/// Some of what is there besides `current`.
async fn some(objects: &Objects) -> Result<Vec<String>, StateError> {
    for folder in FOLDERS {
        let names = objects.list(folder).await?;
        if !names.is_empty() {
            return Ok(names.into_iter().take(BATCH).map(|name| format!("{folder}/{name}")).collect());
        }
    }
    Ok(Vec::new())
}

#[async_trait]
impl Movable for BucketBackend {
    async fn standing(&self) -> Result<Standing, StateError> {
        let objects = self.shared.objects()?;
        match objects.get("current").await? {
            Some(found) => Ok(Pointer::read(&found.bytes, (&self.shared.stack, &objects))?.standing()),
            // the rest of a state without `current` is an error
            None => self.shared.current().await.map(|_| Standing::Nothing),
        }
    }

    async fn identity(&self) -> Result<Option<Identity>, StateError> {
        let objects = self.shared.objects()?;
        let Some(found) = objects.get("current").await? else { return Ok(None) };
        let whose = (&self.shared.stack, &*objects);
        Pointer::read(&found.bytes, whose)?.identity(whose).map(Some)
    }

    async fn stand(&self, lock: &Lock, swap: Swap<'_>) -> Result<(), StateError> {
        self.shared.swap(lock, swap, |_| {}).await
    }

    async fn prepare(&self, identity: &Identity, standing: &Standing) -> Result<(), StateError> {
        let objects = self.shared.objects()?;
        self.shared.probed.get_or_try_init(|| probe::probe(&objects)).await?;
        let mut pointer = Pointer::arriving(&self.shared.stack, identity, standing);
        // beaten: there is something by now
        let (Moved::Done(_) | Moved::Beaten) = move_pointer(&objects, None, &mut pointer).await?;
        Ok(())
    }

    async fn pages(&self, serial: u64) -> Result<Option<Pages>, StateError> {
        let objects = self.shared.objects()?;
        let Some(found) = objects.get(&revision(serial, "json")).await? else { return Ok(None) };
        let bad = || objects.damaged(format!("revision {serial} is not what was written"));
        let made: Revision = serde_json::from_slice(&found.bytes).map_err(|_| bad())?;
        let Some(parts) = parts(&objects, serial).await? else { return Err(bad()) };
        let digests = named(&parts.index).ok_or_else(bad)?;
        let chunks = super::known::chunks(&objects, (&parts.places, &digests)).await?.ok_or_else(bad)?;
        Ok(Some(Pages { revision: made, index: parts.index, chunks }))
    }

    async fn receive(&self, lock: &Lock, part: &Part, swap: Swap<'_>) -> Result<(), StateError> {
        self.shared.repoint(|pointer| self.shared.guard(pointer, lock, swap.from)).await?;
        let objects = self.shared.objects()?;
        put_all(&objects, items(&objects, part).await?).await?;
        if swap.from == swap.to {
            return Ok(());
        }
        self.shared.swap(lock, swap, |_| {}).await
    }

    async fn holds(&self, part: &Part) -> Result<bool, StateError> {
        let objects = self.shared.objects()?;
        let items = items(&objects, part).await?;
        let names = items.iter().map(|(name, _)| name.clone()).collect();
        let found = objects.get_all(names).await?;
        Ok(items.iter().zip(found).all(|((_, wanted), found)| found.as_ref() == Some(wanted)))
    }

    async fn settle(&self, lock: &Lock, settled: &Settled, swap: Swap<'_>) -> Result<(), StateError> {
        let base = base(settled);
        self.shared
            .swap(lock, swap, |next| {
                next.base = base.clone();
                next.revisions = settled.revisions.clone();
                next.move_to(settled.tip, settled.records.len() as u64);
            })
            .await
    }

    async fn discard(&self, of: Uuid) -> Result<(), StateError> {
        let objects = self.shared.objects()?;
        match self.standing().await? {
            Standing::Nothing => return Ok(()),
            Standing::Arriving(there, _) if there.id == of => {}
            _ => return Err(StateError::Replaced { location: objects.location() }),
        }
        loop {
            let names = some(&objects).await?;
            if names.is_empty() {
                break;
            }
            remove(&objects, names).await?;
        }
        // last: what is left of a copy without it would be taken for the rest of a state
        remove(&objects, vec!["current".to_owned()]).await?;
        *self.shared.known.lock().await = None;
        Ok(())
    }

    async fn strip(&self, lock: &Lock, standing: &Standing) -> Result<Remaining, StateError> {
        self.shared.repoint(|pointer| self.shared.guard(pointer, lock, standing)).await?;
        let objects = self.shared.objects()?;
        let names = some(&objects).await?;
        if names.is_empty() {
            return Ok(Remaining::Nothing);
        }
        remove(&objects, names).await?;
        Ok(Remaining::More)
    }
}
