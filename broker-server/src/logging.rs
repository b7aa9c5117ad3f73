//! Logs: one JSON object per line on standard error, filtered by `SUTLER_LOG`.

use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer,
    filter::{ParseError, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Sends logs to standard error. `filter` is a level or a list such as `info,sutler_broker_server=debug`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: Option<&str>) -> Result<(), ParseError> {
    let targets = match filter {
        Some(filter) => filter.parse()?,
        None => Targets::new()
            .with_default(LevelFilter::INFO)
            // it tells how it starts its threads
            .with_target("actix_server", LevelFilter::WARN),
    };
    let lines = fmt::layer().json().flatten_event(true).with_target(true).with_writer(std::io::stderr);
    // a subscriber that is there already stays
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Where it happened, but not with what: the payload may hold a secret.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, "internal error: a thread panicked");
}
