//! Rows of the table `events`, which only grows.

use sutler_secrets::Digest;

use super::transact::{Session, Trouble};
use crate::{
    faults,
    store::{Event, StoreError, audit::Told},
};

/// Tells the event, and adds it to the tally of a strand. Connections have different ones, as a rule: they do not wait
/// for each other.
const APPEND: &str = "WITH told AS (
        INSERT INTO events (change, kind, instance, binding, operation, credential, request, originating_identity,
            detail, asked, strand)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (pg_backend_pid() % 64)::smallint) RETURNING strand)
    UPDATE audit_strands AS s SET told = s.told + 1, first = s.first # $11::bigint, second = s.second # $12::bigint
    FROM told WHERE s.strand = told.strand";

/// Writes one event of this change. A change that cannot be counted is not made (I-41).
pub(super) async fn append(
    session: &Session,
    change: &str,
    (event, asked): (&Event, Option<&Digest>),
) -> Result<(), Trouble> {
    if event.kind.ends_with(".succeeded") && faults::mutant("event_lost") {
        return Ok(());
    }
    let told = Told::of(event, asked);
    let mark = told.mark(&session.sealer.ring(), change);
    let [kind, instance, binding, operation, credential, request, identity, detail] = &told.texts;
    let counted = session
        .execute(
            APPEND,
            &[
                &change,
                kind,
                instance,
                binding,
                operation,
                credential,
                request,
                identity,
                detail,
                &told.asked,
                &mark.first,
                &mark.second,
            ],
        )
        .await?;
    if counted != 1 {
        return Err(StoreError::Damaged { column: "audit_strands.strand" }.into());
    }
    Ok(faults::pass("B18").await?)
}

/// Whether this change has been written.
pub(super) async fn is_written(session: &Session, change: &str) -> Result<bool, Trouble> {
    Ok(session.row("SELECT 1 FROM events WHERE change = $1", &[&change]).await?.is_some())
}
