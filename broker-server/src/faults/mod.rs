//! Faults and mutants: where this program can be made to die, fail, hang or be wrong, so that its tests are tested.
//!
//! Only builds with debug assertions have them (S-52). In a release build every function here is empty, no name of a
//! point or mutant is left in the binary, and the variables are not read.
//!
//! ```text
//! SUTLER_FAULTS="B08=kill@3,B13=error"     what happens where: kill, error, panic, hang, delay:MILLISECONDS
//!                                          @n: at the n-th time only; %p: in p of 100 times; neither: each time
//! SUTLER_FAULTS="@/path/of/a/file"         the same, read anew whenever a point is reached; counts from each change;
//!                                          what happened is told in the same file name with the ending .struck
//! SUTLER_MUTANT="no_fence_check"           the named mistake is made
//! ```

#[cfg(not(debug_assertions))]
mod absent;
#[cfg(debug_assertions)]
mod armed;
#[cfg(debug_assertions)]
mod plan;
#[cfg(all(test, debug_assertions))]
mod tests;

#[cfg(not(debug_assertions))]
pub(crate) use absent::{half_answer, half_request, mutant, pass, race, reach};
#[cfg(debug_assertions)]
pub(crate) use armed::{half_answer, half_request, mutant, pass, race, reach};

use crate::{
    providers::{ProviderError, Sent},
    store::StoreError,
};

/// Every point of a mutation at which a process can die or a step can fail.
#[cfg(debug_assertions)]
pub const POINTS: &[(&str, &str)] = &[
    ("B01", "the request is parsed, nothing is written"),
    ("B02", "inside the accepting transaction"),
    ("B03", "the accepting transaction is committed, nobody knows yet"),
    ("B04", "accepted, no byte of the answer is sent"),
    ("B05", "half of the answer is sent"),
    ("B06", "due, and not claimed"),
    ("B07", "claimed, no intent of this claim"),
    ("B08", "the intent is durable, the vendor is not connected"),
    ("B09", "half of the vendor request is sent"),
    ("B10", "the vendor request is sent, no answer"),
    ("B11", "half of the vendor's answer is read"),
    ("B12", "the vendor's answer is understood, not recorded"),
    ("B13", "inside the transaction that records a result"),
    ("B14", "the result is committed, nobody knows yet"),
    ("B15", "between two steps"),
    ("B16", "the last step is done, the end is not recorded"),
    ("B17", "the end is committed, nobody knows yet"),
    ("B18", "an event is written, its transaction is open"),
    ("B19", "the vendor has answered, and the holder is held up until its lease lapses"),
    ("B20", "while draining"),
    ("B21", "while an unknown outcome is found out"),
    ("B22", "inside a schema migration"),
    ("B23", "a row is sealed with another key, its transaction is open"),
    ("B24", "while old operations are forgotten"),
    ("B25", "a copy of the store is half made"),
];

/// Every mistake that can be made on purpose.
#[cfg(debug_assertions)]
pub const MUTANTS: &[(&str, &str)] = &[
    ("no_fence_check", "a holder that lost its lease can still write"),
    ("fence_by_number_only", "the owner token is not compared, only the number"),
    ("no_intent", "a step is taken whose intent is not durable"),
    ("result_not_recorded", "the next step begins before the result of the last one is durable"),
    ("doubt_forgotten", "an intent without a result is taken for one that never was"),
    ("server_error_means_absent", "an error of the vendor is read as 'does not exist'"),
    ("new_marker_on_retry", "a repeated step marks what it makes differently"),
    ("no_lease_margin", "a vendor call may outlive the lease"),
    ("terminal_overwritten", "an operation that has ended can be written again"),
    ("left_behind_on_restart", "what a dead process held is never taken up"),
    ("conflict_means_success", "a request with other attributes is told that all is well"),
    ("foreign_adopted", "an object of that name is taken for ours"),
    ("delete_ends_early", "a deletion ends without the vendor having said gone"),
    ("credentials_kept", "the row of a deleted binding stays"),
    ("repeat_is_new", "a repeated request is told of another operation"),
    ("event_lost", "the end of an operation is not told"),
    ("twins_kept", "a second object made by an attempt in doubt is left"),
    ("answer_before_commit", "a write is reported before it is durable"),
    ("secret_logged", "credentials are in the log"),
];

/// What a point that is told to fail gives; its place turns it into an error of its own.
#[derive(Debug, thiserror::Error)]
#[error("a fault was injected at {0}")]
pub(crate) struct Injected(pub(crate) &'static str);

impl Injected {
    /// For a step whose outcome is known to be nothing.
    pub(crate) fn unsent(self) -> ProviderError {
        self.unclear(Sent::No)
    }

    /// For a step whose outcome is not known.
    pub(crate) fn in_doubt(self) -> ProviderError {
        self.unclear(Sent::Perhaps)
    }

    fn unclear(self, sent: Sent) -> ProviderError {
        ProviderError::Unavailable { description: self.to_string(), retry_after: None, sent }
    }
}

impl From<Injected> for rusqlite::Error {
    fn from(injected: Injected) -> Self {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        Self::SqliteFailure(code, Some(injected.to_string()))
    }
}

impl From<Injected> for StoreError {
    fn from(injected: Injected) -> Self {
        Self::Write(injected.into())
    }
}
