//! Reading: the header first, then records, each against its hash and all against the journal's last word.

use rusqlite::{Connection, OptionalExtension, Row};
use sutler_secrets::Sealed;
use uuid::Uuid;

use super::column::Count;
use super::failure::{damaged, sql};
use super::file::Place;
use crate::name::{InstanceRef, RecordKey};
use crate::state::backend::{Lineage, State};
use crate::state::journal::{Entry, Fold, Hash, Tip, of_record, origin};
use crate::state::ledger::Rows;
use crate::state::standing::Standing;
use crate::state::{MOVING, StateError};

/// Whose state it is, and where it stands.
pub(super) struct Header {
    pub(super) lineage: Lineage,
    pub(super) canary: Sealed,
    pub(super) origin: Hash,
    pub(super) tip: Tip,
    /// The format it has at this moment.
    pub(super) format: i64,
    pub(super) records: u64,
    /// The format it was made in.
    pub(super) born: i64,
    /// What the place is, in a move.
    pub(super) standing: Standing,
}

/// The header, once it is known to be this stack's and as it was written.
pub(super) fn header(connection: &Connection, place: &Place) -> Result<Header, StateError> {
    let format = place.format(connection)?;
    let born = if format > 1 { "born" } else { "1" };
    let columns = "stack, lineage, canary, origin, serial, sequence, head, fold, records";
    let (stack, lineage, canary, written, tip, records, born) = connection
        .prepare_cached(&format!("SELECT {columns}, {born} FROM header"))
        .and_then(|mut statement| {
            statement.query_one([], |row| {
                let text = |at: usize| row.get::<_, String>(at);
                let tip = Tip {
                    serial: row.get::<_, Count>(4)?.0,
                    sequence: row.get::<_, Count>(5)?.0,
                    head: row.get(6)?,
                    fold: row.get(7)?,
                };
                Ok((text(0)?, text(1)?, text(2)?, row.get(3)?, tip, row.get::<_, Count>(8)?.0, row.get(9)?))
            })
        })
        .map_err(sql(place, "read"))?;
    if stack != place.stack.as_str() {
        let expected = place.stack.to_string();
        return Err(StateError::ForeignStack { location: place.location(), found: stack, expected });
    }
    let bad = || damaged(place, "its header is not what was written");
    let lineage = Lineage::parse(&lineage).ok_or_else(bad)?;
    if origin(born, &place.stack, lineage, &canary) != written {
        return Err(bad());
    }
    let canary = Sealed::from_text(&canary).map_err(|_| bad())?;
    let standing = standing(connection, place, format)?;
    standing.admit(place.gate, || place.location())?;
    Ok(Header { lineage, canary, origin: written, tip, format, records, born, standing })
}

/// What the place is: where it is part of a move, a row says so.
fn standing(connection: &Connection, place: &Place, format: i64) -> Result<Standing, StateError> {
    if format < MOVING {
        return Ok(Standing::Current);
    }
    let text: String = connection
        .query_one("SELECT body FROM standing WHERE id = 1", [], |row| row.get(0))
        .map_err(sql(place, "read"))?;
    serde_json::from_str(&text).map_err(|_| damaged(place, "what it says of its move cannot be read"))
}

/// Everything, as of one commit.
pub(super) fn state(connection: &mut Connection, place: &Place) -> Result<State, StateError> {
    let snapshot = connection.transaction().map_err(sql(place, "read"))?;
    let header = header(&snapshot, place)?;
    tail(&snapshot, place, &header)?;
    let rows = rows(&snapshot, place, &header)?;
    let Header { lineage, canary, tip, .. } = header;
    let empty = State::empty(place.stack.clone());
    Ok(State { lineage, serial: tip.serial, canary: Some(canary), ..empty }.with(rows))
}

fn rows(connection: &Connection, place: &Place, header: &Header) -> Result<Rows, StateError> {
    let failed = sql(place, "read");
    let mut statement =
        connection.prepare_cached("SELECT reference, body, hash FROM record NOT INDEXED").map_err(&failed)?;
    let mut rows = statement.query([]).map_err(&failed)?;
    let mut found = Rows::default();
    found.records.reserve(usize::try_from(header.records).unwrap_or_default().min(1 << 20));
    let mut fold = Fold::EMPTY;
    while let Some(row) = rows.next().map_err(&failed)? {
        fold = fold.plus(take(row, place, &mut found)?);
    }
    if fold != header.tip.fold || found.len() as u64 != header.records {
        return Err(damaged(place, "its records are not those that the journal ends with"));
    }
    Ok(found)
}

