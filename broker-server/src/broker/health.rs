//! Whether this process can do its work: asked by whoever sends it requests, and seen in its metrics.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sutler_secrets::Place;
use tokio::time::{Instant, timeout};

use super::{Broker, error::chain};
use crate::{
    metrics::Observation,
    store::{Census, StoreError},
};

/// How long a part may take to prove that it works.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a census is told again: scrapes by several collectors cost one read.
const CENSUS_AGE: Duration = Duration::from_secs(5);

/// A part that readiness depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// This process is not ending.
    Serving,
    /// The store can be read.
    StoreRead,
    /// The store can be written, durably.
    StoreWrite,
    /// The keys seal, and open what they sealed.
    Keys,
    /// The worker looks for work.
    Worker,
}

impl Part {
    /// The word for answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::StoreRead => "store_read",
            Self::StoreWrite => "store_write",
            Self::Keys => "keys",
            Self::Worker => "worker",
        }
    }
}

/// What is well, and why the rest is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health(pub Vec<(Part, Result<(), String>)>);

impl Health {
    /// Whether everything is well.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.iter().all(|(_, state)| state.is_ok())
    }
}

/// What health remembers between questions.
#[derive(Default)]
pub(super) struct Vitals {
    leaving: AtomicBool,
    census: Mutex<Option<(Instant, Arc<Census>)>>,
}

impl Broker {
    /// Says that this process is about to end: it is not ready any more, but still does everything it is asked.
    pub fn announce_leaving(&self) {
        self.vitals.leaving.store(true, Ordering::Relaxed);
    }

    /// Tries every part. Nothing is told about the store but what failed: whoever may ask is not authenticated.
    pub async fn health(&self) -> Health {
        let store = &self.engine.store;
        let (read, written) =
            tokio::join!(timeout(PATIENCE, store.next_due()), timeout(PATIENCE, store.check()));
        Health(vec![
            (Part::Serving, self.serving()),
            (Part::StoreRead, proven(Part::StoreRead, read.map(|read| read.map(|_| ())))),
            (Part::StoreWrite, proven(Part::StoreWrite, written)),
            (Part::Keys, self.keys()),
            (Part::Worker, self.worker()),
        ])
    }

    fn serving(&self) -> Result<(), String> {
        if self.is_leaving() { Err("draining".to_owned()) } else { Ok(()) }
    }

    fn keys(&self) -> Result<(), String> {
        let (ring, place) = (&self.engine.ring, Place::new("health"));
        ring.check_canary(&place, &ring.canary(&place))
            .map_err(|_| "the keys do not open what they seal".to_owned())
    }

    fn worker(&self) -> Result<(), String> {
        let health = self.engine.pulse.health();
        match health.last_loop {
            Some(_) if health.is_alive() => Ok(()),
            Some(since) => Err(format!("the worker has not looked for work for {} s", since.as_secs())),
            None => Err("the worker has not started".to_owned()),
        }
    }

    fn is_leaving(&self) -> bool {
        self.vitals.leaving.load(Ordering::Relaxed) || self.engine.is_draining()
    }

    /// All metrics as OpenMetrics text.
    ///
    /// # Errors
    /// Never in practice.
    pub async fn scrape(&self) -> Result<String, fmt::Error> {
        let observation = Observation {
            census: self.census().await,
            statistics: self.engine.store.statistics(),
            worker: self.engine.pulse.health(),
            draining: self.is_leaving(),
        };
        self.engine.metrics.to_openmetrics(observation)
    }

    /// Counts what is in progress, or what was a moment ago.
    async fn census(&self) -> Option<Arc<Census>> {
        let kept = self.vitals.census.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, census)) = kept
            && at.elapsed() < CENSUS_AGE
        {
            return Some(census);
        }
        match timeout(PATIENCE, self.engine.store.census()).await {
            Ok(Ok(census)) => {
                let census = Arc::new(census);
                let mut kept = self.vitals.census.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some((Instant::now(), census.clone()));
                Some(census)
            }
            Ok(Err(problem)) => {
                tracing::warn!(error = chain(&problem), "the operations in progress could not be counted");
                None
            }
            Err(_elapsed) => None,
        }
    }
}

fn proven(
    part: Part,
    outcome: Result<Result<(), StoreError>, tokio::time::error::Elapsed>,
) -> Result<(), String> {
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(problem)) => {
            tracing::error!(part = part.as_str(), error = chain(&problem), "a part is not ready");
            Err("the store refuses".to_owned())
        }
        Err(_elapsed) => Err("the store does not answer in time".to_owned()),
    }
}
