//! When the worker last looked for work: a worker that is stuck is seen.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::worker::LONGEST_SLEEP;
use crate::metrics::WorkerHealth;

/// After this many of its longest pauses a worker that did not look again is stuck.
const PATIENCE: u32 = 4;

/// A worker's pulse.
#[derive(Default)]
pub(super) struct Pulse(Mutex<Option<Instant>>);

impl Pulse {
    /// It has just looked.
    pub(super) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How it does.
    pub(super) fn health(&self) -> WorkerHealth {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        WorkerHealth { last_loop: last.map(|at| at.elapsed()), bound: bound() }
    }
}

/// The longest time between two looks of a worker that is well.
fn bound() -> Duration {
    LONGEST_SLEEP * PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_never_looked_or_stopped_looking_is_not_alive() {
        let pulse = Pulse::default();
        assert!(!pulse.health().is_alive(), "before the first look");
        pulse.beat();
        assert!(pulse.health().is_alive());
        let since = |last_loop| WorkerHealth { last_loop: Some(last_loop), bound: bound() };
        assert!(since(LONGEST_SLEEP).is_alive(), "in its longest pause");
        assert!(!since(bound() + LONGEST_SLEEP).is_alive(), "stuck");
    }
}
