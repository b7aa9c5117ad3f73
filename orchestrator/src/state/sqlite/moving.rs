//! The file as a place that a state leaves, or arrives at.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::column::Count;
use super::create::{self, STANDING};
use super::failure::{damaged, sql, storage};
use super::file::Place;
use super::load::{self, Header};
use super::locking::Key;
use super::{SqliteBackend, commit, revisions, writer};
use crate::state::backend::StateBackend;
use crate::state::journal::{Fold, Tip, of_record, of_text};
use crate::state::lock::Lock;
use crate::state::movable::{Birth, Identity, Movable, Pages, Part, Remaining, Settled, Swap};
use crate::state::revision::{Chunk, Written};
use crate::state::standing::Standing;
use crate::state::{FORMAT, Kind, MOVING, StateError};

/// So many rows are removed at once.
const BATCH: i64 = 512;

/// What is compared, and what is written, in one transaction.
#[derive(Clone)]
struct Guard {
    key: Key,
    from: Standing,
    to: Standing,
}

impl Guard {
    fn new(lock: &Lock, swap: Swap<'_>) -> Self {
        Self { key: Key::of(lock), from: swap.from.clone(), to: swap.to.clone() }
    }

    /// Does the work, if lock and standing are what they have to be.
    fn pass<T>(
        &self,
        connection: &mut Connection,
        place: &Place,
        work: impl FnOnce(&Transaction<'_>, &Header) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let failed = sql(place, "write");
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
        let header = load::header(&transaction, place)?;
        let (_, _, owner) = commit::header(&transaction).map_err(&failed)?;
        if owner != Some(self.key) {
            return Err(StateError::LockLost { location: place.location() });
        }
        if header.standing != self.from {
            return Err(StateError::Replaced { location: place.location() });
        }
        let done = work(&transaction, &header)?;
        if self.to != self.from {
            say(&transaction, &self.to).map_err(&failed)?;
        }
        transaction.commit().map_err(&failed)?;
        Ok(done)
    }
}

/// Writes what the place is. One that is no part of a move has no trace of it.
fn say(transaction: &Transaction<'_>, standing: &Standing) -> rusqlite::Result<()> {
    match standing.stored() {
        Some(text) => {
            transaction.execute_batch(STANDING)?;
            transaction.execute("INSERT OR REPLACE INTO standing (id, body) VALUES (1, ?1)", [text])?;
            transaction.pragma_update(None, "user_version", MOVING)
        }
        None => {
            transaction.execute_batch("DROP TABLE IF EXISTS standing")?;
            transaction.pragma_update(None, "user_version", FORMAT)
        }
    }
}

/// Looks without keeping the file open: whoever discards it must be alone.
fn look<T>(
    place: &Place,
    read: impl FnOnce(&Connection, Header) -> Result<T, StateError>,
) -> Result<Option<T>, StateError> {
    if !place.exists()? {
        return Ok(None);
    }
    let connection = place.open()?;
    let header = load::header(&connection, place)?;
    read(&connection, header).map(Some)
}

fn receive(transaction: &Transaction<'_>, part: &Part) -> rusqlite::Result<()> {
    match part {
        Part::Journal(entries) => {
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
            let range = params![Count(first.sequence), Count(last.sequence)];
            transaction.execute("DELETE FROM journal WHERE sequence BETWEEN ?1 AND ?2", range)?;
            entries.iter().try_for_each(|entry| commit::append(transaction, entry))
        }
        Part::Revision(pages, _) => {
            let Pages { revision, index, chunks } = &**pages;
            transaction.execute("DELETE FROM revision WHERE serial = ?1", [Count(revision.serial)])?;
            let chunks: Vec<Chunk> =
                chunks.iter().map(|text| Chunk { digest: of_text(text), text: text.clone() }).collect();
            for chunk in &chunks {
                transaction.prepare_cached("DELETE FROM chunk WHERE digest = ?1")?.execute([chunk.digest])?;
            }
            let written = Written { index: index.clone(), chunks, records: revision.records };
            revisions::insert(transaction, revision, &written)
        }
    }
}

fn settle(transaction: &Transaction<'_>, settled: &Settled, place: &Place) -> Result<(), StateError> {
    let failed = sql(place, "write");
    let Tip { serial, sequence, head, fold } = settled.tip;
    let write = || -> rusqlite::Result<Fold> {
        transaction.execute("DELETE FROM journal WHERE sequence > ?1", [Count(sequence)])?;
        transaction.execute("DELETE FROM record", [])?;
        let mut sum = Fold::EMPTY;
        for (reference, body) in &settled.records {
            let hash = of_record(reference.as_str(), body);
            sum = sum.plus(hash);
            transaction
                .prepare_cached("INSERT INTO record (reference, body, hash) VALUES (?1, ?2, ?3)")?
                .execute(params![reference.as_str(), body, hash])?;
        }
        transaction.execute(
            "UPDATE header SET serial = ?1, sequence = ?2, head = ?3, fold = ?4, records = ?5",
            params![Count(serial), Count(sequence), head, fold, Count(settled.records.len() as u64)],
        )?;
        Ok(sum)
    };
    if write().map_err(failed)? == fold {
        Ok(())
    } else {
        Err(damaged(place, "the records that arrived are not those that the journal ends with"))
    }
}

/// Whether what was read is what was wanted. Damage is an answer too.
fn same<T: PartialEq>(read: Result<Option<T>, StateError>, wanted: &T) -> Result<bool, StateError> {
    match read {
        Ok(found) => Ok(found.as_ref() == Some(wanted)),
        Err(error) if error.kind() == Kind::Refused => Ok(false),
        Err(error) => Err(error),
    }
}

fn discard(place: &Place, of: Uuid) -> Result<(), StateError> {
    if !place.exists()? {
        return Ok(());
    }
    let connection = place.open()?;
    match load::header(&connection, place)?.standing {
        Standing::Arriving(there, _) if there.id == of => {}
        _ => return Err(StateError::Replaced { location: place.location() }),
    }
    // ends the write-ahead log, which nobody else may have open
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0))
        .map_err(sql(place, "remove"))?;
    if mode != "delete" {
        return Err(StateError::Busy { location: place.location() });
    }
    connection.close().map_err(|(_, error)| sql(place, "remove")(error))?;
    std::fs::remove_file(&place.path).map_err(|error| storage(place, "remove", error))?;
    place.sync_folder()
}

