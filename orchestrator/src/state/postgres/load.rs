//! Reading: the header first, then records, each against its hash and all against the journal's last word.

use async_trait::async_trait;
use tokio_postgres::Row;

use super::header::{self, Header, Reading, signed};
use super::revisions;
use super::session::{Access, Place, Session, Trouble, Work};
use crate::name::{InstanceRef, RecordKey};
use crate::state::backend::{Extent, State};
use crate::state::journal::{Entry, Fold, Hash, Tip, of_record};
use crate::state::ledger::Rows;
use crate::state::lock::LockInfo;
use crate::state::revision::Revision;

/// So many entries are held at once.
const PAGE: usize = 4096;

/// Everything, as of one commit.
pub(super) struct Load;

#[async_trait]
impl Work for Load {
    type Out = State;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read";

    async fn run(&self, session: &Session<'_>) -> Result<State, Trouble> {
        let Some(header) = header::read(session).await? else {
            return Ok(State::empty(session.place.stack.clone()));
        };
        tail(session, &header).await?;
        let rows = rows(session, &header).await?;
        let Header { lineage, canary, tip, .. } = header;
        let empty = State::empty(session.place.stack.clone());
        Ok(State { lineage, serial: tip.serial, canary: Some(canary), ..empty }.with(rows))
    }
}

async fn rows(session: &Session<'_>, header: &Header) -> Result<Rows, Trouble> {
    let rows = session.rows("SELECT reference, body, hash FROM record ORDER BY reference", &[]).await?;
    let (mut found, mut fold) = (Rows::default(), Fold::EMPTY);
    found.records.reserve(rows.len());
    for row in rows {
        fold = fold.plus(take(&row, session.place, &mut found)?);
    }
    if fold != header.tip.fold || found.len() as u64 != header.records {
        return Err(session.place.damaged("its records are not those that the journal ends with").into());
    }
    Ok(found)
}

/// Takes a row that is what was written; its hash.
fn take(row: &Row, place: &Place, rows: &mut Rows) -> Result<Hash, Trouble> {
    let row = Reading { row, place };
    let (reference, body): (&str, &str) = (row.get(0)?, row.get(1)?);
    let bad =
        || place.damaged(format!("the record of '{}' is not what was written", reference.escape_debug()));
    let hash = row.hash(2)?;
    let key = RecordKey::new(reference).map_err(|_| bad())?;
    if of_record(key.as_str(), body) == hash && rows.take(&key, body) { Ok(hash) } else { Err(bad().into()) }
}

/// The last entry of the journal is the one that the header was written with.
async fn tail(session: &Session<'_>, header: &Header) -> Result<(), Trouble> {
    let Tip { serial, sequence, head, fold } = header.tip;
    let last = entries(session, (sequence.saturating_sub(2), 2)).await?;
    let previous = last.iter().find(|entry| entry.sequence + 1 == sequence);
    let previous = previous.map_or(header.origin, |entry| entry.hash);
    let sound = match last.iter().find(|entry| entry.sequence == sequence) {
        Some(entry) => {
            (entry.serial, entry.hash, entry.fold) == (serial, head, fold.as_hash())
                && entry.hash_after(previous) == head
        }
        None => (sequence, serial) == (0, 0) && head == header.origin && fold == Fold::EMPTY,
    };
    if sound {
        Ok(())
    } else {
        Err(session.place.damaged("its header and the end of its journal disagree").into())
    }
}

const ENTRY: &str = "SELECT sequence, serial, change, at, who, run, reference, ordinal, incarnation, what, transitions, \
     record, fold, format, hash FROM journal";

async fn entries(session: &Session<'_>, (after, limit): (u64, usize)) -> Result<Vec<Entry>, Trouble> {
    let query = format!("{ENTRY} WHERE sequence > $1 ORDER BY sequence LIMIT $2");
    let rows = session.rows(&query, &[&signed(after), &signed(limit as u64)]).await?;
    rows.iter().map(|row| entry(row, session.place)).collect()
}

