//! The transactions: what changes together.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension};

use super::{bindings, events, expenses, instances, operations};
use crate::{
    faults,
    instance::Instance,
    operation::Operation,
    store::{
        Amended, Begin, Begun, Event, RowChange, Rows, Save, StoreError,
        column::{self, millis},
        seal::Sealer,
    },
};

/// Accepts an operation, unless the world is not what the decision was made on.
pub(super) fn begin(
    connection: &Connection,
    sealer: &Sealer,
    begin: &Begin,
    now: i64,
) -> Result<Begun, StoreError> {
    if instances::revision(connection, &begin.operation.instance)? != begin.decided_on {
        return Ok(Begun::Moved);
    }
    if let Some(superseded) = &begin.supersedes
        && !operations::supersede(connection, superseded, now)?
    {
        return Ok(Begun::Moved);
    }
    if is_busy(connection, begin.operation.instance.as_str())? {
        return Ok(Begun::Moved);
    }
    change_rows(connection, sealer, (&begin.operation, &begin.rows), now)?;
    let until = now + millis(begin.hold);
    operations::insert(connection, sealer, (&begin.operation, &begin.lease), (now, until))?;
    if let Some(superseded) = &begin.supersedes {
        operations::inherit_hold(connection, (&begin.operation.id, superseded), now)?;
    }
    events::append(connection, sealer, (&begin.event, Some(&begin.operation.digest)))?;
    faults::reach("B02")?;
    Ok(Begun::Accepted)
}

/// Writes how an operation stands.
pub(super) fn save(
    connection: &Connection,
    sealer: &Sealer,
    save: &Save,
    now: i64,
) -> Result<(), StoreError> {
    operations::save(connection, sealer, (&save.operation, &save.lease), (save.hold, now))?;
    change_rows(connection, sealer, (&save.operation, &save.rows), now)?;
    faults::reach("B13")?;
    save.event.as_ref().map_or(Ok(()), |event| events::append(connection, sealer, (event, None)))
}

/// Writes an instance outside any operation.
pub(super) fn amend(
    connection: &Connection,
    sealer: &Sealer,
    (instance, event): (&Instance, &Event),
    now: i64,
) -> Result<Amended, StoreError> {
    let known = instances::revision(connection, &instance.id)?;
    if known != Some(instance.revision) || is_busy(connection, instance.id.as_str())? {
        return Ok(Amended::Moved);
    }
    instances::put(connection, sealer, instance, now)?;
    events::append(connection, sealer, (event, None))?;
    Ok(Amended::Written)
}

const TAKE_OVER: &str = "UPDATE operations SET due_at = ?1, owner = NULL,
    in_doubt = in_doubt OR (step IS NOT NULL AND class <> 'read_only'),
    touched = touched OR (step IS NOT NULL AND class <> 'read_only'),
    step = NULL, class = NULL, attempt = NULL
    WHERE state = 'in progress' AND owner IS NOT NULL";

/// Makes everything that is held due, and takes it from its holder; or a test's mistake of it.
pub(super) fn take_over(connection: &Connection, now: i64) -> Result<u64, StoreError> {
    if faults::mutant("left_behind_on_restart") {
        return Ok(0);
    }
    let forgets = faults::mutant("doubt_forgotten");
    let doubt = "in_doubt OR (step IS NOT NULL AND class <> 'read_only')";
    let statement = if forgets { TAKE_OVER.replace(doubt, "in_doubt") } else { TAKE_OVER.to_owned() };
    connection.execute(&statement, [now]).map(|changed| changed as u64).map_err(StoreError::write)
}

/// Forgets what ended before `horizon`, but never the last operation of an instance that is still there.
pub(super) fn forget(connection: &Connection, horizon: i64) -> Result<u64, StoreError> {
    let forgotten = connection
        .execute(
            "DELETE FROM operations WHERE ended_at < ?1 AND NOT (instance IN (SELECT id FROM instances)
             AND sequence = (SELECT max(sequence) FROM operations AS later
                             WHERE later.instance = operations.instance AND later.binding IS operations.binding))",
            [horizon],
        )
        .map_err(StoreError::write)?;
    faults::reach("B24")?;
    Ok(forgotten as u64)
}

/// Remembers which catalog is served, and since when.
pub(super) fn catalog_since(
    connection: &Connection,
    digest: &str,
    now: i64,
) -> Result<SystemTime, StoreError> {
    let (prefix, seconds) = (format!("{digest} "), now / 1_000);
    connection
        .execute(
            "INSERT INTO meta (name, value) VALUES ('catalog', ?1 || ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE substr(value, 1, length(?1)) <> ?1",
            (&prefix, seconds),
        )
        .map_err(StoreError::write)?;
    let value: String = connection
        .query_row("SELECT value FROM meta WHERE name = 'catalog'", [], |row| row.get(0))
        .map_err(StoreError::read)?;
    column::catalog_since(&value)
}

/// Proves that writing works.
pub(super) fn probe(connection: &Connection, now: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO meta (name, value) VALUES ('probe', ?1) ON CONFLICT DO UPDATE SET value = ?1",
        )
        .and_then(|mut probe| probe.execute([now]))
        .map(|_| ())
        .map_err(StoreError::write)
}

fn is_busy(connection: &Connection, instance: &str) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM operations WHERE instance = ?1 AND state = 'in progress'")
        .and_then(|mut get| get.query_row([instance], |_| Ok(())).optional())
        .map(|found| found.is_some())
        .map_err(StoreError::read)
}

/// Bindings go before their instance, instances come before their bindings.
fn change_rows(
    connection: &Connection,
    sealer: &Sealer,
    (operation, rows): (&Operation, &Rows),
    now: i64,
) -> Result<(), StoreError> {
    let removed = operation.binding.as_ref().filter(|_| rows.binding == RowChange::Remove);
    for binding in removed.into_iter().chain(&rows.revoked) {
        bindings::remove(connection, &operation.instance, binding)?;
    }
    match &rows.instance {
        RowChange::Keep => instances::touch(connection, &operation.instance)?,
        RowChange::Put(instance) => instances::put(connection, sealer, instance, now)?,
        RowChange::Remove => instances::remove(connection, &operation.instance)?,
    }
    if let RowChange::Put(binding) = &rows.binding {
        bindings::put(connection, sealer, binding, now)?;
    }
    expenses::change(connection, &rows.spending)
}
