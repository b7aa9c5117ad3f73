//! Writing: a segment that only we can have named, then `current`, moved from the one we know to the next.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::history::{self, Wanted};
use super::known::{Known, refresh};
use super::lines::{self, Step};
use super::objects::{Fresh, Objects, Put};
use super::pointer::{Pointer, segment};
use crate::name::StackName;
use crate::state::StateError;
use crate::state::journal::Stamp;
use crate::state::lock::Lock;
use crate::state::prepare::Prepared;

/// How often a write is decided again because somebody else moved `current`, or nobody knows whether we did.
pub(super) const ATTEMPTS: u32 = 12;

/// A commit that waits for its answer.
pub(super) struct Waiting {
    pub(super) lock: Lock,
    pub(super) changes: Vec<Prepared>,
    pub(super) done: oneshot::Sender<Result<u64, StateError>>,
}

/// The serial after it, or that the lock was not ours any more.
type Outcome = Option<u64>;

/// What came of moving `current`.
pub(super) enum Moved {
    /// It is ours now; its ETag.
    Done(String),
    /// Somebody else moved it first.
    Beaten,
}

/// Moves `current` from the one with this ETag, or makes it. A lost answer is looked up: the writing has a name.
pub(super) async fn move_pointer(
    objects: &Objects,
    etag: Option<&str>,
    pointer: &mut Pointer,
) -> Result<Moved, StateError> {
    let bytes = Bytes::from(pointer.written());
    let mut attempt = 0;
    loop {
        let put = match etag {
            Some(etag) => objects.replace("current", bytes.clone(), etag).await,
            None => objects.create("current", bytes.clone()).await,
        };
        let trouble = match put {
            Put::Done(etag) => return Ok(Moved::Done(etag)),
            Put::Refused => None,
            Put::Unknown(error) => Some(error),
        };
        let found = objects.get("current").await?;
        match (&found, trouble) {
            (Some(found), _) if found.bytes == bytes => return Ok(Moved::Done(found.etag.clone())),
            (found, Some(error)) if found.as_ref().map(|found| found.etag.as_str()) == etag => {
                attempt += 1;
                if attempt >= ATTEMPTS {
                    return Err(objects.failed("write")(error));
                }
                tracing::debug!(%error, attempt, "`current` is moved again");
            }
            _ => return Ok(Moved::Beaten),
        }
    }
}

/// Commits the group and answers each, after everything is durable.
pub(super) async fn group(
    objects: &Objects,
    stack: &StackName,
    (known, group): (&mut Option<Known>, Vec<Waiting>),
) {
    let (work, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|one| ((one.lock, one.changes), one.done)).unzip();
    let outcomes = write(objects, stack, (known, &work)).await;
    if outcomes.is_err() {
        *known = None;
    }
    match outcomes {
        Ok(outcomes) => {
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                let lost = || StateError::LockLost { location: objects.location() };
                let _ = answer.send(outcome.ok_or_else(lost));
            }
        }
        Err(error) => error.share(answers),
    }
}

async fn write(
    objects: &Objects,
    stack: &StackName,
    (known, group): (&mut Option<Known>, &[(Lock, Vec<Prepared>)]),
) -> Result<Vec<Outcome>, StateError> {
    for _ in 0..ATTEMPTS {
        // our own last writing is what is there, most of the time: asking costs a request, and the write tells too
        let ours = |now: &Known| group.iter().all(|(lock, _)| now.pointer.is_held_by(lock));
        if !known.as_ref().is_some_and(ours) {
            refresh(objects, stack, known).await?;
        }
        let Some(mut now) = known.take() else {
            return Ok(group.iter().map(|_| None).collect());
        };
        let (outcomes, steps) = place(&mut now, group);
        if steps.is_empty() {
            // nothing to write: that the lock is still ours must be asked
            if outcomes.iter().any(Option::is_none) || asked(objects, &now).await? {
                *known = Some(now);
                return Ok(outcomes);
            }
            continue;
        }
        let bytes = Bytes::from(lines::write(&steps));
        let number = create_segment(objects, (now.pointer.fence, &now.pointer), bytes).await?;
        now.pointer.push(now.pointer.fence, number);
        now.pointer.move_to(now.book.tip, now.book.len() as u64);
        match move_pointer(objects, Some(&now.etag), &mut now.pointer).await? {
            Moved::Done(etag) => {
                now.etag = etag;
                now.entries.extend(steps.into_iter().map(|step| step.entry));
                *known = Some(now);
                return Ok(outcomes);
            }
            // the segment is nobody's now, and the next compaction sweeps it; unless we were first, and never heard of it
            Moved::Beaten => {
                if is_written(objects, stack, (known, &steps)).await? {
                    return Ok(outcomes);
                }
            }
        }
    }
    Err(StateError::Busy { location: objects.location() })
}

/// Whether the journal has these steps in their places.
async fn is_written(
    objects: &Objects,
    stack: &StackName,
    (known, steps): (&mut Option<Known>, &[Step]),
) -> Result<bool, StateError> {
    refresh(objects, stack, known).await?;
    let (Some(now), Some(first)) = (known.as_ref(), steps.first()) else { return Ok(false) };
    let wanted = Wanted { reference: None, after: first.entry.sequence - 1, limit: 1 };
    let found = history::journal(objects, now, wanted).await?;
    Ok(found.first().is_some_and(|entry| entry.change == first.entry.change))
}

/// Whether what is known is what is there.
async fn asked(objects: &Objects, now: &Known) -> Result<bool, StateError> {
    let fresh = objects.get_unless("current", Some(&now.etag)).await?;
    Ok(matches!(fresh, Fresh::Same))
}

/// Puts each commit whose lock is the one that is held into the book.
fn place(now: &mut Known, group: &[(Lock, Vec<Prepared>)]) -> (Vec<Outcome>, Vec<Step>) {
    let (mut outcomes, mut steps) = (Vec::with_capacity(group.len()), Vec::new());
    let at = jiff::Timestamp::now();
    for (lock, changes) in group {
        if !now.pointer.is_held_by(lock) {
            outcomes.push(None);
            continue;
        }
        steps.extend(now.book.commit(&Stamp::at(at, lock), changes).into_iter().filter_map(Step::new));
        outcomes.push(Some(now.book.tip.serial));
    }
    (outcomes, steps)
}

/// Creates the next segment under this fence; its number. One that is there already is an earlier try of ours.
async fn create_segment(
    objects: &Objects,
    (fence, pointer): (u64, &Pointer),
    bytes: Bytes,
) -> Result<u64, StateError> {
    let mut number = pointer.number + 1;
    let mut attempt = 0;
    loop {
        let name = segment((fence, number));
        match objects.create(&name, bytes.clone()).await {
            Put::Done(_) => return Ok(number),
            put => match objects.get(&name).await? {
                Some(found) if found.bytes == bytes => return Ok(number),
                Some(_) => number += 1,
                None => {
                    attempt += 1;
                    if let (Put::Unknown(error), true) = (put, attempt >= ATTEMPTS) {
                        return Err(objects.failed("write")(error));
                    }
                }
            },
        }
    }
}
