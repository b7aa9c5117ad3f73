//! How long an operation can take at most (I-14). Pure.

use std::time::Duration;

use crate::config::Tuning;

use super::{backoff, worker};

/// The longest any operation can take from its acceptance to its end, while the store can be written: whatever the
/// vendor does, and with one death of its process on the way. Every further death adds a lease and a call.
///
/// An operation that has reached [`Tuning::operation_age`] ends with the next answer, whatever that is. So the bound is
/// that age, plus what may lie between its last answer before and the first one after: the longest wait, or a lease
/// that lapses and the time its last call may still be under way; then one call; then how late a worker looks that did
/// not hear what another process, which died, had been waiting for. Whoever takes over wakes when a lease lapses, and
/// when the last call has settled: nothing is added there.
#[must_use]
pub fn longest_operation(tuning: &Tuning) -> Duration {
    let wait = backoff::longest(tuning).max(tuning.lease + tuning.call_timeout);
    tuning.operation_age + wait + tuning.call_timeout + worker::longest_sleep(tuning)
}

/// The longest a step of a vendor that never answers goes on, unless its account is left alone meanwhile because it
/// answers nobody: `attempts * (call_timeout + longest backoff) + lease + call_timeout`. Never longer than
/// [`longest_operation`].
#[must_use]
pub fn longest_silence(tuning: &Tuning) -> Duration {
    let attempt = tuning.call_deadline() + tuning.backoff_cap;
    (attempt * tuning.attempts + tuning.lease + tuning.call_timeout).min(longest_operation(tuning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_the_defaults_are_what_the_documentation_says() {
        let tuning = Tuning::default();
        assert_eq!(longest_operation(&tuning), Duration::from_secs(24 * 3_600 + 330 + 30 + 5));
        assert_eq!(longest_silence(&tuning), Duration::from_secs(30 * (27 + 60) + 60));
        let short = Tuning { operation_age: Duration::from_secs(1), ..tuning };
        assert_eq!(longest_silence(&short), longest_operation(&short));
    }
}
