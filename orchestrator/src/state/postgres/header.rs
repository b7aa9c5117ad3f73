//! The one row that everything hangs on: whose state it is, where it stands, and who may write. Writers lock it first.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sutler_secrets::Sealed;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::session::{Place, Session, Trouble};
use crate::state::backend::Lineage;
use crate::state::journal::{Fold, Hash, Tip, origin};
use crate::state::lock::{Held, Lock};
use crate::state::movable::Birth;
use crate::state::standing::Standing;
use crate::state::{FORMAT, MOVING, StateError};

/// The row, once it is known to be this stack's and as it was written.
pub(super) struct Header {
    pub(super) lineage: Lineage,
    pub(super) canary: Sealed,
    pub(super) origin: Hash,
    pub(super) tip: Tip,
    pub(super) records: u64,
    pub(super) fence: u64,
    pub(super) held: Option<Held>,
    /// The database's clock.
    pub(super) now: Timestamp,
    /// The format it was made in.
    pub(super) born: i64,
    /// What the place is, in a move.
    pub(super) standing: Standing,
}

impl Header {
    /// Whether this lock may write.
    pub(super) fn is_held_by(&self, lock: &Lock) -> bool {
        self.lineage == lock.lineage && self.held.as_ref().is_some_and(|held| held.is(lock))
    }
}

const COLUMNS: &str = "SELECT format, born, stack, lineage, canary, origin, serial, sequence, head, fold, records, fence, \
     token, info, (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT FROM header";

/// Reads the row; nothing when there is no state.
pub(super) async fn read(session: &Session<'_>) -> Result<Option<Header>, Trouble> {
    if !exists(session).await? {
        return Ok(None);
    }
    let row = session.row(COLUMNS, &[]).await?;
    admitted(session, row).await.map(Some)
}

/// The same, for a writer: nobody else changes anything until its transaction ends.
pub(super) async fn lock(session: &Session<'_>) -> Result<Header, Trouble> {
    let row = session.row(&format!("{COLUMNS} FOR UPDATE"), &[]).await?;
    admitted(session, row).await
}

/// The row with what the place says of its move, if whoever looks may see it.
async fn admitted(session: &Session<'_>, row: Option<Row>) -> Result<Header, Trouble> {
    let (mut header, format) = parse(row, session.place)?;
    if format >= MOVING {
        let bad = || session.place.damaged("what it says of its move cannot be read");
        let row = session.row("SELECT body FROM standing", &[]).await?.ok_or_else(bad)?;
        let text: &str = Reading { row: &row, place: session.place }.get(0)?;
        header.standing = serde_json::from_str(text).map_err(|_| bad())?;
    }
    header.standing.admit(session.place.gate, || session.place.location())?;
    Ok(header)
}

/// Whether there is a state.
pub(super) async fn exists(session: &Session<'_>) -> Result<bool, Trouble> {
    has_table(session, "header").await
}

/// Whether the schema has this table.
pub(super) async fn has_table(session: &Session<'_>, table: &str) -> Result<bool, Trouble> {
    // The rows of the catalog, not `to_regclass`: that may answer from memory, as things were before we waited.
    let query = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2::TEXT::NAME";
    Ok(session.row(query, &[&session.place.place.schema, &table]).await?.is_some())
}

/// Makes schema, tables and header where there are none. Of several processes at once, one does it.
pub(super) async fn create(session: &Session<'_>, birth: &Birth) -> Result<(), Trouble> {
    if exists(session).await? {
        return Ok(());
    }
    let schema = &session.place.place.schema;
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&lock_key(schema)]).await?;
    if exists(session).await? {
        return Ok(());
    }
    session.script(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await?;
    session.script(include_str!("schema.sql")).await?;
    let Birth { born, lineage, ref canary, fence, ref standing } = *birth;
    let origin = origin(born, &session.place.stack, lineage, canary);
    let Tip { head, fold, .. } = Tip::start(origin);
    session
        .execute(
            "INSERT INTO header (id, format, born, stack, lineage, canary, origin, serial, sequence, head, fold, \
             records, fence) VALUES (1, $1, $2, $3, $4, $5, $6, 0, 0, $7, $8, 0, $9)",
            &[
                &FORMAT,
                &born,
                &session.place.stack.as_str(),
                &lineage.to_string(),
                canary,
                &&origin.0[..],
                &&head.0[..],
                &&fold.0[..],
                &signed(fence),
            ],
        )
        .await?;
    say(session, standing.as_deref()).await
}

