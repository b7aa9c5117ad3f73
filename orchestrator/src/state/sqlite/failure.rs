//! What an SQLite error means for a state.

use rusqlite::ErrorCode;

use super::file::Place;
use crate::state::StateError;

/// Damage, in our words.
pub(super) fn damaged(place: &Place, what: impl Into<String>) -> StateError {
    StateError::Damaged { location: place.location(), what: what.into() }
}

/// The system would not do it.
pub(super) fn storage(
    place: &Place,
    step: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StateError {
    StateError::Storage { location: place.location(), step, source: source.into() }
}

/// Translates an SQLite error that came at this step.
pub(super) fn sql(place: &Place, step: &'static str) -> impl Fn(rusqlite::Error) -> StateError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => damaged(place, "it is not an SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => damaged(place, format!("SQLite says: {error}")),
        // A page that the file says it has, and that is not there.
        Some(ErrorCode::SystemIoFailure) if is_cut_short(&error) => {
            damaged(place, format!("it is shorter than it says: {error}"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StateError::Busy { location: place.location() }
        }
        Some(ErrorCode::Unknown) if error.to_string().contains("no such") => {
            damaged(place, format!("a part is missing: {error}"))
        }
        Some(_) => storage(place, step, error),
        // A column that holds something else than was written, or a row that should be there and is not.
        None => damaged(place, error.to_string()),
    }
}

fn is_cut_short(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ)
}
