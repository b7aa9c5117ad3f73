//! Opening a database: the schema under a lock, whose it is, and its id.

use sha2::{Digest, Sha256};
use sutler_secrets::KeyId;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    audit,
    row::Reading,
    transact::{Conclusion, Session, Trouble},
};
use crate::{
    faults,
    store::{StoreError, seal::Sealer},
};

/// A step of the schema. A program that knows the version `oldest`, or a later one, still works with the result.
struct Migration {
    script: &'static str,
    oldest: i64,
}

/// In order; the n-th makes version n.
const MIGRATIONS: &[Migration] = &[
    Migration { script: include_str!("schema.sql"), oldest: 1 },
    Migration { script: include_str!("schema_2.sql"), oldest: 1 },
    Migration { script: include_str!("schema_3.sql"), oldest: 1 },
    Migration { script: include_str!("schema_4.sql"), oldest: 1 },
    Migration { script: include_str!("schema_5.sql"), oldest: 1 },
];

/// How long to wait for another process that is migrating.
const LOCK: &str = "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '60s'";

/// What opening found.
pub(super) struct Opened {
    pub(super) installation: String,
    /// The key of the proof that everything is sealed with it.
    pub(super) canary: Option<KeyId>,
    /// The schema version, where this process made it.
    pub(super) migrated: Option<i64>,
}

/// Brings the schema up to date, checks the keys before anything is written, and reads or makes the installation id.
/// Of several processes that start at once, one does the work and the others find it done.
pub(super) async fn open(session: &Session, schema: &str) -> Result<Conclusion<Opened>, Trouble> {
    session.script(LOCK).await?;
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&lock_key(schema)]).await?;
    if session.row("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?.is_none() {
        session.script(&format!("CREATE SCHEMA \"{schema}\"")).await?;
    }
    let exists = session.row("SELECT 1 WHERE to_regclass('schema_versions') IS NOT NULL", &[]).await?;
    if exists.is_none() {
        session
            .script(
                "CREATE TABLE schema_versions (version BIGINT PRIMARY KEY, oldest BIGINT NOT NULL,
                 at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())",
            )
            .await?;
    }
    let found = migrate(session).await?;
    let known = known_version();
    let installation = identify(session).await?;
    audit::begin(session, &installation).await?;
    let canary = read_meta(session, "canary").await?.map(Sealer::key_of_canary).transpose()?;
    Ok(Conclusion::Commit(Opened { installation, canary, migrated: (found < known).then_some(known) }))
}

async fn migrate(session: &Session) -> Result<i64, Trouble> {
    let row = session
        .row(
            "SELECT coalesce(max(version), 0), coalesce((SELECT oldest FROM schema_versions ORDER BY version DESC
             LIMIT 1), 0) FROM schema_versions",
            &[],
        )
        .await?;
    let (found, oldest): (i64, i64) = match row {
        Some(row) => (row.column(0)?, row.column(1)?),
        None => (0, 0),
    };
    let known = known_version();
    if oldest > known {
        return Err(StoreError::Newer { found, known }.into());
    }
    if found > 0
        && let Some(canary) = read_meta(session, "canary").await?
    {
        session.sealer.check_canary(canary)?;
    }
    for (migration, version) in MIGRATIONS.iter().zip(1_i64..).skip_while(|(_, version)| *version <= found) {
        session.script(migration.script).await.map_err(|trouble| match trouble {
            Trouble::Database(error) if error.as_db_error().is_some() => {
                StoreError::Migrate { version, source: error.into() }.into()
            }
            trouble => trouble,
        })?;
        faults::pass("B22").await?;
        let values: [&(dyn ToSql + Sync); 2] = [&version, &migration.oldest];
        session.execute("INSERT INTO schema_versions (version, oldest) VALUES ($1, $2)", &values).await?;
    }
    Ok(found)
}

/// The installation id, made with the canary when there is none.
async fn identify(session: &Session) -> Result<String, Trouble> {
    if let Some(id) = read_meta(session, "installation").await? {
        let damaged = |_| StoreError::Damaged { column: "meta.installation" };
        return Ok(String::from_utf8(id).map_err(damaged)?);
    }
    let id = Uuid::new_v4().simple().to_string();
    session
        .execute(
            "INSERT INTO meta (name, value) VALUES ('installation', $1), ('canary', $2)",
            &[&id.as_bytes(), &session.sealer.canary()],
        )
        .await?;
    Ok(id)
}

pub(super) async fn read_meta(session: &Session, name: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let row = session.row("SELECT value FROM meta WHERE name = $1", &[&name]).await?;
    Ok(row.map(|row| row.column(0)).transpose()?)
}

fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Advisory locks have numbers: one for each schema.
fn lock_key(schema: &str) -> i64 {
    let hash = Sha256::digest(format!("sutler-broker schema {schema}"));
    hash.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}
