//! The audit chain in PostgreSQL. Commits do not wait for each other: whoever holds the end of the chain, one process
//! at a time, chains what has been committed.

use sutler_secrets::KeyRing;
use tokio_postgres::Row;

use super::{
    row::Reading,
    transact::{Conclusion, Session, Trouble},
};
use crate::store::{
    StoreError,
    audit::{AuditBreak, AuditReport, Head, Link, PAGE, Tallies, Tally, Told, Walk},
};

macro_rules! told {
    () => {
        "e.sequence, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.instance, e.binding, e.operation, \
         e.credential, e.request, e.originating_identity, e.detail, e.asked"
    };
}

/// Events that are not chained yet. Sequences are given before the commit, so that a later event may be seen earlier:
/// what is looked at begins at the floor, below which everything is chained.
const WAITING: &str = concat!(
    "SELECT ",
    told!(),
    " FROM events AS e WHERE e.sequence > $1
      AND NOT EXISTS (SELECT 1 FROM audit_chain AS c WHERE c.event = e.sequence) ORDER BY e.sequence LIMIT $2"
);

/// The highest sequence below which nothing can still be under way: no transaction lasts ten minutes.
const FLOOR: &str = "SELECT max(sequence) FROM events
    WHERE sequence > $1 AND at < clock_timestamp() - interval '10 minutes'";

const PUT: &str = "INSERT INTO audit_chain (position, event, digest)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])";

const LINKS: &str = concat!(
    "SELECT c.position, c.event, c.digest, ",
    told!(),
    ", e.strand, e.change FROM audit_chain AS c LEFT JOIN events AS e ON e.sequence = c.event
      WHERE c.position > $1 ORDER BY c.position LIMIT $2"
);

/// Events that are not chained, whatever the floor says.
const OUTSIDE: &str = concat!(
    "SELECT ",
    told!(),
    ", e.strand, e.change FROM events AS e WHERE e.sequence > $1
      AND NOT EXISTS (SELECT 1 FROM audit_chain AS c WHERE c.event = e.sequence) ORDER BY e.sequence LIMIT $2"
);

/// Chains what waits, at most `limit` events; how many. Nothing when another process is doing so.
pub(super) async fn chain(session: &Session, limit: usize) -> Result<Conclusion<usize>, Trouble> {
    let sql = "SELECT value FROM meta WHERE name = 'audit_head' FOR UPDATE SKIP LOCKED";
    let Some(row) = session.row(sql, &[]).await? else { return Ok(Conclusion::Undo(0)) };
    let ring = session.sealer.ring();
    let mut head = Head::read(&ring, &row.column::<Vec<u8>>(0)?)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let waiting = session.rows(WAITING, &[&head.floor, &limit]).await?;
    if waiting.is_empty() {
        return Ok(Conclusion::Undo(0));
    }
    let (mut positions, mut events, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for row in &waiting {
        let told = told(row, 0)?;
        head = head.after(&ring, &told);
        positions.push(head.position);
        events.push(told.sequence);
        digests.push(head.digest.as_bytes().to_vec());
    }
    session.execute(PUT, &[&positions, &events, &digests]).await?;
    if waiting.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
        let floor = session.row(FLOOR, &[&head.floor]).await?;
        let floor: Option<i64> = floor.map(|row| row.column(0)).transpose()?.flatten();
        head.floor = floor.unwrap_or(head.floor);
    }
    let sql = "UPDATE meta SET value = $1 WHERE name = 'audit_head'";
    session.execute(sql, &[&head.to_bytes(&ring)]).await?;
    Ok(Conclusion::Commit(waiting.len()))
}

/// Begins the chain of a store that has none.
pub(super) async fn begin(session: &Session, installation: &str) -> Result<(), Trouble> {
    let ring = session.sealer.ring();
    let head = Head::start(&ring, installation).to_bytes(&ring);
    let sql = "INSERT INTO meta (name, value) VALUES ('audit_head', $1) ON CONFLICT DO NOTHING";
    session.execute(sql, &[&head]).await.map(|_| ())
}

