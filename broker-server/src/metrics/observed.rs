//! What is looked up when metrics are asked for: the store's census and counts, and how the worker does.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::families::{Families, Kind};
use crate::operation::Work;
use crate::store::{AgeBand, Census, Standing, Statistics};

const IN_PROGRESS: &str = "operations_in_progress";
const BY_AGE: &str = "operations_in_progress_by_age";
const OLDEST: &str = "operations_oldest_age";
const COMMITS: &str = "store_commits";
const WRITES: &str = "store_writes";
const QUEUE: &str = "store_queue_length";
const POOL: &str = "store_connections";
const POOL_IN_USE: &str = "store_connections_in_use";
const LOOP_AGE: &str = "worker_loop_age";
const DRAINING: &str = "draining";

const NAMES: [(&str, &str, Kind); 10] = [
    (IN_PROGRESS, "Operations in progress, by work and state (queued, parked, running)", Kind::Gauge),
    (BY_AGE, "Operations in progress, by work and age", Kind::Gauge),
    (OLDEST, "Age of the oldest operation in progress, by work", Kind::GaugeOfSeconds),
    (COMMITS, "Commits of the store by this process", Kind::Counter),
    (WRITES, "Writes of the store by this process; divided by commits, the size of a group", Kind::Counter),
    (QUEUE, "Writes that wait for a commit", Kind::Gauge),
    (POOL, "Connections of this process to its store", Kind::Gauge),
    (POOL_IN_USE, "Connections of this process to its store that are in use", Kind::Gauge),
    (LOOP_AGE, "Since the worker last looked for work", Kind::GaugeOfSeconds),
    (DRAINING, "1 while this process ends: it starts nothing new", Kind::Gauge),
];

/// How the worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerHealth {
    /// Since it last looked for work; `None` before the first time.
    pub last_loop: Option<Duration>,
    /// After how long it is stuck.
    pub bound: Duration,
}

impl WorkerHealth {
    /// Whether it makes progress.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.last_loop.is_some_and(|since| since <= self.bound)
    }
}

/// How things are at the moment of a scrape.
#[derive(Debug, Clone)]
pub struct Observation {
    /// What is in progress; `None` when the store did not answer.
    pub census: Option<Arc<Census>>,
    /// What this process's store did.
    pub statistics: Statistics,
    /// How the worker does.
    pub worker: WorkerHealth,
    /// Whether the process is ending.
    pub draining: bool,
}

/// The last observation.
#[derive(Debug, Default)]
pub(super) struct Observed(Mutex<Option<Observation>>);

impl Observed {
    pub(super) fn register(families: &mut Families) -> Arc<Self> {
        let observed = Arc::new(Self::default());
        families.collect(observed.clone(), NAMES);
        observed
    }

    pub(super) fn replace(&self, observation: Observation) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(observation);
    }
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let observation = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(observation) = observation else { return Ok(()) };
        if let Some(census) = &observation.census {
            operations(&mut encoder, census)?;
        }
        store(&mut encoder, observation.statistics)?;
        let since = observation.worker.last_loop.map_or(f64::INFINITY, |since| since.as_secs_f64());
        gauge(&mut encoder, LOOP_AGE, since)?;
        gauge(&mut encoder, DRAINING, f64::from(u8::from(observation.draining)))
    }
}

fn store(encoder: &mut DescriptorEncoder<'_>, statistics: Statistics) -> fmt::Result {
    counter(encoder, COMMITS, statistics.commits)?;
    counter(encoder, WRITES, statistics.writes)?;
    gauge(encoder, QUEUE, exact(statistics.waiting))?;
    gauge(encoder, POOL, exact(statistics.connections))?;
    gauge(encoder, POOL_IN_USE, exact(statistics.connections_in_use))
}

/// All combinations are written, so that a graph falls to zero instead of ending.
fn operations(encoder: &mut DescriptorEncoder<'_>, census: &Census) -> fmt::Result {
    family(encoder, IN_PROGRESS, |family| {
        for work in Work::ALL {
            for standing in Standing::ALL {
                let labels = [("work", work.as_str()), ("state", standing.as_str())];
                family(
                    &labels,
                    exact(census.count(|group| group.work == work && group.standing == standing)),
                )?;
            }
        }
        Ok(())
    })?;
    family(encoder, BY_AGE, |family| {
        for work in Work::ALL {
            for age in AgeBand::ALL {
                let labels = [("work", work.as_str()), ("age", age.as_str())];
                family(&labels, exact(census.count(|group| group.work == work && group.age == age)))?;
            }
        }
        Ok(())
    })?;
    let mut oldest = descriptor(encoder, OLDEST)?;
    for work in Work::ALL {
        let labels = [("work", work.as_str())];
        ConstGauge::new(census.oldest(work).as_secs_f64()).encode(oldest.encode_family(&labels)?)?;
    }
    Ok(())
}

type Write<'a> = dyn FnMut(&[(&'static str, &'static str); 2], f64) -> fmt::Result + 'a;

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &'static str,
    fill: impl FnOnce(&mut Write<'_>) -> fmt::Result,
) -> fmt::Result {
    let mut metric = descriptor(encoder, name)?;
    fill(&mut |labels, value| ConstGauge::new(value).encode(metric.encode_family(labels)?))
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &'static str, value: f64) -> fmt::Result {
    ConstGauge::new(value).encode(descriptor(encoder, name)?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &'static str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(descriptor(encoder, name)?)
}

fn descriptor<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'static str,
) -> Result<prometheus_client::encoding::MetricEncoder<'a>, fmt::Error> {
    let described = NAMES.iter().find(|(known, ..)| *known == name);
    let (_, help, kind) = described.ok_or(fmt::Error)?;
    let kind_of_metric = if *kind == Kind::Counter { MetricType::Counter } else { MetricType::Gauge };
    let unit = (*kind == Kind::GaugeOfSeconds).then_some(&Unit::Seconds);
    encoder.encode_descriptor(name, help, unit, kind_of_metric)
}

/// Counts are far below 2^53.
fn exact(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
