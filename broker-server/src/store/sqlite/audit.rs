//! The audit chain in SQLite: every event is chained in the transaction that tells it (I-41).

use rusqlite::{Connection, OptionalExtension, Row};
use sutler_secrets::KeyRing;

use super::read::Reading;
use crate::store::{
    StoreError,
    audit::{AuditBreak, AuditReport, Head, Link, PAGE, Told, Walk},
    seal::Sealer,
};

const TOLD: &str =
    "events.sequence, events.at, events.kind, events.instance, events.binding, events.operation,
    events.credential, events.request, events.originating_identity, events.detail, events.asked";

/// Chains one event. A change whose event cannot be chained is not made: it is the same transaction.
pub(super) fn chain(connection: &Connection, sealer: &Sealer, told: &Told) -> Result<(), StoreError> {
    let head = read_head(connection)?.ok_or(StoreError::Damaged { column: "meta.audit_head" })?;
    let ring = sealer.ring();
    let head = Head::read(&ring, &head)?;
    let head = append(connection, &ring, head, told)?;
    write_head(connection, &ring, head)
}

/// Begins the chain of a store that has none, and chains what was told before there was one.
pub(super) fn begin(connection: &Connection, sealer: &Sealer, installation: &str) -> Result<(), StoreError> {
    if read_head(connection)?.is_some() {
        return Ok(());
    }
    let ring = sealer.ring();
    connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::write)?;
    let mut head = Head::start(&ring, installation);
    let mut list = connection
        .prepare(&format!("SELECT {TOLD} FROM events ORDER BY sequence"))
        .map_err(StoreError::read)?;
    let mut rows = list.query([]).map_err(StoreError::read)?;
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        head = append(connection, &ring, head, &told(row, 0)?)?;
    }
    write_head(connection, &ring, head)?;
    connection.execute_batch("COMMIT").map_err(StoreError::write)
}

fn append(connection: &Connection, ring: &KeyRing, head: Head, told: &Told) -> Result<Head, StoreError> {
    let head = head.after(ring, told);
    connection
        .prepare_cached("INSERT INTO audit_chain (position, event, digest) VALUES (?1, ?2, ?3)")
        .and_then(|mut put| put.execute((head.position, told.sequence, head.digest.as_bytes().as_slice())))
        .map_err(StoreError::write)?;
    Ok(head)
}

fn read_head(connection: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    connection
        .prepare_cached("SELECT CAST(value AS BLOB) FROM meta WHERE name = 'audit_head'")
        .and_then(|mut get| get.query_row([], |row| row.get(0)).optional())
        .map_err(StoreError::read)
}

fn write_head(connection: &Connection, ring: &KeyRing, head: Head) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO meta (name, value) VALUES ('audit_head', ?1) ON CONFLICT DO UPDATE SET value = ?1",
        )
        .and_then(|mut put| put.execute([head.to_bytes(ring)]))
        .map(|_| ())
        .map_err(StoreError::write)
}

/// Follows the whole chain on a connection that only reads: one state of the store, whoever writes meanwhile.
pub(super) fn verify(
    connection: &Connection,
    (ring, installation): (&KeyRing, &str),
) -> Result<AuditReport, StoreError> {
    connection.execute_batch("BEGIN").map_err(StoreError::read)?;
    let start = Head::start(ring, installation);
    let head = read_head(connection)?.and_then(|bytes| Head::from_bytes(ring, &bytes));
    let Some(head) = head else {
        return Ok(Walk::new(ring, installation, start).report(0, Some(AuditBreak::Head)));
    };
    let mut walk = Walk::new(ring, installation, head);
    let mut broken = None;
    while let Some(after) = walk.next().filter(|_| broken.is_none()) {
        broken = walk.check(&page(connection, after)?).err();
    }
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).map_err(StoreError::read);
    let found: i64 = number("SELECT coalesce(max(position), 0) FROM audit_chain")?;
    let outside: i64 =
        number("SELECT count(*) FROM events WHERE sequence NOT IN (SELECT event FROM audit_chain)")?;
    let broken = broken
        .or_else(|| {
            (found > head.position).then_some(AuditBreak::HeadSetBack { recorded: head.position, found })
        })
        .or_else(|| (outside > 0).then_some(AuditBreak::Unchained { count: outside.unsigned_abs() }));
    Ok(walk.report(0, broken))
}

fn page(connection: &Connection, after: i64) -> Result<Vec<Link>, StoreError> {
    let mut list = connection
        .prepare_cached(&format!(
            "SELECT position, event, CAST(digest AS BLOB), {TOLD} FROM audit_chain LEFT JOIN events ON sequence = event
             WHERE position > ?1 ORDER BY position LIMIT ?2"
        ))
        .map_err(StoreError::read)?;
    let mut rows = list.query([after, PAGE]).map_err(StoreError::read)?;
    let mut page = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        let there: Option<i64> = row.column(3)?;
        let told = there.map(|_| told(row, 3)).transpose()?;
        page.push(Link { position: row.column(0)?, event: row.column(1)?, digest: row.column(2)?, told });
    }
    Ok(page)
}

fn told(row: &Row<'_>, from: usize) -> Result<Told, StoreError> {
    let mut texts: [Option<String>; 8] = Default::default();
    for (index, text) in texts.iter_mut().enumerate() {
        *text = row.column(from + 2 + index)?;
    }
    let at: i64 = row.column(from + 1)?;
    Ok(Told { sequence: row.column(from)?, at: at * 1_000, texts, asked: row.column(from + 10)? })
}
