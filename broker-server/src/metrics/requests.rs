//! What platforms ask.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::families::{Families, Kind};

/// Seconds; a catalog takes a tenth of a millisecond, a synchronous provision up to a minute.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

type ByEndpoint = [(&'static str, &'static str); 2];
type ByStatus = [(&'static str, &'static str); 3];

/// Counts requests.
pub struct Requests {
    answered: Family<ByStatus, Counter>,
    duration: Family<ByEndpoint, Histogram>,
    unauthenticated: Counter,
    in_flight: Gauge,
}

impl Requests {
    pub(super) fn register(families: &mut Families) -> Self {
        let requests = Self {
            answered: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            unauthenticated: Counter::default(),
            in_flight: Gauge::default(),
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
    pub fn answered(&self, (endpoint, method): (&'static str, &str), status: u16, took: Duration) {
        let method = known_method(method);
        let class = status_class(status);
        self.answered.get_or_create(&[("endpoint", endpoint), ("method", method), ("status", class)]).inc();
        self.duration
            .get_or_create(&[("endpoint", endpoint), ("method", method)])
            .observe(took.as_secs_f64());
    }
}

/// A request that is being served.
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn known_method(method: &str) -> &'static str {
    ["GET", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method).unwrap_or("other")
}

fn status_class(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
