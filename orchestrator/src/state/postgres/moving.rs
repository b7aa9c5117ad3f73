//! The schema as a place that a state leaves, or arrives at.

use async_trait::async_trait;
use uuid::Uuid;

use super::header::{self, Header, signed};
use super::session::{Access, Session, Trouble, Work};
use super::{PostgresBackend, commit, revisions};
use crate::name::RecordKey;
use crate::state::backend::StateBackend;
use crate::state::journal::{Fold, Tip, of_record, of_text};
use crate::state::lock::Lock;
use crate::state::movable::{Birth, Identity, Movable, Pages, Part, Remaining, Settled, Swap};
use crate::state::revision::{Chunk, Written};
use crate::state::standing::Standing;
use crate::state::{Kind, StateError};

/// So many rows are written or removed by one statement.
const BATCH: usize = 512;

/// The header, seen by a move.
struct Look;

#[async_trait]
impl Work for Look {
    type Out = Option<Header>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read";

    async fn run(&self, session: &Session<'_>) -> Result<Option<Header>, Trouble> {
        header::read(session).await
    }
}

/// Makes an arriving copy with nothing in it.
struct Prepare(Birth);

#[async_trait]
impl Work for Prepare {
    type Out = ();
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "create";

    async fn run(&self, session: &Session<'_>) -> Result<(), Trouble> {
        header::create(session, &self.0).await
    }
}

/// What is done where lock and standing are what they have to be.
enum Task<'t> {
    Nothing,
    Receive(&'t Part),
    Settle(&'t Settled),
    Strip,
}

/// A task, what is compared, and what the place says afterwards.
struct Guarded<'t> {
    lock: &'t Lock,
    swap: Swap<'t>,
    task: Task<'t>,
}

#[async_trait]
impl Work for Guarded<'_> {
    type Out = Remaining;
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "write";

    async fn run(&self, session: &Session<'_>) -> Result<Remaining, Trouble> {
        let Swap { from, to } = self.swap;
        let header = header::lock(session).await?;
        if !header.is_held_by(self.lock) {
            return Err(session.place.lost().into());
        }
        if session.perhaps_written && from != to && header.standing == *to {
            return Ok(Remaining::Nothing);
        }
        if header.standing != *from {
            return Err(StateError::Replaced { location: session.place.location() }.into());
        }
        let remaining = match self.task {
            Task::Nothing => Remaining::Nothing,
            Task::Receive(part) => receive(session, part).await.map(|()| Remaining::More)?,
            Task::Settle(settled) => settle(session, settled).await.map(|()| Remaining::Nothing)?,
            Task::Strip => strip(session).await?,
        };
        if from != to {
            header::say(session, to.stored().as_deref()).await?;
        }
        Ok(remaining)
    }
}

async fn receive(session: &Session<'_>, part: &Part) -> Result<(), Trouble> {
    match part {
        Part::Journal(entries) => {
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
            let range: [i64; 2] = [signed(first.sequence), signed(last.sequence)];
            let clear = "DELETE FROM journal WHERE sequence BETWEEN $1 AND $2";
            session.execute(clear, &[&range[0], &range[1]]).await?;
            commit::append(session, entries).await
        }
        Part::Revision(pages, _) => {
            let Pages { revision, index, chunks } = &**pages;
            let serial = signed(revision.serial);
            session.execute("DELETE FROM revision WHERE serial = $1", &[&serial]).await?;
            let chunks: Vec<Chunk> =
                chunks.iter().map(|text| Chunk { digest: of_text(text), text: text.clone() }).collect();
            let digests: Vec<&[u8]> = chunks.iter().map(|chunk| &chunk.digest.0[..]).collect();
            session.execute("DELETE FROM chunk WHERE digest = ANY($1)", &[&digests]).await?;
            let written = Written { index: index.clone(), chunks, records: revision.records };
            revisions::insert(session, revision, &written).await
        }
    }
}

async fn settle(session: &Session<'_>, settled: &Settled) -> Result<(), Trouble> {
    let Tip { serial, sequence, head, fold } = settled.tip;
    session.execute("DELETE FROM journal WHERE sequence > $1", &[&signed(sequence)]).await?;
    session.execute("DELETE FROM record", &[]).await?;
    let mut sum = Fold::EMPTY;
    for batch in settled.records.chunks(BATCH) {
        let hash = |(reference, body): &(RecordKey, String)| of_record(reference.as_str(), body);
        let hashes: Vec<_> = batch.iter().map(hash).collect();
        sum = hashes.iter().fold(sum, |sum, hash| sum.plus(*hash));
        let references: Vec<&str> = batch.iter().map(|(reference, _)| reference.as_str()).collect();
        let bodies: Vec<&str> = batch.iter().map(|(_, body)| body.as_str()).collect();
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| &hash.0[..]).collect();
        let put = "INSERT INTO record (reference, body, hash) \
             SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BYTEA[])";
        session.execute(put, &[&references, &bodies, &hashes]).await?;
    }
    if sum != fold {
        let what = "the records that arrived are not those that the journal ends with";
        return Err(session.place.damaged(what).into());
    }
    let records = signed(settled.records.len() as u64);
    session
        .execute(
            "UPDATE header SET serial = $1, sequence = $2, head = $3, fold = $4, records = $5",
            &[&signed(serial), &signed(sequence), &&head.0[..], &&fold.0[..], &records],
        )
        .await?;
    Ok(())
}

