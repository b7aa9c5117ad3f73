//! Writing a group of commits in one transaction.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::column::Count;
use super::failure::sql;
use super::file::Place;
use super::locking::Key;
use super::recent::Recent;
use crate::name::RecordKey;
use crate::state::StateError;
use crate::state::journal::{Entry, Hash, Stamp, Tip, Trail};
use crate::state::prepare::{Before, Prepared, Written};

/// A commit that waits for its answer.
pub(super) struct Waiting {
    pub(super) key: Key,
    pub(super) stamp: Stamp,
    pub(super) changes: Vec<Prepared>,
    pub(super) done: oneshot::Sender<Result<u64, StateError>>,
}

/// The serial after it, or that the lock was not ours any more.
type Outcome = Option<u64>;

/// Commits the group and answers each, after the flush.
pub(super) fn group(
    connection: &mut rusqlite::Connection,
    place: &Place,
    (recent, group): (&mut Recent, Vec<Waiting>),
) {
    let (work, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|one| ((one.key, one.stamp, one.changes), one.done)).unzip();
    match write(connection, recent, work) {
        Ok(outcomes) => {
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                let lost = || StateError::LockLost { location: place.location() };
                let _ = answer.send(outcome.ok_or_else(lost));
            }
        }
        Err(error) => sql(place, "write")(error).share(answers),
    }
}

fn write(
    connection: &mut rusqlite::Connection,
    recent: &mut Recent,
    group: Vec<(Key, Stamp, Vec<Prepared>)>,
) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut tip, mut records, owner) = header(&transaction)?;
    let mut known = recent.since(&tip);
    let mut outcomes = Vec::with_capacity(group.len());
    for (key, stamp, changes) in group {
        if owner.as_ref() != Some(&key) {
            outcomes.push(None);
            continue;
        }
        let serial = tip.serial + u64::from(!changes.is_empty());
        for change in changes {
            records += apply(&transaction, (&mut tip, &mut known), (serial, &stamp), change)?;
        }
        tip.serial = serial;
        outcomes.push(Some(serial));
    }
    let Tip { serial, sequence, head, fold } = tip;
    transaction
        .prepare_cached("UPDATE header SET serial = ?1, sequence = ?2, head = ?3, fold = ?4, records = ?5")?
        .execute(params![Count(serial), Count(sequence), head, fold, records])?;
    transaction.commit()?;
    *recent = known.at(tip);
    Ok(outcomes)
}

/// Where the journal stands, how many records there are, and who may write.
pub(super) fn header(transaction: &Transaction<'_>) -> rusqlite::Result<(Tip, i64, Option<Key>)> {
    transaction
        .prepare_cached(
            "SELECT h.serial, h.sequence, h.head, h.fold, h.records, h.lineage, l.fence, l.token \
             FROM header h, lock l WHERE h.id = 1 AND l.id = 1",
        )?
        .query_one([], |row| {
            let tip = Tip {
                serial: row.get::<_, Count>(0)?.0,
                sequence: row.get::<_, Count>(1)?.0,
                head: row.get(2)?,
                fold: row.get(3)?,
            };
            Ok((tip, row.get(4)?, Key::from_row(row.get(5)?, row.get(6)?, row.get(7)?)))
        })
}

/// Writes one change and its journal entry; returns how many records there are more.
fn apply(
    transaction: &Transaction<'_>,
    (tip, known): (&mut Tip, &mut Recent),
    (serial, stamp): (u64, &Stamp),
    change: Prepared,
) -> rusqlite::Result<i64> {
    let reference = change.reference.as_str();
    let before = match known.take(&change.reference) {
        Some(before) => before,
        None => before(transaction, &change.reference)?,
    };
    let (was, is) = (before.record.is_some(), change.record.is_some());
    match &change.record {
        Some(Written { body, hash }) => transaction
            .prepare_cached(
                "INSERT INTO record (reference, body, hash) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (reference) DO UPDATE SET body = excluded.body, hash = excluded.hash",
            )?
            .execute(params![reference, body, hash])?,
        None => {
            transaction.prepare_cached("DELETE FROM record WHERE reference = ?1")?.execute([reference])?
        }
    };
    let entry = tip.advance(serial, stamp, change.place(&before));
    append(transaction, &entry)?;
    known.keep(change.reference.clone(), Before::after(&change, Trail::told_by(&entry)));
    Ok(i64::from(is) - i64::from(was))
}

/// What is stored of a ref.
fn before(transaction: &Transaction<'_>, reference: &RecordKey) -> rusqlite::Result<Before> {
    let record = transaction
        .prepare_cached("SELECT body, hash FROM record WHERE reference = ?1")?
        .query_row([reference.as_str()], |row| Ok(Written { body: row.get(0)?, hash: row.get(1)? }))
        .optional()?;
    let last = transaction
        .prepare_cached(
            "SELECT ordinal, incarnation, record IS NOT NULL FROM journal WHERE reference = ?1 \
             ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row([reference.as_str()], |row| {
            let (ordinal, incarnation) = (row.get::<_, Count>(0)?.0, row.get::<_, Count>(1)?.0);
            Ok(Trail { ordinal, incarnation, alive: row.get(2)? })
        })
        .optional()?;
    let trail = match last {
        Some(Trail { ordinal: 0, .. }) => count(transaction, reference)?,
        Some(trail) => trail,
        None => Trail::default(),
    };
    Ok(Before::stored(record, trail))
}

/// The past of a ref whose last entry is of the time when changes were not counted.
fn count(transaction: &Transaction<'_>, reference: &RecordKey) -> rusqlite::Result<Trail> {
    let mut statement =
        transaction.prepare("SELECT record FROM journal WHERE reference = ?1 ORDER BY sequence")?;
    let mut rows = statement.query([reference.as_str()])?;
    let mut trail = Trail::default();
    while let Some(row) = rows.next()? {
        trail = trail.after(row.get::<_, Option<Hash>>(0)?);
    }
    Ok(trail)
}

/// Writes a line of the journal.
pub(super) fn append(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO journal (sequence, serial, at, who, run, reference, what, record, fold, hash, \
             format, change, ordinal, incarnation, transitions) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            Count(entry.sequence),
            Count(entry.serial),
            entry.at,
            entry.who,
            entry.run,
            entry.reference.as_str(),
            entry.what,
            entry.record,
            entry.fold,
            entry.hash,
            entry.format,
            entry.change.as_bytes(),
            Count(entry.ordinal),
            Count(entry.incarnation),
            entry.transitions_text(),
        ])?;
    Ok(())
}
