//! Registering a metric and remembering that it exists, so that documents can be compared with it.

use prometheus_client::{
    collector::Collector,
    registry::{Metric, Registry, Unit},
};

/// What all our names begin with.
const PREFIX: &str = "sutler_broker";

/// The kinds of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A gauge in seconds.
    GaugeOfSeconds,
    /// Observations of seconds in buckets.
    Histogram,
    /// Always 1; the labels tell.
    Info,
}

impl Kind {
    /// The word of the exposition format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::GaugeOfSeconds => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    fn unit(self) -> Option<Unit> {
        matches!(self, Self::Histogram | Self::GaugeOfSeconds).then_some(Unit::Seconds)
    }
}

/// One metric that is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name as a query writes it; of a histogram, without `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it tells.
    pub help: &'static str,
}

/// A registry and what is in it.
pub(super) struct Families {
    registry: Registry,
    described: Vec<Described>,
}

impl Families {
    pub(super) fn new() -> Self {
        Self { registry: Registry::with_prefix(PREFIX), described: Vec::new() }
    }

    /// Registers a metric. Its name has neither prefix nor unit nor the suffix of its kind.
    pub(super) fn add(&mut self, name: &'static str, help: &'static str, kind: Kind, metric: impl Metric) {
        self.describe(name, help, kind);
        match kind.unit() {
            Some(unit) => self.registry.register_with_unit(name, help, unit, metric),
            None => self.registry.register(name, help, metric),
        }
    }

    /// Registers what is computed when it is asked for, with the names it will write.
    pub(super) fn collect(
        &mut self,
        collector: impl Collector,
        names: impl IntoIterator<Item = (&'static str, &'static str, Kind)>,
    ) {
        for (name, help, kind) in names {
            self.describe(name, help, kind);
        }
        self.registry.register_collector(Box::new(collector));
    }

    fn describe(&mut self, name: &str, help: &'static str, kind: Kind) {
        let suffix = match kind {
            Kind::Counter => "_total",
            Kind::Histogram | Kind::GaugeOfSeconds => "_seconds",
            Kind::Info => "_info",
            Kind::Gauge => "",
        };
        self.described.push(Described { name: format!("{PREFIX}_{name}{suffix}"), kind, help });
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn described(&self) -> &[Described] {
        &self.described
    }
}
