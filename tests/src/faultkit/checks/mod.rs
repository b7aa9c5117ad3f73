//! The invariants as pure functions. Each has tests with what is right and with what is wrong.

mod operations;
mod overlap;
mod requests;
mod resources;
#[cfg(test)]
mod samples;
mod secrets;
#[cfg(test)]
mod tests;

pub use overlap::overlaps;
pub use secrets::{Captured, leaks};

use super::evidence::{Evidence, Violation};

/// Which form of the invariants is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Any instant, also right after a death.
    Instant,
    /// Faults have stopped, every process runs, nothing is in progress.
    Quiet,
}

/// Everything that does not hold.
#[must_use]
pub fn violations(evidence: &Evidence<'_>, moment: Moment) -> Vec<Violation> {
    let mut found = resources::unknown(evidence);
    found.extend(resources::foreign(evidence));
    found.extend(operations::terminal_once(evidence));
    found.extend(requests::accepted_is_durable(evidence));
    found.extend(requests::made_is_durable(evidence));
    found.extend(requests::repeats_are_harmless(evidence));
    found.extend(requests::refusals_change_nothing(evidence));
    if moment == Moment::Quiet {
        found.extend(resources::twins(evidence));
        found.extend(resources::missing(evidence));
        found.extend(resources::deleted_is_gone(evidence));
        found.extend(operations::all_ended(evidence));
        found.extend(operations::told_once(evidence));
    }
    found
}
