//! The worker: takes up what is due, and what others left behind.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tracing::{error, info};

use super::{engine::Engine, error::chain};
use crate::{
    config::Tuning,
    faults,
    operation::{Intent, Lease, Operation},
    providers::RecoveryClass,
    store::{Hold, Rows, Save},
};

/// How many operations are claimed in one go.
const BATCH: usize = 64;
/// How often the worker looks even if nothing seems due, at least.
pub(super) const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// The shortest pause between looks for what is held but due, and after an error of the store.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// How often the worker looks even if nothing seems due. Twice in a lease: of whatever another process has claimed it
/// hears before that lapses, and so it wakes when it does.
pub(super) fn longest_sleep(tuning: &Tuning) -> Duration {
    LONGEST_SLEEP.min(tuning.lease / 2)
}

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
        loop {
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
        let asked = Instant::now();
        let claimed = match self.store.claim(self.tuning.lease, BATCH).await {
            Ok(claimed) => claimed,
            Err(problem) => {
                error!(error = chain(&problem), "could not claim operations");
                return longest_sleep(&self.tuning);
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
            self.resume((lease, asked), operation);
        }
        if !all {
            return Duration::ZERO;
        }
        let longest = longest_sleep(&self.tuning);
        match self.store.next_due().await {
            Ok(due) => due.unwrap_or(longest).min(longest).max(SHORTEST_SLEEP),
            Err(problem) => {
                error!(error = chain(&problem), "could not read what is due next");
                longest
            }
        }
    }

    /// Goes on with what was claimed. Where its last holder let the lease lapse in the middle of a step, that holder may
    /// be asleep rather than dead, and its call on the way: the outcome is looked for only when no such call can arrive.
    fn resume(self: &Arc<Self>, claim: (Lease, Instant), mut operation: Operation) {
        match operation.intent.take() {
            Some(intent) if must_settle(&intent) => {
                let (engine, (lease, _)) = (self.clone(), claim);
                self.spawn(async move { engine.let_settle(lease, operation).await });
            }
            _ => self.start(claim, operation),
        }
    }

    async fn let_settle(&self, lease: Lease, operation: Operation) {
        info!(operation = %operation.id, "a lease lapsed in the middle of a step; waiting for its last call to arrive");
        let hold = Hold::Park(self.tuning.call_timeout);
        let save = Save { lease, operation, hold, rows: Rows::default(), event: None };
        if let Err(problem) = self.store.save(save).await {
            error!(error = chain(&problem), "the operation is interrupted");
        }
        self.wake.notify_one();
    }
}

/// Whether a call of this step that arrives late would disturb whoever finds out what happened.
fn must_settle(intent: &Intent) -> bool {
    ![RecoveryClass::ReadOnly, RecoveryClass::IdempotencyKey]
        .iter()
        .any(|class| intent.class == class.as_str())
}
