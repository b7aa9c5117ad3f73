//! What a broker does, one use case per file. Decides; the engine acts.
//!
//! ```text
//! provision · update · deprovision · bind · unbind      fetch · last_operation
//!                      └───── engine ─────┘
//!            drive ── answer · verdict · ending · facts · worker
//! ```

mod adoption;
mod answer;
mod ask;
mod backoff;
mod bind;
mod bound;
mod calls;
mod closing;
mod deprovision;
mod digest;
mod discover;
mod drive;
mod ending;
mod engine;
mod error;
mod facts;
mod fetch;
mod governor;
mod health;
mod last_operation;
mod provision;
mod pulse;
mod request;
#[cfg(test)]
mod samples;
mod sweep;
mod tenure;
#[cfg(test)]
mod tests;
mod unbind;
mod update;
mod upkeep;
mod verdict;
mod waiting;
mod worker;

use std::sync::{Arc, Mutex};

use sutler_secrets::KeyRing;
use sutler_spec::{Asynchrony, InstanceId};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::JoinSet,
};

pub use backoff::{Jitter, random};
pub use bound::{longest_operation, longest_silence};
pub use discover::Sought;
pub(crate) use error::chain;
pub use error::{BrokerError, Failure};
pub use last_operation::Polled;
pub use sweep::{Compared, Finding, Owner, ServiceSweep, SweepReport, VendorObject, sweep};

pub use health::{Health, Part};

use self::{
    engine::Engine, fetch::Observations, governor::Governor, health::Vitals, pulse::Pulse, waiting::Waiting,
};
use crate::{
    config::{DeletedLastOperation, Tuning},
    metrics::Metrics,
    providers::Registry,
    store::{Actor, BrokerStore, StoreError},
};

/// On whose behalf a request is made, and whether it may be told that work goes on.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// `accepts_incomplete`.
    pub asynchrony: Asynchrony,
}

/// What a broker is made of.
pub struct Parts {
    /// What it offers.
    pub registry: Registry,
    /// Its memory.
    pub store: Arc<dyn BrokerStore>,
    /// Its keys.
    pub ring: Arc<KeyRing>,
    /// Its times.
    pub tuning: Tuning,
    /// What polling a finished deletion gets.
    pub deleted_last_operation: DeletedLastOperation,
    /// Its counters.
    pub metrics: Arc<Metrics>,
    /// Its randomness.
    pub jitter: Jitter,
}

/// A service broker without HTTP.
pub struct Broker {
    engine: Arc<Engine>,
    observations: Observations,
    deleted_last_operation: DeletedLastOperation,
    vitals: Vitals,
}

impl Broker {
    /// Puts a broker together. Its work runs on the given runtime, whoever asks for it.
    #[must_use]
    pub fn new(parts: Parts, runtime: Handle) -> Self {
        let Parts { registry, store, ring, tuning, deleted_last_operation, metrics, jitter } = parts;
        let governor = Governor::new(&tuning, metrics.clone());
        let engine = Engine {
            registry: Arc::new(registry),
            store,
            ring,
            tuning,
            jitter,
            metrics,
            waiting: Waiting::default(),
            governor,
            wake: Notify::new(),
            draining: watch::channel(false).0,
            pulse: Pulse::default(),
            runtime,
            tasks: Mutex::new(JoinSet::new()),
        };
        Self {
            observations: Observations::new(tuning.fetch_cache),
            engine: Arc::new(engine),
            deleted_last_operation,
            vitals: Vitals::default(),
        }
    }

    /// Takes up what an earlier process left, and starts the worker.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start(&self) -> Result<(), StoreError> {
        let tuning = &self.engine.tuning;
        tracing::info!(
            operation_seconds = longest_operation(tuning).as_secs(),
            silent_step_seconds = longest_silence(tuning).as_secs(),
            "every operation ends within this"
        );
        let resumed = self.engine.store.take_over().await?;
        if resumed > 0 {
            tracing::info!(operations = resumed, "taking up operations that were interrupted");
        }
        self.engine.start_worker();
        self.engine.start_upkeep();
        Ok(())
    }

    /// Lets running steps finish, records where they are, and starts nothing new.
    pub async fn drain(&self) {
        self.engine.drain().await;
    }

    /// Stops everything at once, as a crash would.
    pub async fn abort(&self) {
        self.engine.abort().await;
    }

    /// Seals with the current key of this ring from now on, and everything anew by and by.
    ///
    /// # Errors
    /// When the ring cannot open what the store holds; then the present one stays.
    pub async fn replace_keys(&self, ring: Arc<KeyRing>) -> Result<(), StoreError> {
        self.engine.store.replace_keys(ring).await
    }

    /// Something else is in progress, for certain: what was read one after the other belongs together if the instance
    /// has the revision it had at first. Otherwise somebody was faster, and it is decided again.
    async fn still_busy(&self, id: &InstanceId, seen: Option<u64>) -> Result<(), BrokerError> {
        let now = self.engine.store.instance(id).await?.map(|instance| instance.revision);
        if now == seen { Err(BrokerError::Concurrency) } else { Ok(()) }
    }

    /// What it offers.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.engine.registry
    }

    /// Its counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.engine.metrics
    }
}
