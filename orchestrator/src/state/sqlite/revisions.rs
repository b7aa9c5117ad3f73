//! Revisions: made in one transaction that compares the lock, read against their hashes.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::column::Count;
use super::commit;
use super::failure::{damaged, sql};
use super::file::Place;
use super::load;
use super::locking::Key;
use crate::state::StateError;
use crate::state::journal::{Hash, Stamp};
use crate::state::lock::Lock;
use crate::state::revision::{Chunk, Revision, Snapshot, Writing, Written, expired, named};

const COLUMNS: &str = "SELECT serial, sequence, head, fold, records, digest, run, at, hash";

/// Who makes a revision, and how many are kept.
pub(super) struct Compaction {
    key: Key,
    stamp: Stamp,
    kept: usize,
}

impl Compaction {
    pub(super) fn new(lock: &Lock, kept: usize) -> Self {
        Self { key: Key::of(lock), stamp: Stamp::at(Timestamp::now(), lock), kept }
    }
}

/// Makes a revision, if anything was committed since the last one.
pub(super) fn make(
    connection: &mut Connection,
    place: &Place,
    compaction: Compaction,
) -> Result<Option<Revision>, StateError> {
    let failed = sql(place, "write a revision of");
    let Compaction { key, stamp, kept } = compaction;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let header = load::header(&transaction, place)?;
    let (tip, _, owner) = commit::header(&transaction).map_err(&failed)?;
    if owner != Some(key) {
        return Err(StateError::LockLost { location: place.location() });
    }
    let mut serials: Vec<u64> =
        list(&transaction, place)?.into_iter().map(|revision| revision.serial).collect();
    if tip.serial == serials.last().copied().unwrap_or(0) {
        return Ok(None);
    }
    let written = written(&transaction, place).map_err(&failed)?;
    let revision = Revision::new((&place.stack, header.lineage), tip, &written, stamp);
    insert(&transaction, &revision, &written).map_err(&failed)?;
    serials.push(revision.serial);
    let gone = expired(&serials, kept);
    for serial in &gone {
        transaction.execute("DELETE FROM revision WHERE serial = ?1", [Count(*serial)]).map_err(&failed)?;
    }
    if !gone.is_empty() {
        sweep(&transaction).map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)?;
    Ok(Some(revision))
}

/// A revision of what is recorded now; all chunks but the last are stored on the way.
fn written(connection: &Connection, place: &Place) -> rusqlite::Result<Written> {
    let mut statement = connection.prepare_cached("SELECT reference, body FROM record ORDER BY reference")?;
    let (mut rows, mut writing) = (statement.query([])?, Writing::begin(&place.stack));
    while let Some(row) = rows.next()? {
        let (reference, body) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        if let Some(chunk) = writing.take(reference, body) {
            store(connection, &chunk)?;
        }
    }
    Ok(writing.end())
}

fn store(connection: &Connection, Chunk { digest, text }: &Chunk) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO chunk (digest, body) VALUES (?1, ?2)")?
        .execute(params![digest, text])
        .map(|_| ())
}

/// Stores a revision; chunks that are there stay.
pub(super) fn insert(
    connection: &Connection,
    revision: &Revision,
    written: &Written,
) -> rusqlite::Result<()> {
    written.chunks.iter().try_for_each(|chunk| store(connection, chunk))?;
    let columns = "serial, sequence, head, fold, records, digest, run, at, hash, body";
    connection
        .prepare_cached(&format!(
            "INSERT INTO revision ({columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        ))?
        .execute(params![
            Count(revision.serial),
            Count(revision.sequence),
            revision.head,
            revision.fold,
            Count(revision.records),
            revision.digest,
            revision.run,
            revision.at,
            revision.hash,
            written.index,
        ])
        .map(|_| ())
}

/// Deletes the chunks that no revision names any more.
fn sweep(connection: &Connection) -> rusqlite::Result<()> {
    let mut indexes = connection.prepare_cached("SELECT body FROM revision")?;
    let indexes: Vec<String> = indexes.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let wanted: HashSet<[u8; 32]> =
        indexes.iter().filter_map(|index| named(index)).flatten().map(|digest| digest.0).collect();
    let mut chunks = connection.prepare_cached("SELECT digest FROM chunk")?;
    let chunks: Vec<Hash> = chunks.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for chunk in chunks.iter().filter(|chunk| !wanted.contains(&chunk.0)) {
        connection.prepare_cached("DELETE FROM chunk WHERE digest = ?1")?.execute([chunk])?;
    }
    Ok(())
}

/// The revisions there are, oldest first, each as it was written.
pub(super) fn list(connection: &Connection, place: &Place) -> Result<Vec<Revision>, StateError> {
    let header = load::header(connection, place)?;
    if header.format < 2 {
        return Ok(Vec::new());
    }
    let revisions: Vec<Revision> = connection
        .prepare_cached(&format!("{COLUMNS} FROM revision ORDER BY serial"))
        .and_then(|mut statement| statement.query_map([], revision)?.collect())
        .map_err(sql(place, "read the revisions of"))?;
    match revisions.iter().find(|revision| !revision.is_sound(&place.stack, header.lineage)) {
        Some(unsound) => Err(damaged(place, format!("revision {} is not what was written", unsound.serial))),
        None => Ok(revisions),
    }
}

/// What a revision holds.
pub(super) fn read(
    connection: &Connection,
    place: &Place,
    serial: u64,
) -> Result<Option<Snapshot>, StateError> {
    let Some(revision) = list(connection, place)?.into_iter().find(|revision| revision.serial == serial)
    else {
        return Ok(None);
    };
    let text: Option<String> = connection
        .prepare_cached("SELECT body FROM revision WHERE serial = ?1")
        .and_then(|mut statement| statement.query_row([Count(serial)], |row| row.get(0)).optional())
        .map_err(sql(place, "read a revision of"))?;
    let Some(index) = text else { return Ok(None) };
    let chunks = chunks(connection, &index).map_err(sql(place, "read a revision of"))?;
    revision.open((&place.stack, &place.location()), (&index, &chunks)).map(Some)
}

/// The chunks that an index names. One that is missing shows when the revision is opened.
pub(super) fn chunks(connection: &Connection, index: &str) -> rusqlite::Result<Vec<String>> {
    let mut chunks = Vec::new();
    for digest in named(index).unwrap_or_default() {
        let chunk: Option<String> = connection
            .prepare_cached("SELECT body FROM chunk WHERE digest = ?1")?
            .query_row([digest], |row| row.get(0))
            .optional()?;
        chunks.extend(chunk);
    }
    Ok(chunks)
}

/// What is known of one revision, whatever it says.
pub(super) fn one(connection: &Connection, serial: u64) -> rusqlite::Result<Option<Revision>> {
    connection
        .prepare_cached(&format!("{COLUMNS} FROM revision WHERE serial = ?1"))?
        .query_row([Count(serial)], revision)
        .optional()
}

fn revision(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        serial: row.get::<_, Count>(0)?.0,
        sequence: row.get::<_, Count>(1)?.0,
        head: row.get(2)?,
        fold: row.get(3)?,
        records: row.get::<_, Count>(4)?.0,
        digest: row.get(5)?,
        run: row.get(6)?,
        at: row.get(7)?,
        hash: row.get(8)?,
    })
}
