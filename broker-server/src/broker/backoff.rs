//! How long to wait before asking a vendor again.

use std::{sync::Arc, time::Duration};

use crate::config::Tuning;

/// The first wait.
const BASE: Duration = Duration::from_millis(500);

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
pub(super) fn after_failure(failures: u32, tuning: &Tuning, wish: Option<Duration>, jitter: f64) -> Duration {
    let cap = tuning.backoff_cap;
    let doubled = BASE.min(cap).saturating_mul(1 << failures.saturating_sub(1).min(16));
    let wait = doubled.min(cap).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    wish.map_or(wait, |wish| wait.max(wish.min(tuning.longest_wait)))
}

/// The wait before a vendor that is busy is asked again: what the provider says, within bounds, ±10 %.
#[must_use]
pub(super) fn while_pending(after: Duration, tuning: &Tuning, jitter: f64) -> Duration {
    after.min(longest_pause(tuning)).mul_f64(0.9 + jitter.clamp(0.0, 1.0) / 5.0)
}

/// A provider that looks for late arrivals waits for two calls.
fn longest_pause(tuning: &Tuning) -> Duration {
    tuning.longest_wait.max(tuning.call_timeout * 2)
}

/// No wait is longer than this.
#[must_use]
pub(super) fn longest(tuning: &Tuning) -> Duration {
    longest_pause(tuning).mul_f64(1.1).max(tuning.backoff_cap)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn capped(backoff_cap: Duration) -> Tuning {
        Tuning { backoff_cap, ..Tuning::default() }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_respect_the_vendor() {
        let tuning = Tuning::default();
        let waits: Vec<u128> = (1..=9).map(|n| after_failure(n, &tuning, None, 1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(after_failure(1, &tuning, None, 0.0).as_millis(), 250);
        assert_eq!(after_failure(1, &capped(Duration::from_millis(50)), None, 1.0).as_millis(), 50);
        assert_eq!(after_failure(u32::MAX, &tuning, None, 1.0), tuning.backoff_cap);
        let wish = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(after_failure(1, &tuning, wish(90), 1.0).as_secs(), 90);
        assert_eq!(after_failure(1, &tuning, wish(86_400), 1.0).as_secs(), 300);
    }

    #[test]
    fn a_busy_vendor_is_asked_when_the_provider_says() {
        let tuning = Tuning::default();
        assert_eq!(while_pending(Duration::from_secs(10), &tuning, 0.5).as_secs(), 10);
        assert_eq!(while_pending(Duration::from_secs(86_400), &tuning, 0.5).as_secs(), 300);
        assert_eq!(while_pending(Duration::ZERO, &tuning, 0.5), Duration::ZERO);
        let patient = Tuning { call_timeout: Duration::from_secs(200), ..tuning };
        assert_eq!(while_pending(Duration::from_secs(400), &patient, 0.5).as_secs(), 400, "two calls");
    }

    proptest! {
        #[test]
        fn i_14_no_wait_is_longer_than_the_longest(
            (cap, wait, call) in (1_u64..100_000, 1_u64..100_000, 1_u64..100_000),
            (failures, wish, jitter) in (0_u32.., 0_u64..10_000_000, -1.0..2.0),
        ) {
            let tuning = Tuning {
                backoff_cap: Duration::from_millis(cap),
                longest_wait: Duration::from_millis(wait),
                call_timeout: Duration::from_millis(call),
                ..Tuning::default()
            };
            let wish = Duration::from_millis(wish);
            prop_assert!(after_failure(failures, &tuning, Some(wish), jitter) <= longest(&tuning));
            prop_assert!(while_pending(wish, &tuning, jitter) <= longest(&tuning));
        }
    }
}
