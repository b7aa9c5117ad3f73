//! The worker: takes up what is due, and what others left behind.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tracing::error;

use super::{
    engine::{Engine, Intended},
    error::chain,
};
use crate::faults;

/// How many operations are claimed in one go.
const BATCH: usize = 64;
/// How often the worker looks even if nothing seems due.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// The shortest pause between looks for what is held but due, and after an error of the store.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);
/// How often old operations are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

impl Engine {
    /// Starts the worker; it ends when the process drains.
    pub(super) fn start_worker(self: &Arc<Self>) {
        // from now on it has to show that it makes progress
        self.pulse.beat();
        let engine = self.clone();
        let mut draining = self.draining.subscribe();
        self.spawn(async move {
            tokio::select! {
                () = engine.work() => {}
                // the sender lives in the engine, so this only ends when it says so
                _ = draining.wait_for(|draining| *draining) => {}
            }
        });
    }

    async fn work(self: &Arc<Self>) {
        let mut forget_at = Instant::now();
        loop {
            if Instant::now() >= forget_at {
                forget_at += FORGET_EVERY;
                if let Err(problem) = self.store.forget(self.tuning.retention).await {
                    error!(error = chain(&problem), "could not forget old operations");
                }
            }
            let pause = self.take_up().await;
            self.pulse.beat();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Claims what is due and starts on it. How long to sleep then.
    async fn take_up(self: &Arc<Self>) -> Duration {
        if let Err(injected) = faults::pass("B06").await {
            error!(%injected, "could not claim operations");
            return SHORTEST_SLEEP;
        }
        let claimed = match self.store.claim(self.tuning.lease, BATCH).await {
            Ok(claimed) => claimed,
            Err(problem) => {
                error!(error = chain(&problem), "could not claim operations");
                return LONGEST_SLEEP;
            }
        };
        let all = claimed.len() < BATCH;
        for (lease, operation) in claimed {
            if let Err(injected) = faults::pass("B07").await {
                error!(%injected, operation = %operation.id, "the operation is interrupted");
                continue;
            }
            if operation.in_doubt {
                self.metrics.operations.resumed();
            }
            self.start(lease, operation, Intended::NotYet);
        }
        if !all {
            return Duration::ZERO;
        }
        match self.store.next_due().await {
            Ok(due) => due.unwrap_or(LONGEST_SLEEP).clamp(SHORTEST_SLEEP, LONGEST_SLEEP),
            Err(problem) => {
                error!(error = chain(&problem), "could not read what is due next");
                LONGEST_SLEEP
            }
        }
    }
}
