//! Writing a group of commits in one transaction: a handful of statements, however many changes there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::header::{self, Reading, signed};
use super::session::{Access, Session, Trouble, Work};
use crate::name::RecordKey;
use crate::state::StateError;
use crate::state::journal::{Entry, Stamp, Tip, Trail};
use crate::state::lock::Lock;
use crate::state::prepare::{Before, Prepared, Written};

/// A commit that waits for its answer.
pub(super) struct Waiting {
    pub(super) lock: Lock,
    pub(super) changes: Vec<Prepared>,
    pub(super) done: oneshot::Sender<Result<u64, StateError>>,
}

/// Commits that are written together.
pub(super) struct Group(pub(super) Vec<Waiting>);

/// The serial after it, or that the lock was not ours any more.
pub(super) type Outcome = Option<u64>;

#[async_trait]
impl Work for Group {
    type Out = Vec<Outcome>;
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "write";

    async fn run(&self, session: &Session<'_>) -> Result<Vec<Outcome>, Trouble> {
        let header = header::lock(session).await?;
        if session.perhaps_written
            && let Some(outcomes) = self.found(session, header.tip.serial).await?
        {
            return Ok(outcomes);
        }
        let ours: Vec<bool> = self.0.iter().map(|one| header.is_held_by(&one.lock)).collect();
        let changing = self.0.iter().zip(&ours).filter(|(_, ours)| **ours);
        let references: BTreeSet<&str> =
            changing.flat_map(|(one, _)| &one.changes).map(|change| change.reference.as_str()).collect();
        if references.is_empty() {
            return Ok(ours.iter().map(|ours| ours.then_some(header.tip.serial)).collect());
        }
        let before = before(session, &references.into_iter().collect::<Vec<_>>()).await?;
        let mut batch = Batch { tip: header.tip, now: before, entries: Vec::new() };
        let mut outcomes = Vec::with_capacity(ours.len());
        for (one, ours) in self.0.iter().zip(&ours) {
            let stamp = Stamp::at(header.now, &one.lock);
            outcomes.push(ours.then(|| batch.place(&stamp, &one.changes)));
        }
        batch.write(session, header.records).await?;
        Ok(outcomes)
    }
}

impl Group {
    /// Whether an earlier try wrote it: all of a group is there, or nothing.
    async fn found(&self, session: &Session<'_>, serial: u64) -> Result<Option<Vec<Outcome>>, Trouble> {
        let ids: Vec<Uuid> =
            self.0.iter().filter_map(|one| one.changes.first()).map(|change| change.change).collect();
        let rows = session.rows("SELECT change, serial FROM journal WHERE change = ANY($1)", &[&ids]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut serials = HashMap::new();
        for row in &rows {
            let row = Reading { row, place: session.place };
            serials.insert(row.get::<Uuid>(0)?, row.count(1)?);
        }
        let outcome = |one: &Waiting| match one.changes.first() {
            Some(change) => serials.get(&change.change).copied(),
            None => Some(serial),
        };
        Ok(Some(self.0.iter().map(outcome).collect()))
    }

    /// Answers each, after the flush.
    pub(super) fn answer(self, outcomes: Result<Vec<Outcome>, StateError>, location: &str) {
        match outcomes {
            Ok(outcomes) => {
                for (outcome, one) in outcomes.into_iter().zip(self.0) {
                    let lost = || StateError::LockLost { location: location.to_owned() };
                    let _ = one.done.send(outcome.ok_or_else(lost));
                }
            }
            Err(error) => error.share(self.0.into_iter().map(|one| one.done)),
        }
    }
}

/// What is stored of these refs.
async fn before(session: &Session<'_>, references: &[&str]) -> Result<HashMap<RecordKey, Before>, Trouble> {
    let rows = session
        .rows(
            "SELECT w.reference, r.body, r.hash, j.ordinal, j.incarnation, j.record IS NOT NULL \
             FROM unnest($1::TEXT[]) w(reference) LEFT JOIN record r ON r.reference = w.reference \
             LEFT JOIN LATERAL (SELECT ordinal, incarnation, record FROM journal j WHERE j.reference = w.reference \
             ORDER BY sequence DESC LIMIT 1) j ON TRUE",
            &[&references],
        )
        .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let row = Reading { row, place: session.place };
        let reference = RecordKey::new(row.get(0)?)
            .map_err(|_| session.place.damaged("a ref came back as something else"))?;
        let record = match row.get::<Option<String>>(1)? {
            Some(body) => Some(Written { body, hash: row.hash(2)? }),
            None => None,
        };
        let trail = match row.get::<Option<i64>>(3)? {
            Some(_) => Trail { ordinal: row.count(3)?, incarnation: row.count(4)?, alive: row.get(5)? },
            None => Trail::default(),
        };
        found.insert(reference, Before::stored(record, trail));
    }
    Ok(found)
}