/// Follows the whole chain, and what waits for it, in one state of the store, whoever writes meanwhile.
pub(super) async fn verify(session: &Session, installation: &str) -> Result<AuditReport, Trouble> {
    let ring = session.sealer.ring();
    let Some(head) = head(session, &ring).await? else {
        let start = Head::start(&ring, installation);
        return Ok(Walk::new(&ring, installation, start).report(0, Some(AuditBreak::Head)));
    };
    let (mut walk, mut found) = (Walk::new(&ring, installation, head), Tallies::default());
    let mut broken = None;
    while let Some(after) = walk.next().filter(|_| broken.is_none()) {
        let rows = session.rows(LINKS, &[&after, &PAGE]).await?;
        let page = rows.iter().map(link).collect::<Result<Vec<_>, StoreError>>()?;
        broken = walk.check(&page).err();
        for (row, link) in rows.iter().zip(&page) {
            count(&mut found, &ring, (link.told.as_ref(), row, 14))?;
        }
    }
    let waiting = outside(session, &ring, &mut found).await?;
    let last = session.row("SELECT coalesce(max(position), 0) FROM audit_chain", &[]).await?;
    let last: i64 = last.map(|row| row.column(0)).transpose()?.unwrap_or(0);
    let set_back = AuditBreak::HeadSetBack { recorded: head.position, found: last };
    let broken = broken.or((last > head.position).then_some(set_back));
    let broken = match broken {
        None => recorded(session).await?.check(&found).err(),
        broken => broken,
    };
    Ok(walk.report(waiting, broken))
}

/// Counts what waits to be chained; how much that is.
async fn outside(session: &Session, ring: &KeyRing, found: &mut Tallies) -> Result<u64, Trouble> {
    let (mut waiting, mut after) = (0, i64::MIN);
    loop {
        let rows = session.rows(OUTSIDE, &[&after, &PAGE]).await?;
        for row in &rows {
            let told = told(row, 0)?;
            after = told.sequence;
            count(found, ring, (Some(&told), row, 11))?;
        }
        if rows.is_empty() {
            return Ok(waiting);
        }
        waiting += rows.len() as u64;
    }
}

/// What was told on each strand, as far as we know.
async fn recorded(session: &Session) -> Result<Tallies, Trouble> {
    let mut tallies = Tallies::default();
    for row in session.rows("SELECT strand, told, first, second FROM audit_strands", &[]).await? {
        let tally = Tally { told: row.column(1)?, first: row.column(2)?, second: row.column(3)? };
        tallies.0.insert(row.column(0)?, tally);
    }
    Ok(tallies)
}

/// Counts an event, unless it is on no strand: then an older program told it.
fn count(
    found: &mut Tallies,
    ring: &KeyRing,
    (told, row, from): (Option<&Told>, &Row, usize),
) -> Result<(), StoreError> {
    let Some(told) = told else { return Ok(()) };
    if let Some(strand) = row.column::<Option<i16>>(from)? {
        found.count(strand, told.mark(ring, row.column(from + 1)?));
    }
    Ok(())
}

async fn head(session: &Session, ring: &KeyRing) -> Result<Option<Head>, Trouble> {
    let row = session.row("SELECT value FROM meta WHERE name = 'audit_head'", &[]).await?;
    let bytes: Option<Vec<u8>> = row.map(|row| row.column(0)).transpose()?;
    Ok(bytes.and_then(|bytes| Head::from_bytes(ring, &bytes)))
}

fn link(row: &Row) -> Result<Link, StoreError> {
    let there: Option<i64> = row.column(3)?;
    let told = there.map(|_| told(row, 3)).transpose()?;
    Ok(Link { position: row.column(0)?, event: row.column(1)?, digest: row.column(2)?, told })
}

fn told(row: &Row, from: usize) -> Result<Told, StoreError> {
    let mut texts: [Option<String>; 8] = Default::default();
    for (index, text) in texts.iter_mut().enumerate() {
        *text = row.column(from + 2 + index)?;
    }
    let (sequence, at) = (row.column(from)?, row.column(from + 1)?);
    Ok(Told { sequence, at, texts, asked: row.column(from + 10)? })
}
