//! Rows of the table `events`, which only grows.

use sutler_secrets::Digest;
use sutler_spec::BindingId;

use super::transact::{Session, Trouble};
use crate::{
    faults,
    operation::OperationId,
    store::{Event, seal::plain},
};

/// Writes one event of this change.
pub(super) async fn append(
    session: &Session,
    change: &str,
    (event, asked): (&Event, Option<&Digest>),
) -> Result<(), Trouble> {
    if event.kind.ends_with(".succeeded") && faults::mutant("event_lost") {
        return Ok(());
    }
    session
        .execute(
            "INSERT INTO events (change, kind, instance, binding, operation, credential, request,
             originating_identity, detail, asked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &change,
                &event.kind,
                &event.instance.as_str(),
                &event.binding.as_ref().map(BindingId::as_str),
                &event.operation.as_ref().map(OperationId::as_str),
                &event.actor.credential,
                &event.actor.request,
                &event.actor.originating_identity.as_ref().map(plain),
                &event.detail,
                &asked.map(|digest| digest.as_bytes().as_slice()),
            ],
        )
        .await?;
    Ok(faults::pass("B18").await?)
}

/// Whether this change has been written.
pub(super) async fn is_written(session: &Session, change: &str) -> Result<bool, Trouble> {
    Ok(session.row("SELECT 1 FROM events WHERE change = $1", &[&change]).await?.is_some())
}
