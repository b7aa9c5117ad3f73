//! The store's clock: the machine's as it was when this process first looked, and since then the time that has passed. A
//! clock that is set while the process runs makes no lease lapse and no operation older (F09).

use std::{sync::LazyLock, time::Instant};

static START: LazyLock<(i64, Instant)> =
    LazyLock::new(|| (jiff::Timestamp::now().as_microsecond(), Instant::now()));

/// Microseconds since 1970.
pub(super) fn micros() -> i64 {
    let (start, looked) = *START;
    let passed = i64::try_from(looked.elapsed().as_micros()).unwrap_or(i64::MAX);
    start.saturating_add(passed)
}

/// Milliseconds since 1970.
pub(super) fn millis() -> i64 {
    micros() / 1_000
}

/// What the machine says now, in milliseconds since 1970: for what people are told, never for comparisons.
pub(super) fn told() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
