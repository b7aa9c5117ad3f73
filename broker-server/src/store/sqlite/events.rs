//! Rows of the table `events`, which only grows.

use rusqlite::Connection;
use sutler_secrets::Digest;

use super::audit;

use crate::{
    faults,
    store::{
        Event, StoreError,
        audit::Told,
        seal::{Sealer, plain},
    },
};

/// Writes one event.
pub(super) fn append(
    connection: &Connection,
    sealer: &Sealer,
    (event, asked): (&Event, Option<&Digest>),
    now: i64,
) -> Result<(), StoreError> {
    if event.kind.ends_with(".succeeded") && faults::mutant("event_lost") {
        return Ok(());
    }
    let texts = [
        Some(event.kind.to_owned()),
        Some(event.instance.as_str().to_owned()),
        event.binding.as_ref().map(|binding| binding.as_str().to_owned()),
        event.operation.as_ref().map(|operation| operation.as_str().to_owned()),
        event.actor.credential.clone(),
        event.actor.request.clone(),
        event.actor.originating_identity.as_ref().map(plain),
        event.detail.clone(),
    ];
    let asked = asked.map(|digest| digest.as_bytes().to_vec());
    let told = Told { sequence: 0, at: now * 1_000, texts, asked };
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