async fn strip(session: &Session<'_>) -> Result<Remaining, Trouble> {
    for (table, key) in
        [("chunk", "digest"), ("revision", "serial"), ("record", "reference"), ("journal", "sequence")]
    {
        let statement =
            format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} LIMIT {BATCH})");
        if session.execute(&statement, &[]).await? > 0 {
            return Ok(Remaining::More);
        }
    }
    session.execute("DROP TABLE IF EXISTS listener", &[]).await?;
    Ok(Remaining::Nothing)
}

/// A revision, letter by letter, whatever it is.
struct Read(u64);

#[async_trait]
impl Work for Read {
    type Out = Option<Pages>;
    const ACCESS: Access = Access::Reads;
    const STEP: &'static str = "read a revision of";

    async fn run(&self, session: &Session<'_>) -> Result<Option<Pages>, Trouble> {
        if header::read(session).await?.is_none() {
            return Ok(None);
        }
        let Some(revision) = revisions::one(session, self.0).await? else { return Ok(None) };
        let (index, chunks) = revisions::parts(session, &revision).await?;
        Ok(Some(Pages { revision, index, chunks }))
    }
}

/// Takes away an arriving copy.
struct Discard(Uuid);

#[async_trait]
impl Work for Discard {
    type Out = ();
    const ACCESS: Access = Access::Writes;
    const STEP: &'static str = "remove";

    async fn run(&self, session: &Session<'_>) -> Result<(), Trouble> {
        if !header::exists(session).await? {
            return Ok(());
        }
        match header::lock(session).await?.standing {
            Standing::Arriving(there, _) if there.id == self.0 => {
                session.script("DROP TABLE standing, header, record, journal, revision, chunk").await
            }
            _ => Err(StateError::Replaced { location: session.place.location() }.into()),
        }
    }
}

impl PostgresBackend {
    async fn guarded(&self, lock: &Lock, swap: Swap<'_>, task: Task<'_>) -> Result<Remaining, StateError> {
        self.database().run(&Guarded { lock, swap, task }).await
    }
}

#[async_trait]
impl Movable for PostgresBackend {
    async fn standing(&self) -> Result<Standing, StateError> {
        let found = self.database().run(&Look).await?;
        Ok(found.map_or(Standing::Nothing, |header| header.standing))
    }

    async fn identity(&self) -> Result<Option<Identity>, StateError> {
        let found = self.database().run(&Look).await?;
        Ok(found.map(|header| {
            let Header { born, lineage, canary, tip, records, fence, .. } = header;
            let stack = self.database().place.stack.clone();
            Identity { stack, born, lineage, canary, tip, records, fence }
        }))
    }

    async fn stand(&self, lock: &Lock, swap: Swap<'_>) -> Result<(), StateError> {
        self.guarded(lock, swap, Task::Nothing).await.map(|_| ())
    }

    async fn prepare(&self, identity: &Identity, standing: &Standing) -> Result<(), StateError> {
        let Identity { born, lineage, ref canary, fence, .. } = *identity;
        let birth = Birth { born, lineage, canary: canary.to_text(), fence, standing: standing.stored() };
        self.database().run(&Prepare(birth)).await
    }

    async fn pages(&self, serial: u64) -> Result<Option<Pages>, StateError> {
        self.database().run(&Read(serial)).await
    }

    async fn receive(&self, lock: &Lock, part: &Part, swap: Swap<'_>) -> Result<(), StateError> {
        self.guarded(lock, swap, Task::Receive(part)).await.map(|_| ())
    }

    async fn holds(&self, part: &Part) -> Result<bool, StateError> {
        let held = match part {
            Part::Journal(entries) => {
                let after = entries.first().map_or(0, |entry| entry.sequence - 1);
                self.journal(after, entries.len()).await.map(|found| &found == entries)
            }
            Part::Revision(wanted, _) => {
                self.pages(wanted.revision.serial).await.map(|found| found.as_ref() == Some(&**wanted))
            }
        };
        // damage is an answer too
        held.or_else(|error| if error.kind() == Kind::Refused { Ok(false) } else { Err(error) })
    }

    async fn settle(&self, lock: &Lock, settled: &Settled, swap: Swap<'_>) -> Result<(), StateError> {
        self.guarded(lock, swap, Task::Settle(settled)).await.map(|_| ())
    }

    async fn discard(&self, of: Uuid) -> Result<(), StateError> {
        self.database().run(&Discard(of)).await
    }

    async fn strip(&self, lock: &Lock, standing: &Standing) -> Result<Remaining, StateError> {
        self.guarded(lock, Swap { from: standing, to: standing }, Task::Strip).await
    }
}
