//! Traces: who asked, what it set in motion, and which vendor calls that took, sent over OTLP.
//!
//! ```text
//! platform's span ─▶ request ─▶ operation ─▶ step ─▶ vendor call
//!                                   └─ also when it goes on later, or on another replica
//! ```

mod exporter;
mod parent;
mod spans;

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer,
    filter::{ParseError, Targets},
    layer::SubscriberExt,
};

pub(crate) use parent::{Parent, parent};
pub(crate) use spans::{operation, rename, request, step, vendor_call};

use crate::{config::Otlp, logging};

/// How long the end of the process waits for what was not sent yet.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why logs and traces cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The log filter.
    #[error("could not read SUTLER_LOG; write a level such as info or debug")]
    Filter(#[from] ParseError),
    /// The HTTP client.
    #[error("could not make the client that sends traces")]
    Client(#[source] reqwest::Error),
    /// The exporter.
    #[error("could not make the exporter of traces")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Whatever sends traces, until the end of the process.
#[derive(Debug, Default)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends what is left, for at most two seconds. Call it when nothing is traced any more, outside the runtime.
    pub fn end(self) {
        if let Some(provider) = self.0 {
            // whoever receives traces is not there: they are lost, and the process ends all the same
            let _ = provider.shutdown_with_timeout(FAREWELL);
        }
    }
}

/// Starts logs as [`logging::start`] does, and traces where they are configured. They are sent from the runtime, in
/// the background: a receiver that is slow or gone costs spans, never requests.
///
/// # Errors
/// When the filter or the destination cannot be used.
pub fn start(
    filter: Option<&str>,
    otlp: Option<&Otlp>,
    runtime: &Handle,
) -> Result<Telemetry, TelemetryError> {
    let targets = logging::targets(filter)?;
    let Some(otlp) = otlp else {
        logging::begin(tracing_subscriber::registry().with(logging::lines()).with(targets));
        return Ok(Telemetry::default());
    };
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter::build(otlp, runtime)?)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(otlp.sample))))
        .with_resource(
            Resource::builder_empty()
                .with_attribute(KeyValue::new("service.name", "sutler-broker"))
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        )
        .build();
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("sutler-broker"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // what sends traces is not traced
        .with_filter(Targets::new().with_target("sutler_broker_server", LevelFilter::INFO));
    let lines = logging::lines().with_filter(targets);
    logging::begin(tracing_subscriber::registry().with(lines).with(traces));
    Ok(Telemetry(Some(provider)))
}
