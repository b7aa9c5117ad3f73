//! What `-v` shows: JSON lines on standard error, with nothing secret in them.

use std::io;
use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. `-v` is debug, `-vv` trace; `SUTLER_LOG` (a level, or `target=level,…`) decides without them.
pub(crate) fn start(verbose: u8, environment: Option<&str>) {
    let filter = match (verbose, environment) {
        (0, Some(text)) => {
            Targets::from_str(text).unwrap_or_else(|_| Targets::new().with_default(LevelFilter::WARN))
        }
        (0, None) => Targets::new().with_default(LevelFilter::OFF),
        (1, _) => Targets::new().with_default(LevelFilter::WARN).with_target("sutler", LevelFilter::DEBUG),
        (_, _) => Targets::new().with_default(LevelFilter::TRACE),
    };
    let layer = tracing_subscriber::fmt::layer().json().with_writer(io::stderr);
    // Only a second subscriber in the same process could fail here, and the first one then stays.
    let _already_set = tracing_subscriber::registry().with(filter).with(layer).try_init();
}
