//! What a store wants done now and then, by whichever process comes to it: forgetting, chaining events, sealing anew.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tracing::{error, info};

use super::{engine::Engine, error::chain};
use crate::store::StoreError;

/// How often there is a look.
const EVERY: Duration = Duration::from_secs(1);
/// How many events are chained in one transaction.
const EVENTS: usize = 500;
/// How many rows are sealed anew in one transaction: few, so that nobody waits for them.
const ROWS: usize = 50;
/// How often old operations are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

impl Engine {
    /// Starts the upkeep; it ends when the process drains.
    pub(super) fn start_upkeep(self: &Arc<Self>) {
        let engine = self.clone();
        let mut draining = self.draining.subscribe();
        self.spawn(async move {
            tokio::select! {
                () = engine.keep_up() => {}
                // the sender lives in the engine, so this only ends when it says so
                _ = draining.wait_for(|draining| *draining) => {}
            }
        });
    }

    async fn keep_up(&self) {
        let mut forget_at = Instant::now();
        loop {
            if Instant::now() >= forget_at {
                forget_at += FORGET_EVERY;
                if let Err(problem) = self.store.forget(self.tuning.retention).await {
                    error!(error = chain(&problem), "could not forget old operations");
                }
            }
            if let Err(problem) = self.chain_events().await {
                error!(error = chain(&problem), "could not chain events");
            }
            if let Err(problem) = self.seal_anew().await {
                error!(error = chain(&problem), "could not seal anew");
            }
            sleep(EVERY).await;
        }
    }

    async fn chain_events(&self) -> Result<(), StoreError> {
        while self.store.chain_events(EVENTS).await? == EVENTS {}
        Ok(())
    }

    async fn seal_anew(&self) -> Result<(), StoreError> {
        let mut rows = 0;
        loop {
            let step = self.store.reseal(ROWS).await?;
            rows += step.rows;
            if step.is_done {
                break;
            }
            tokio::task::yield_now().await;
        }
        if rows > 0 {
            info!(rows, "everything is sealed with the current key");
        }
        Ok(())
    }
}