/// Everything that one transaction writes.
struct Batch {
    tip: Tip,
    now: HashMap<RecordKey, Before>,
    entries: Vec<Entry>,
}

impl Batch {
    /// Adds one commit; its serial.
    fn place(&mut self, stamp: &Stamp, changes: &[Prepared]) -> u64 {
        let serial = self.tip.serial + u64::from(!changes.is_empty());
        for change in changes {
            let before = self.now.entry(change.reference.clone()).or_default();
            let entry = self.tip.advance(serial, stamp, change.place(before));
            *before = Before::after(change, Trail::told_by(&entry));
            self.entries.push(entry);
        }
        serial
    }

    async fn write(self, session: &Session<'_>, had: u64) -> Result<(), Trouble> {
        let touched: BTreeMap<&RecordKey, &Before> = self.now.iter().collect();
        let (mut kept, mut gone) = ((Vec::new(), Vec::new(), Vec::new()), Vec::new());
        for (reference, before) in touched {
            match &before.record {
                Some(Written { body, hash }) => {
                    kept.0.push(reference.as_str());
                    kept.1.push(body.as_str());
                    kept.2.push(&hash.0[..]);
                }
                None => gone.push(reference.as_str()),
            }
        }
        let put = "WITH put AS (INSERT INTO record (reference, body, hash) \
             SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BYTEA[]) \
             ON CONFLICT (reference) DO UPDATE SET body = excluded.body, hash = excluded.hash \
             RETURNING (xmax = 0) AS born) SELECT count(*) FILTER (WHERE born) FROM put";
        let born = match session.row(put, &[&kept.0, &kept.1, &kept.2]).await? {
            Some(row) => (Reading { row: &row, place: session.place }).count(0)?,
            None => 0,
        };
        let died = session.execute("DELETE FROM record WHERE reference = ANY($1)", &[&gone]).await?;
        append(session, &self.entries).await?;
        let Tip { serial, sequence, head, fold } = self.tip;
        let records = signed((had + born).saturating_sub(died));
        session
            .execute(
                "UPDATE header SET serial = $1, sequence = $2, head = $3, fold = $4, records = $5",
                &[&signed(serial), &signed(sequence), &&head.0[..], &&fold.0[..], &records],
            )
            .await?;
        Ok(())
    }
}

/// Writes lines of the journal.
pub(super) async fn append(session: &Session<'_>, entries: &[Entry]) -> Result<(), Trouble> {
    fn column<'e, T>(entries: &'e [Entry], part: impl Fn(&'e Entry) -> T) -> Vec<T> {
        entries.iter().map(part).collect()
    }
    session
        .execute(
            "INSERT INTO journal (sequence, serial, change, at, who, run, reference, ordinal, incarnation, what, \
             transitions, record, fold, format, hash) SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[], $3::UUID[], \
             $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::BIGINT[], $9::BIGINT[], $10::TEXT[], $11::TEXT[], \
             $12::BYTEA[], $13::BYTEA[], $14::BIGINT[], $15::BYTEA[])",
            &[
                &column(entries, |entry| signed(entry.sequence)),
                &column(entries, |entry| signed(entry.serial)),
                &column(entries, |entry| entry.change),
                &column(entries, |entry| entry.at.as_str()),
                &column(entries, |entry| entry.who.as_str()),
                &column(entries, |entry| entry.run.as_str()),
                &column(entries, |entry| entry.reference.as_str()),
                &column(entries, |entry| signed(entry.ordinal)),
                &column(entries, |entry| signed(entry.incarnation)),
                &column(entries, |entry| entry.what.as_str()),
                &column(entries, Entry::transitions_text),
                &column(entries, |entry| entry.record.as_ref().map(|hash| &hash.0[..])),
                &column(entries, |entry| &entry.fold.0[..]),
                &column(entries, |entry| entry.format),
                &column(entries, |entry| &entry.hash.0[..]),
            ],
        )
        .await?;
    Ok(())
}
