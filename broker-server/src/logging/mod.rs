//! Logs: one JSON object for each line on standard error, filtered by `SUTLER_LOG`.
//!
//! A line names what it belongs to: the fields of the request, operation and step it was written in stand beside its
//! own.

mod lines;

use std::panic::PanicHookInfo;

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{ParseError, Targets},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Sends logs to standard error. `filter` is a level or a list such as `info,sutler_broker_server=debug`. For traces,
/// too, use [`telemetry::start`](crate::telemetry::start).
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: Option<&str>) -> Result<(), ParseError> {
    let targets = targets(filter)?;
    begin(tracing_subscriber::registry().with(lines()).with(targets));
    Ok(())
}

/// An error with all its sources, for the log.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    // a transparent error says what its source says
    texts.dedup();
    texts.join(": ")
}

/// The layer that writes lines.
pub(crate) fn lines<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    lines::Lines::to(std::io::stderr)
}

/// What has a line. As a layer of its own where there is no other use of spans: a filter for one layer among several
/// is asked again and again.
pub(crate) fn targets(filter: Option<&str>) -> Result<Targets, ParseError> {
    Ok(match filter {
        Some(filter) => filter.parse()?,
        None => Targets::new()
            .with_default(LevelFilter::INFO)
            // it tells how it starts its threads
            .with_target("actix_server", LevelFilter::WARN),
    })
}

/// Installs the subscriber; one that is there already stays.
pub(crate) fn begin(subscriber: impl SubscriberInitExt) {
    let _ = subscriber.try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// Where it happened, but not with what: the payload may hold a secret.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, "internal error: a thread panicked");
}
