//! What is accepted and how it ends.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

use super::families::{Families, Kind};
use crate::operation::Work;

/// Seconds; from an instant plan to a day.
const BUCKETS: [f64; 12] =
    [0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

type ByWork = [(&'static str, &'static str); 1];
type ByResult = [(&'static str, &'static str); 2];

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Counts operations.
pub struct Operations {
    accepted: Family<ByWork, Counter>,
    ended: Family<ByResult, Counter>,
    duration: Family<ByResult, Histogram>,
    resumed: Counter,
    lease_losses: Counter,
}

impl Operations {
    pub(super) fn register(families: &mut Families) -> Self {
        let operations = Self {
            accepted: Family::default(),
            ended: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            resumed: Counter::default(),
            lease_losses: Counter::default(),
        };
        let Self { accepted, ended, duration, resumed, lease_losses } = &operations;
        families.add("operations_accepted", "Operations accepted, by work", Kind::Counter, accepted.clone());
        families.add(
            "operations_ended",
            "Operations ended, by work and result",
            Kind::Counter,
            ended.clone(),
        );
        let help = "From the acceptance of an operation to its end, by work and result";
        families.add("operation_duration", help, Kind::Histogram, duration.clone());
        let help = "Operations taken up again whose last call may have reached the vendor";
        families.add("operations_resumed", help, Kind::Counter, resumed.clone());
        let help = "Writes refused because somebody else holds the operation or it has ended";
        families.add("lease_losses", help, Kind::Counter, lease_losses.clone());
        operations
    }

    /// Counts an operation that is accepted.
    pub fn accepted(&self, work: Work) {
        self.accepted.get_or_create(&[("work", work.as_str())]).inc();
    }

    /// Counts an operation that has ended at this age.
    pub fn ended(&self, work: Work, outcome: Outcome, age: Duration) {
        let labels = [("work", work.as_str()), ("result", outcome.as_str())];
        self.ended.get_or_create(&labels).inc();
        self.duration.get_or_create(&labels).observe(age.as_secs_f64());
    }

    /// Counts an operation that goes on after a restart or a lapsed lease, with a call in doubt.
    pub fn resumed(&self) {
        self.resumed.inc();
    }

    /// Counts a lease that was lost.
    pub fn lease_lost(&self) {
        self.lease_losses.inc();
    }
}
