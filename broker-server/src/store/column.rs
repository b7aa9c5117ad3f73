//! Columns as both databases hold them: words, digests, milliseconds, and texts that both can keep.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sutler_secrets::Digest;
use sutler_spec::OperationState;

use super::{Begin, Event, RowChange, Rows, Save, StoreError};
use crate::{binding::Binding, expense::Spending, instance::Instance, operation::Operation};

/// Turns the error of a check into "this column is damaged".
pub(super) fn damaged<E>(column: &'static str) -> impl FnOnce(E) -> StoreError {
    move |_| StoreError::Damaged { column }
}

/// Reads one of our words.
pub(super) fn word<T>(
    text: String,
    column: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    read(&text).ok_or(StoreError::Damaged { column })
}

/// Reads a digest.
pub(super) fn digest(bytes: Vec<u8>, column: &'static str) -> Result<Digest, StoreError> {
    <[u8; 32]>::try_from(bytes).map(Digest::from_bytes).map_err(damaged(column))
}

/// The state of an operation, for storage.
pub(super) fn state_word(state: OperationState) -> &'static str {
    match state {
        OperationState::InProgress => "in progress",
        OperationState::Succeeded => "succeeded",
        OperationState::Failed => "failed",
    }
}

/// Reads what [`state_word`] wrote.
pub(super) fn state_from(text: &str) -> Option<OperationState> {
    [OperationState::InProgress, OperationState::Succeeded, OperationState::Failed]
        .into_iter()
        .find(|state| state_word(*state) == text)
}

/// The time in `digest seconds`.
pub(super) fn catalog_since(value: &str) -> Result<SystemTime, StoreError> {
    let seconds = value.rsplit(' ').next().and_then(|seconds| seconds.parse().ok());
    let seconds = seconds.ok_or(StoreError::Damaged { column: "meta.catalog" })?;
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Milliseconds for storage.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Refuses what PostgreSQL could not keep, in every store, before anything is written (S-16). What is sealed may hold
/// anything.
pub(super) fn check_begin(begin: &Begin) -> Result<(), StoreError> {
    check_operation(&begin.operation)?;
    check_rows(&begin.rows)?;
    check_event(&begin.event)
}

/// See [`check_begin`].
pub(super) fn check_save(save: &Save) -> Result<(), StoreError> {
    check_operation(&save.operation)?;
    check_rows(&save.rows)?;
    save.event.as_ref().map_or(Ok(()), check_event)
}

/// See [`check_begin`].
pub(super) fn check_amend(instance: &Instance, event: &Event) -> Result<(), StoreError> {
    check_instance(instance)?;
    check_event(event)
}

fn check_operation(row: &Operation) -> Result<(), StoreError> {
    text("operations.description", row.description.as_deref())?;
    text("operations.step", row.intent.as_ref().map(|intent| intent.step.as_str()))?;
    text("operations.class", row.intent.as_ref().map(|intent| intent.class.as_str()))
}

fn check_rows(rows: &Rows) -> Result<(), StoreError> {
    if let RowChange::Put(instance) = &rows.instance {
        check_instance(instance)?;
    }
    if let Spending::Reserve(reservation) = &rows.spending {
        text("expenses.organization", Some(&reservation.organization))?;
        text("expenses.space", Some(&reservation.space))?;
    }
    match &rows.binding {
        RowChange::Put(binding) => check_binding(binding),
        RowChange::Keep | RowChange::Remove => Ok(()),
    }
}

fn check_instance(row: &Instance) -> Result<(), StoreError> {
    text("instances.organization", Some(&row.organization))?;
    text("instances.space", Some(&row.space))?;
    text("instances.maintenance_version", row.maintenance_version.as_deref())?;
    text("instances.dashboard_url", row.dashboard_url.as_deref())
}

fn check_binding(row: &Binding) -> Result<(), StoreError> {
    text("bindings.application", row.application.as_deref())
}

fn check_event(event: &Event) -> Result<(), StoreError> {
    text("events.credential", event.actor.credential.as_deref())?;
    text("events.request", event.actor.request.as_deref())?;
    text("events.detail", event.detail.as_deref())
}

fn text(column: &'static str, text: Option<&str>) -> Result<(), StoreError> {
    match text {
        Some(text) if text.contains('\0') => Err(StoreError::Nul { column }),
        _ => Ok(()),
    }
}
