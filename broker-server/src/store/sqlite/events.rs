//! Rows of the table `events`, which only grows.

use rusqlite::Connection;
use sutler_spec::BindingId;

use crate::{
    faults,
    operation::OperationId,
    store::{Event, StoreError, seal::plain},
};

/// Writes one event.
pub(super) fn append(connection: &Connection, event: &Event, now: i64) -> Result<(), StoreError> {
    if event.kind.ends_with(".succeeded") && faults::mutant("event_lost") {
        return Ok(());
    }
    let values = (
        now,
        event.kind,
        event.instance.as_str(),
        event.binding.as_ref().map(BindingId::as_str),
        event.operation.as_ref().map(OperationId::as_str),
        event.actor.credential.as_deref(),
        event.actor.request.as_deref(),
        event.actor.originating_identity.as_ref().map(plain),
        event.detail.as_deref(),
    );
    connection
        .prepare_cached(
            "INSERT INTO events (at, kind, instance, binding, operation, credential, request,
             originating_identity, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .and_then(|mut append| append.execute(values))
        .map_err(StoreError::write)?;
    Ok(faults::reach("B18")?)
}
