//! Rows of the table `events`, which only grows.

use rusqlite::Connection;
use sutler_secrets::Digest;

use super::{audit, clock};

use crate::{
    faults,
    store::{Event, StoreError, audit::Told, seal::Sealer},
};

/// Writes one event.
pub(super) fn append(
    connection: &Connection,
    sealer: &Sealer,
    (event, asked): (&Event, Option<&Digest>),
) -> Result<(), StoreError> {
    if event.kind.ends_with(".succeeded") && faults::mutant("event_lost") {
        return Ok(());
    }
    let now = clock::told();
    let told = Told { at: now * 1_000, ..Told::of(event, asked) };
    let [kind, instance, binding, operation, credential, request, identity, detail] = &told.texts;
    let values = rusqlite::params![
        now, kind, instance, binding, operation, credential, request, identity, detail, told.asked
    ];
    connection
        .prepare_cached(
            "INSERT INTO events (at, kind, instance, binding, operation, credential, request,
             originating_identity, detail, asked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .and_then(|mut append| append.execute(values))
        .map_err(StoreError::write)?;
    audit::chain(connection, sealer, &Told { sequence: connection.last_insert_rowid(), ..told })?;
    Ok(faults::reach("B18")?)
}
