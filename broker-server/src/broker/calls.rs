//! Calls of providers, as operators see them: counted, timed, traced.

use sutler_catalog::Offering;
use sutler_spec::ServiceId;
use tokio::time::Instant;
use tracing::Instrument;

use super::engine::Engine;
use crate::{
    metrics::{Answer, VendorCall},
    providers::{Progress, ProviderError},
    telemetry,
};

impl Engine {
    /// Makes a call of the offering's provider and tells how it went. `step` is the work and its step, or `fetch`.
    pub(super) async fn observed<T>(
        &self,
        (service, step): (&ServiceId, &str),
        call: impl Future<Output = T>,
        kind: impl FnOnce(&T) -> Answer,
    ) -> T {
        let provider = self.registry.offering(service).map_or("unknown", Offering::name);
        let span = telemetry::vendor_call(provider, step);
        let asked_at = Instant::now();
        let outcome = call.instrument(span.clone()).await;
        let answer = kind(&outcome);
        span.record("outcome", answer.as_str());
        self.metrics.vendors.called(VendorCall { provider, step, answer, took: asked_at.elapsed() });
        outcome
    }
}

/// What a step's answer is.
pub(super) fn kind_of<T>(answer: &Result<Progress<T>, ProviderError>) -> Answer {
    match answer {
        Ok(Progress::Done(_) | Progress::Next(_)) => Answer::Done,
        Ok(Progress::Pending { .. }) => Answer::Pending,
        Err(error) => kind_of_error(error),
    }
}

/// What an error is.
pub(super) fn kind_of_error(error: &ProviderError) -> Answer {
    match error {
        ProviderError::Refused { .. } => Answer::Refused,
        ProviderError::Failed { .. } => Answer::Failed,
        ProviderError::Unavailable { .. } => Answer::Unclear,
    }
}
