//! How long to wait before asking a vendor again.

use std::{sync::Arc, time::Duration};

/// The first wait.
const BASE: Duration = Duration::from_millis(500);
/// The longest wait a vendor may ask for.
const LONGEST_WISH: Duration = Duration::from_secs(300);

/// Where randomness comes from: a number from 0 to 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Real randomness.
#[must_use]
pub fn random() -> Jitter {
    Arc::new(|| {
        // without randomness the waits are merely regular
        f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
    })
}

/// The wait after the n-th failure in a row: doubling up to the cap, of which between half and all is waited; longer
/// if the vendor asked for longer.
#[must_use]
pub(super) fn after_failure(failures: u32, cap: Duration, wish: Option<Duration>, jitter: f64) -> Duration {
    let doubled = BASE.min(cap).saturating_mul(1 << failures.saturating_sub(1).min(16));
    let wait = doubled.min(cap).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    wish.map_or(wait, |wish| wait.max(wish.min(LONGEST_WISH)))
}

/// The wait before a vendor that is busy is asked again: what the provider says, within bounds, ±10 %.
#[must_use]
pub(super) fn while_pending(after: Duration, interval: Duration, jitter: f64) -> Duration {
    after.min(LONGEST_WISH).max(interval.min(after)).mul_f64(0.9 + jitter.clamp(0.0, 1.0) / 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_respect_the_vendor() {
        let cap = Duration::from_secs(60);
        let waits: Vec<u128> = (1..=9).map(|n| after_failure(n, cap, None, 1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(after_failure(1, cap, None, 0.0).as_millis(), 250);
        assert_eq!(after_failure(1, Duration::from_millis(50), None, 1.0).as_millis(), 50);
        assert_eq!(after_failure(u32::MAX, cap, None, 1.0), cap);
        let wish = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(after_failure(1, cap, wish(90), 1.0).as_secs(), 90);
        assert_eq!(after_failure(1, cap, wish(86_400), 1.0).as_secs(), 300);
    }

    #[test]
    fn a_busy_vendor_is_asked_when_the_provider_says() {
        let interval = Duration::from_secs(2);
        assert_eq!(while_pending(Duration::from_secs(10), interval, 0.5).as_secs(), 10);
        assert_eq!(while_pending(Duration::from_secs(86_400), interval, 0.5).as_secs(), 300);
        assert_eq!(while_pending(Duration::ZERO, interval, 0.5), Duration::ZERO);
    }
}
