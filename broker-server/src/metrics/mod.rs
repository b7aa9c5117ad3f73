//! What operators count: one registry for each server, exported as OpenMetrics text.
//!
//! Labels never hold an id of a platform or of a vendor object, so the number of series stays bounded.

mod families;
mod observed;
mod operations;
mod requests;
#[cfg(test)]
mod tests;
mod vendors;

use std::{fmt, sync::Arc};

use prometheus_client::{encoding::text, metrics::info::Info};

pub use families::{Described, Kind};
pub use observed::{Observation, WorkerHealth};
pub use operations::{Operations, Outcome};
pub use requests::{Endpoint, InFlight, Requests};
pub use vendors::{Answer, Circuit, VendorCall, Vendors};

use self::{families::Families, observed::Observed};

/// How OpenMetrics text is announced.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything one server counts, from its start.
pub struct Metrics {
    families: Families,
    /// What platforms ask.
    pub requests: Requests,
    /// What is accepted and how it ends.
    pub operations: Operations,
    /// What vendors are asked and how they answer.
    pub vendors: Vendors,
    observed: Arc<Observed>,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut families = Families::new();
        let requests = Requests::register(&mut families);
        let operations = Operations::register(&mut families);
        let vendors = Vendors::register(&mut families);
        let observed = Observed::register(&mut families);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        families.add("build", "The version that is running", Kind::Info, build);
        Self { families, requests, operations, vendors, observed }
    }

    /// All of them as OpenMetrics text, with what was observed at this moment.
    ///
    /// # Errors
    /// Never in practice: text grows in memory.
    pub fn to_openmetrics(&self, observation: Observation) -> Result<String, fmt::Error> {
        self.observed.replace(observation);
        let mut text = String::new();
        text::encode(&mut text, self.families.registry())?;
        Ok(text)
    }

    /// What is exported, in the order of the export: also what has no sample yet.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        self.families.described()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
