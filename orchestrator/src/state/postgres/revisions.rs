//! Revisions: made in one transaction that compares the lock, read against their hashes.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use tokio_postgres::Row;

use super::header::{self, Reading, signed};
use super::session::{Access, Place, Session, Trouble, Work};
use crate::state::backend::Lineage;
use crate::state::journal::Stamp;
use crate::state::lock::Lock;
use crate::state::revision::{Revision, Snapshot, Written, expired, named, write};

const COLUMNS: &str = "SELECT serial, sequence, head, fold, records, digest, run, at, hash FROM revision";

/// Makes a revision, if anything was committed since the last one.
pub(super) struct Compact<'l> {
    pub(super) lock: &'l Lock,
    pub(super) kept: usize,
}

#[async_trait]
impl Work for Compact<'_> {
    type Out = Option<Revision>;
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "write a revision of";

    async fn run(&self, session: &Session<'_>) -> Result<Option<Revision>, Trouble> {
        let header = header::lock(session).await?;
        if !header.is_held_by(self.lock) {
            return Err(session.place.lost().into());
        }
        let revisions = list(session, header.lineage).await?;
        let stamp = Stamp::at(header.now, self.lock);
        if header.tip.serial == revisions.last().map_or(0, |revision| revision.serial) {
            let ours = |revision: &Revision| session.perhaps_written && revision.run == stamp.run;
            return Ok(revisions.into_iter().next_back().filter(ours));
        }
        let rows = session.rows("SELECT reference, body FROM record ORDER BY reference", &[]).await?;
        let records: Result<Vec<(&str, &str)>, Trouble> = rows
            .iter()
            .map(|row| {
                let row = Reading { row, place: session.place };
                Ok((row.get(0)?, row.get(1)?))
            })
            .collect();
        let written = write(&session.place.stack, records?);
        let whose = (&session.place.stack, header.lineage);
        let revision = Revision::new(whose, header.tip, &written, stamp);
        insert(session, &revision, &written).await?;
        let mut serials: Vec<u64> = revisions.iter().map(|revision| revision.serial).collect();
        serials.push(revision.serial);
        let gone: Vec<i64> = expired(&serials, self.kept).into_iter().map(signed).collect();
        session.execute("DELETE FROM revision WHERE serial = ANY($1)", &[&gone]).await?;
        if !gone.is_empty() {
            sweep(session).await?;
        }
        Ok(Some(revision))
    }
}

/// Stores a revision; chunks that are there stay.
pub(super) async fn insert(
    session: &Session<'_>,
    revision: &Revision,
    written: &Written,
) -> Result<(), Trouble> {
    let digests: Vec<&[u8]> = written.chunks.iter().map(|chunk| &chunk.digest.0[..]).collect();
    let known = session.rows("SELECT digest FROM chunk WHERE digest = ANY($1)", &[&digests]).await?;
    let known: Result<HashSet<[u8; 32]>, Trouble> =
        known.iter().map(|row| Ok(Reading { row, place: session.place }.hash(0)?.0)).collect();
    let known = known?;
    let new = written.chunks.iter().filter(|chunk| !known.contains(&chunk.digest.0));
    let (digests, texts): (Vec<&[u8]>, Vec<&str>) =
        new.map(|chunk| (&chunk.digest.0[..], chunk.text.as_str())).unzip();
    session
        .execute(
            "INSERT INTO chunk (digest, body) SELECT * FROM unnest($1::BYTEA[], $2::TEXT[])",
            &[&digests, &texts],
        )
        .await?;
    session
        .execute(
            "INSERT INTO revision (serial, sequence, head, fold, records, digest, run, at, hash, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &signed(revision.serial),
                &signed(revision.sequence),
                &&revision.head.0[..],
                &&revision.fold.0[..],
                &signed(revision.records),
                &&revision.digest.0[..],
                &revision.run,
                &revision.at,
                &&revision.hash.0[..],
                &written.index,
            ],
        )
        .await?;
    Ok(())
}