/// Takes a row that is what was written; its hash.
fn take(row: &Row<'_>, place: &Place, rows: &mut Rows) -> Result<Hash, StateError> {
    let failed = sql(place, "read");
    let text = |at| row.get_ref(at).and_then(|value| Ok(value.as_str()?)).map_err(&failed);
    let (reference, body) = (text(0)?, text(1)?);
    let bad =
        || damaged(place, format!("the record of '{}' is not what was written", reference.escape_debug()));
    let hash: Hash = row.get(2).map_err(&failed)?;
    let key = RecordKey::new(reference).map_err(|_| bad())?;
    if of_record(key.as_str(), body) == hash && rows.take(&key, body) { Ok(hash) } else { Err(bad()) }
}

/// The last entry of the journal is the one that the header was written with.
fn tail(connection: &Connection, place: &Place, header: &Header) -> Result<(), StateError> {
    let Tip { serial, sequence, head, fold } = header.tip;
    let last = entry_at(connection, place, (header.format, sequence))?;
    let previous = entry_at(connection, place, (header.format, sequence.saturating_sub(1)))?;
    let previous = previous.map_or(header.origin, |entry| entry.hash);
    let sound = match last {
        Some(entry) => {
            (entry.serial, entry.hash, entry.fold) == (serial, head, fold.as_hash())
                && entry.hash_after(previous) == head
        }
        None => sequence == 0 && head == header.origin && fold == Fold::EMPTY,
    };
    if sound { Ok(()) } else { Err(damaged(place, "its header and the end of its journal disagree")) }
}

/// The columns of an entry, in any format.
fn columns(format: i64) -> String {
    let plain = "SELECT sequence, serial, at, who, run, reference, what, record, fold, hash";
    let since =
        if format > 1 { "format, change, ordinal, incarnation, transitions" } else { "1, NULL, 0, 0, '[]'" };
    format!("{plain}, {since} FROM journal")
}

pub(super) fn entry_at(
    connection: &Connection,
    place: &Place,
    (format, sequence): (i64, u64),
) -> Result<Option<Entry>, StateError> {
    connection
        .prepare_cached(&format!("{} WHERE sequence = ?1", columns(format)))
        .and_then(|mut statement| statement.query_row([Count(sequence)], entry).optional())
        .map_err(sql(place, "read the journal of"))
}

/// Part of the journal.
pub(super) fn journal(
    connection: &Connection,
    place: &Place,
    (after, limit): (u64, usize),
) -> Result<Vec<Entry>, StateError> {
    let format = header(connection, place)?.format;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(&format!("{} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2", columns(format)))
        .and_then(|mut statement| statement.query_map((Count(after), limit), entry)?.collect())
        .map_err(sql(place, "read the journal of"))
}

/// Part of the journal of one ref.
pub(super) fn history(
    connection: &Connection,
    place: &Place,
    (reference, after, limit): (&InstanceRef, u64, usize),
) -> Result<Vec<Entry>, StateError> {
    let format = header(connection, place)?.format;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let query = "WHERE reference = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    connection
        .prepare_cached(&format!("{} {query}", columns(format)))
        .and_then(|mut statement| {
            statement.query_map((reference.as_str(), Count(after), limit), entry)?.collect()
        })
        .map_err(sql(place, "read the journal of"))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let unreadable = |_| rusqlite::Error::InvalidQuery;
    let reference: String = row.get(5)?;
    let reference = RecordKey::new(&reference).map_err(|_| rusqlite::Error::InvalidQuery)?;
    let (hash, change): (Hash, Option<[u8; 16]>) = (row.get(9)?, row.get(11)?);
    let transitions = row.get_ref(14)?.as_str()?;
    Ok(Entry {
        sequence: row.get::<_, Count>(0)?.0,
        serial: row.get::<_, Count>(1)?.0,
        at: row.get(2)?,
        who: row.get(3)?,
        run: row.get(4)?,
        reference,
        what: row.get(6)?,
        record: row.get(7)?,
        fold: row.get(8)?,
        hash,
        format: row.get(10)?,
        change: change.map_or_else(|| Entry::name_of_old(hash), Uuid::from_bytes),
        ordinal: row.get::<_, Count>(12)?.0,
        incarnation: row.get::<_, Count>(13)?.0,
        transitions: serde_json::from_str(transitions).map_err(unreadable)?,
    })
}