fn entry(row: &Row, place: &Place) -> Result<Entry, Trouble> {
    let row = Reading { row, place };
    let unreadable = || place.damaged("an entry of its journal cannot be read");
    let (reference, transitions): (&str, &str) = (row.get(6)?, row.get(10)?);
    Ok(Entry {
        sequence: row.count(0)?,
        serial: row.count(1)?,
        change: row.get(2)?,
        at: row.get(3)?,
        who: row.get(4)?,
        run: row.get(5)?,
        reference: RecordKey::new(reference).map_err(|_| unreadable())?,
        ordinal: row.count(7)?,
        incarnation: row.count(8)?,
        what: row.get(9)?,
        transitions: serde_json::from_str(transitions).map_err(|_| unreadable())?,
        record: row.optional_hash(11)?,
        fold: row.hash(12)?,
        format: row.get(13)?,
        hash: row.hash(14)?,
    })
}

/// Part of the journal, of everything or of one ref.
pub(super) struct Journal {
    pub(super) reference: Option<InstanceRef>,
    pub(super) after: u64,
    pub(super) limit: usize,
}

#[async_trait]
impl Work for Journal {
    type Out = Vec<Entry>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read the journal of";

    async fn run(&self, session: &Session<'_>) -> Result<Vec<Entry>, Trouble> {
        if header::read(session).await?.is_none() {
            return Ok(Vec::new());
        }
        let Some(reference) = &self.reference else {
            return entries(session, (self.after, self.limit)).await;
        };
        let query = format!("{ENTRY} WHERE reference = $1 AND sequence > $2 ORDER BY sequence LIMIT $3");
        let limit = signed(self.limit as u64);
        let rows = session.rows(&query, &[&reference.as_str(), &signed(self.after), &limit]).await?;
        rows.iter().map(|row| entry(row, session.place)).collect()
    }
}

/// Who holds the lock, by the database's clock.
pub(super) struct LockHolder;

#[async_trait]
impl Work for LockHolder {
    type Out = Option<LockInfo>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read the lock of";

    async fn run(&self, session: &Session<'_>) -> Result<Option<LockInfo>, Trouble> {
        let Some(header) = header::read(session).await? else { return Ok(None) };
        Ok(header.held.map(|held| held.info).filter(|info| !info.is_free(header.now)))
    }
}

/// Finds any damage there is, as far as it looks.
pub(super) struct Verify(pub(super) Extent);

#[async_trait]
impl Work for Verify {
    type Out = ();
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "check";

    async fn run(&self, session: &Session<'_>) -> Result<(), Trouble> {
        Load.run(session).await?;
        let Some(header) = header::read(session).await? else { return Ok(()) };
        let revisions = revisions::list(session, header.lineage).await?;
        match self.0 {
            Extent::SinceRevision => {
                chain(session, &header, (revisions.last().map(Revision::tip), &[])).await
            }
            Extent::Everything => {
                for revision in &revisions {
                    revisions::open(session, revision).await?;
                }
                chain(session, &header, (None, &revisions)).await
            }
        }
    }
}

/// Follows the journal from somewhere to its end, past these revisions.
async fn chain(
    session: &Session<'_>,
    header: &Header,
    (from, revisions): (Option<Tip>, &[Revision]),
) -> Result<(), Trouble> {
    let mut tip = from.unwrap_or(Tip::start(header.origin));
    let mut passed = revisions.iter().peekable();
    loop {
        let page = entries(session, (tip.sequence, PAGE)).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let expected = tip.sequence + 1;
            if !tip.follow(&entry) {
                let what = format!("its journal is not what was written, at entry {expected}");
                return Err(session.place.damaged(what).into());
            }
            let here = passed.next_if(|revision| revision.sequence == tip.sequence);
            if here.is_some_and(|revision| revision.tip() != tip) {
                return Err(session.place.damaged("a revision is not what its journal led to").into());
            }
        }
    }
    if tip == header.tip && passed.peek().is_none() {
        Ok(())
    } else {
        Err(session.place.damaged("its journal is shorter or longer than its header says").into())
    }
}