/// Writes what the place is. One that is no part of a move has no trace of it.
pub(super) async fn say(session: &Session<'_>, standing: Option<&str>) -> Result<(), Trouble> {
    match standing {
        Some(standing) => {
            session.script("CREATE TABLE IF NOT EXISTS standing (body TEXT NOT NULL)").await?;
            session.execute("DELETE FROM standing", &[]).await?;
            session.execute("INSERT INTO standing (body) VALUES ($1)", &[&standing]).await?;
        }
        None => session.script("DROP TABLE IF EXISTS standing").await?,
    }
    let format = if standing.is_some() { MOVING } else { FORMAT };
    session.execute("UPDATE header SET format = $1", &[&format]).await?;
    Ok(())
}

/// Advisory locks have numbers: one for each schema.
fn lock_key(schema: &str) -> i64 {
    let hash = Sha256::digest(format!("sutler state schema {schema}"));
    hash.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

fn parse(row: Option<Row>, place: &Place) -> Result<(Header, i64), Trouble> {
    let row = row.ok_or_else(|| place.damaged("its header is missing"))?;
    let row = Reading { row: &row, place };
    let format: i64 = row.get(0)?;
    if format > MOVING {
        return Err(
            StateError::NewerFormat { location: place.location(), found: format, known: MOVING }.into()
        );
    }
    let (born, stack, lineage, canary): (i64, String, String, String) =
        (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    if stack != place.stack.as_str() {
        let expected = place.stack.to_string();
        return Err(StateError::ForeignStack { location: place.location(), found: stack, expected }.into());
    }
    let bad = || place.damaged("its header is not what was written");
    let lineage = Lineage::parse(&lineage).ok_or_else(bad)?;
    let written = row.hash(5)?;
    if origin(born, &place.stack, lineage, &canary) != written {
        return Err(bad().into());
    }
    let tip = Tip {
        serial: row.count(6)?,
        sequence: row.count(7)?,
        head: row.hash(8)?,
        fold: Fold(row.hash(9)?.0),
    };
    let fence = row.count(11)?;
    let now: i64 = row.get(14)?;
    let header = Header {
        lineage,
        canary: Sealed::from_text(&canary).map_err(|_| bad())?,
        origin: written,
        tip,
        records: row.count(10)?,
        fence,
        held: held((row.get(12)?, row.get(13)?), fence, place)?,
        now: Timestamp::from_microsecond(now).map_err(|_| place.damaged("the database's clock is off"))?,
        born,
        standing: Standing::Current,
    };
    Ok((header, format))
}

fn held(
    (token, info): (Option<String>, Option<String>),
    fence: u64,
    place: &Place,
) -> Result<Option<Held>, StateError> {
    let Some((token, info)) = token.zip(info) else { return Ok(None) };
    let unreadable = || place.damaged("its lock cannot be read");
    let info = serde_json::from_str(&info).map_err(|_| unreadable())?;
    let token = Uuid::try_parse(&token).map_err(|_| unreadable())?;
    Ok(Some(Held { info, token, fence }))
}

/// Reads columns; what is not what was written is damage.
pub(super) struct Reading<'r> {
    pub(super) row: &'r Row,
    pub(super) place: &'r Place,
}

impl<'r> Reading<'r> {
    pub(super) fn get<T: FromSql<'r>>(&self, at: usize) -> Result<T, Trouble> {
        let damaged = |error: tokio_postgres::Error| self.place.damaged(error.to_string());
        Ok(self.row.try_get(at).map_err(damaged)?)
    }

    /// A number that is never negative.
    pub(super) fn count(&self, at: usize) -> Result<u64, Trouble> {
        let number: i64 = self.get(at)?;
        Ok(u64::try_from(number).map_err(|_| self.place.damaged("a number is negative"))?)
    }

    pub(super) fn hash(&self, at: usize) -> Result<Hash, Trouble> {
        Ok(self.optional_hash(at)?.ok_or_else(|| self.place.damaged("a hash is missing"))?)
    }

    pub(super) fn optional_hash(&self, at: usize) -> Result<Option<Hash>, Trouble> {
        let bytes: Option<&[u8]> = self.get(at)?;
        let whole = bytes.map(<[u8; 32]>::try_from).transpose();
        Ok(whole.map_err(|_| self.place.damaged("a hash has another length"))?.map(Hash))
    }
}

/// A number as the database has it: signed.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