/// Deletes the chunks that no revision names any more.
async fn sweep(session: &Session<'_>) -> Result<(), Trouble> {
    let indexes = session.rows("SELECT body FROM revision", &[]).await?;
    let mut wanted = Vec::new();
    for row in &indexes {
        let index: &str = Reading { row, place: session.place }.get(0)?;
        wanted.extend(named(index).unwrap_or_default());
    }
    let wanted: Vec<&[u8]> = wanted.iter().map(|digest| &digest.0[..]).collect();
    session.execute("DELETE FROM chunk WHERE NOT digest = ANY($1)", &[&wanted]).await?;
    Ok(())
}

/// The revisions there are, oldest first, each as it was written.
pub(super) async fn list(session: &Session<'_>, lineage: Lineage) -> Result<Vec<Revision>, Trouble> {
    let rows = session.rows(&format!("{COLUMNS} ORDER BY serial"), &[]).await?;
    let revisions: Result<Vec<Revision>, Trouble> =
        rows.iter().map(|row| revision(row, session.place)).collect();
    let revisions = revisions?;
    match revisions.iter().find(|revision| !revision.is_sound(&session.place.stack, lineage)) {
        Some(unsound) => {
            Err(session.place.damaged(format!("revision {} is not what was written", unsound.serial)).into())
        }
        None => Ok(revisions),
    }
}

/// What a revision holds.
pub(super) async fn open(session: &Session<'_>, revision: &Revision) -> Result<Snapshot, Trouble> {
    let (index, chunks) = parts(session, revision).await?;
    Ok(revision.open((&session.place.stack, &session.place.location()), (&index, &chunks))?)
}

/// What a revision is stored as: its index, and the chunks that are there.
pub(super) async fn parts(
    session: &Session<'_>,
    revision: &Revision,
) -> Result<(String, Vec<String>), Trouble> {
    let row = session.row("SELECT body FROM revision WHERE serial = $1", &[&signed(revision.serial)]).await?;
    let row = row.ok_or_else(|| session.place.damaged(format!("revision {} is missing", revision.serial)))?;
    let index: String = Reading { row: &row, place: session.place }.get(0)?;
    let digests = named(&index).unwrap_or_default();
    let wanted: Vec<&[u8]> = digests.iter().map(|digest| &digest.0[..]).collect();
    let rows = session.rows("SELECT digest, body FROM chunk WHERE digest = ANY($1)", &[&wanted]).await?;
    let mut found = HashMap::new();
    for row in &rows {
        let row = Reading { row, place: session.place };
        found.insert(row.hash(0)?.0, row.get::<String>(1)?);
    }
    // one that is missing shows when the revision is opened
    let chunks = digests.iter().filter_map(|digest| found.get(&digest.0).cloned()).collect();
    Ok((index, chunks))
}

/// What is known of one revision, whatever it says.
pub(super) async fn one(session: &Session<'_>, serial: u64) -> Result<Option<Revision>, Trouble> {
    let row = session.row(&format!("{COLUMNS} WHERE serial = $1"), &[&signed(serial)]).await?;
    row.map(|row| revision(&row, session.place)).transpose()
}

/// The revisions there are.
pub(super) struct List;

#[async_trait]
impl Work for List {
    type Out = Vec<Revision>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read the revisions of";

    async fn run(&self, session: &Session<'_>) -> Result<Vec<Revision>, Trouble> {
        match header::read(session).await? {
            Some(header) => list(session, header.lineage).await,
            None => Ok(Vec::new()),
        }
    }
}

/// One of them.
pub(super) struct Read(pub(super) u64);

#[async_trait]
impl Work for Read {
    type Out = Option<Snapshot>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read a revision of";

    async fn run(&self, session: &Session<'_>) -> Result<Option<Snapshot>, Trouble> {
        let revisions = List.run(session).await?;
        match revisions.into_iter().find(|revision| revision.serial == self.0) {
            Some(revision) => open(session, &revision).await.map(Some),
            None => Ok(None),
        }
    }
}

fn revision(row: &Row, place: &Place) -> Result<Revision, Trouble> {
    let row = Reading { row, place };
    Ok(Revision {
        serial: row.count(0)?,
        sequence: row.count(1)?,
        head: row.hash(2)?,
        fold: row.hash(3)?,
        records: row.count(4)?,
        digest: row.hash(5)?,
        run: row.get(6)?,
        at: row.get(7)?,
        hash: row.hash(8)?,
    })
}