/// Removes some rows, and at the end the pages they were on.
fn strip(connection: &mut Connection, place: &Place, guard: &Guard) -> Result<Remaining, StateError> {
    let tables = [("chunk", "digest"), ("revision", "serial"), ("record", "id"), ("journal", "sequence")];
    let gone = guard.pass(connection, place, |transaction, _| {
        for (table, key) in tables {
            let statement =
                format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} LIMIT {BATCH})");
            let gone = transaction.execute(&statement, []).map_err(sql(place, "remove"))?;
            if gone > 0 {
                return Ok(gone);
            }
        }
        transaction.execute("DROP TABLE IF EXISTS listener", []).map_err(sql(place, "remove"))?;
        Ok(0)
    })?;
    if gone > 0 {
        return Ok(Remaining::More);
    }
    connection
        .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .map_err(sql(place, "give back the space of"))?;
    Ok(Remaining::Nothing)
}

#[async_trait]
impl Movable for SqliteBackend {
    async fn standing(&self) -> Result<Standing, StateError> {
        let place = self.place.clone();
        let standing = move || look(&place, |_, header| Ok(header.standing));
        let found = writer::in_background(&self.place, standing).await?;
        Ok(found.unwrap_or(Standing::Nothing))
    }

    async fn identity(&self) -> Result<Option<Identity>, StateError> {
        let place = self.place.clone();
        let identity = move || {
            look(&place, |connection, header| {
                let fence = connection
                    .query_one("SELECT fence FROM lock WHERE id = 1", [], |row| row.get::<_, Count>(0))
                    .map_err(sql(&place, "read the lock of"))?
                    .0;
                let Header { born, lineage, canary, tip, records, .. } = header;
                let stack = place.stack.clone();
                Ok(Identity { stack, born, lineage, canary, tip, records, fence })
            })
        };
        writer::in_background(&self.place, identity).await
    }

    async fn stand(&self, lock: &Lock, swap: Swap<'_>) -> Result<(), StateError> {
        let guard = Guard::new(lock, swap);
        let writer = self.required().await?;
        writer.run(move |connection, place| guard.pass(connection, place, |_, _| Ok(()))).await
    }

    async fn prepare(&self, identity: &Identity, standing: &Standing) -> Result<(), StateError> {
        let Identity { born, lineage, ref canary, fence, .. } = *identity;
        let birth = Birth { born, lineage, canary: canary.to_text(), fence, standing: standing.stored() };
        let place = self.place.clone();
        writer::in_background(&self.place, move || create::state(&place, &birth)).await
    }

    async fn pages(&self, serial: u64) -> Result<Option<Pages>, StateError> {
        let Some(writer) = self.existing().await? else { return Ok(None) };
        writer.run(move |connection, place| pages(connection, place, serial)).await
    }

    async fn receive(&self, lock: &Lock, part: &Part, swap: Swap<'_>) -> Result<(), StateError> {
        let guard = Guard::new(lock, swap);
        let part = part.clone();
        self.required()
            .await?
            .run(move |connection, place| {
                guard.pass(connection, place, |transaction, _| {
                    receive(transaction, &part).map_err(sql(place, "write"))
                })
            })
            .await
    }

    async fn holds(&self, part: &Part) -> Result<bool, StateError> {
        match part {
            Part::Journal(entries) => {
                let after = entries.first().map_or(0, |entry| entry.sequence - 1);
                same(self.journal(after, entries.len()).await.map(Some), entries)
            }
            Part::Revision(wanted, _) => same(self.pages(wanted.revision.serial).await, &**wanted),
        }
    }

    async fn settle(&self, lock: &Lock, settled: &Settled, swap: Swap<'_>) -> Result<(), StateError> {
        let guard = Guard::new(lock, swap);
        let settled = settled.clone();
        self.required()
            .await?
            .run(move |connection, place| {
                guard.pass(connection, place, |transaction, _| settle(transaction, &settled, place))
            })
            .await
    }

    async fn discard(&self, of: Uuid) -> Result<(), StateError> {
        let place = self.place.clone();
        writer::in_background(&self.place, move || discard(&place, of)).await
    }

    async fn strip(&self, lock: &Lock, standing: &Standing) -> Result<Remaining, StateError> {
        let guard = Guard::new(lock, Swap { from: standing, to: standing });
        let writer = self.required().await?;
        writer.run(move |connection, place| strip(connection, place, &guard)).await
    }
}

/// A revision, letter by letter, whatever it is.
fn pages(connection: &Connection, place: &Place, serial: u64) -> Result<Option<Pages>, StateError> {
    let failed = sql(place, "read a revision of");
    let Some(revision) = revisions::one(connection, serial).map_err(&failed)? else { return Ok(None) };
    let index: Option<String> = connection
        .prepare_cached("SELECT body FROM revision WHERE serial = ?1")
        .and_then(|mut statement| statement.query_row([Count(serial)], |row| row.get(0)).optional())
        .map_err(&failed)?;
    let Some(index) = index else { return Ok(None) };
    let chunks = revisions::chunks(connection, &index).map_err(&failed)?;
    Ok(Some(Pages { revision, index, chunks }))
}
