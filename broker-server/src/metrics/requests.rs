//! What platforms ask.

use std::{sync::OnceLock, time::Duration};

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::families::{Families, Kind};

/// Seconds; a catalog takes a tenth of a millisecond, a synchronous provision up to a minute.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The catalog.
    Catalog,
    /// Provision.
    Provision,
    /// Fetch of an instance.
    FetchInstance,
    /// Update.
    Update,
    /// Deprovision.
    Deprovision,
    /// Poll of an operation.
    LastOperation,
    /// Bind.
    Bind,
    /// Fetch of a binding.
    FetchBinding,
    /// Unbind.
    Unbind,
    /// What the vendor has: an extension.
    Discover,
    /// No endpoint of the specification.
    None,
}

impl Endpoint {
    /// How many there are.
    const COUNT: usize = Self::None as usize + 1;

    /// The word for logs, traces and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Provision => "provision",
            Self::FetchInstance => "fetch_instance",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
            Self::LastOperation => "last_operation",
            Self::Bind => "bind",
            Self::FetchBinding => "fetch_binding",
            Self::Unbind => "unbind",
            Self::Discover => "discover",
            Self::None => "none",
        }
    }
}

/// Methods we know, and all others.
const METHODS: [&str; 5] = ["GET", "PUT", "PATCH", "DELETE", "other"];
/// By the first digit of the status.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

type ByEndpoint = [(&'static str, &'static str); 2];
type ByStatus = [(&'static str, &'static str); 3];

/// Counts requests.
pub struct Requests {
    answered: Family<ByStatus, Counter>,
    duration: Family<ByEndpoint, Histogram>,
    unauthenticated: Counter,
    in_flight: Gauge,
    /// The series there are, by endpoint and method: found without comparing labels.
    series: [[OnceLock<Series>; METHODS.len()]; Endpoint::COUNT],
}

/// The series of an endpoint and a method.
struct Series {
    duration: Histogram,
    answered: [OnceLock<Counter>; CLASSES.len()],
}

impl Requests {
    pub(super) fn register(families: &mut Families) -> Self {
        let requests = Self {
            answered: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            unauthenticated: Counter::default(),
            in_flight: Gauge::default(),
            series: Default::default(),
        };
        let answered = requests.answered.clone();
        families.add(
            "requests",
            "Requests answered, by endpoint, method and class of the status",
            Kind::Counter,
            answered,
        );
        let duration = requests.duration.clone();
        families.add(
            "request_duration",
            "From the head of a request to its answer",
            Kind::Histogram,
            duration,
        );
        let unauthenticated = requests.unauthenticated.clone();
        families.add(
            "requests_unauthenticated",
            "Requests that did not authenticate",
            Kind::Counter,
            unauthenticated,
        );
        families.add(
            "requests_in_flight",
            "Requests that are being served",
            Kind::Gauge,
            requests.in_flight.clone(),
        );
        requests
    }

    /// Counts a request that did not authenticate.
    pub fn unauthenticated(&self) {
        self.unauthenticated.inc();
    }

    /// Counts a request from now on until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts an answer. Methods we do not know are one.
    pub fn answered(&self, (endpoint, method): (Endpoint, &str), status: u16, took: Duration) {
        let (method, class) = (known_method(method), status_class(status));
        let by_endpoint: ByEndpoint = [("endpoint", endpoint.as_str()), ("method", METHODS[method])];
        let series = self.series[endpoint as usize][method].get_or_init(|| Series {
            duration: self.duration.get_or_create_owned(&by_endpoint),
            answered: Default::default(),
        });
        series.duration.observe(took.as_secs_f64());
        let [endpoint, method] = by_endpoint;
        let by_status: ByStatus = [endpoint, method, ("status", CLASSES[class])];
        series.answered[class].get_or_init(|| self.answered.get_or_create_owned(&by_status)).inc();
    }
}

/// A request that is being served.
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Its place among those we know.
fn known_method(method: &str) -> usize {
    METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1)
}

/// The place of its class.
fn status_class(status: u16) -> usize {
    usize::from(status / 100).clamp(1, CLASSES.len()) - 1
}
