//! How long to wait between two polls. Pure; the randomness comes from outside.

use std::time::Duration;

use uuid::Uuid;

/// When to poll (P-POL-10, P-POL-11).
#[derive(Debug, Clone, Copy)]
pub struct Pacing {
    /// Before the first poll.
    pub first: Duration,
    /// No two polls are closer than this.
    pub minimum: Duration,
    /// Up to where the intervals grow, by half each time, while the broker says nothing.
    pub cap: Duration,
    /// No two polls are further apart than this, whatever `Retry-After` says.
    pub maximum: Duration,
    /// Numbers from 0 to 1, so that many waiting at once do not poll at once.
    pub jitter: fn() -> f64,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            minimum: Duration::from_secs(1),
            cap: Duration::from_secs(15),
            maximum: Duration::from_secs(300),
            jitter: random,
        }
    }
}

impl Pacing {
    /// How long to wait after so many polls. What the broker asked for is never undercut, and exceeded by a fifth at
    /// most; an interval of our own varies by a fifth either way (S-25).
    #[must_use]
    pub fn pause(&self, polls: u32, asked: Option<Duration>) -> Duration {
        let jitter = (self.jitter)().clamp(0.0, 1.0);
        let (interval, factor) = match asked {
            Some(asked) => (asked.max(self.minimum), 0.2_f64.mul_add(jitter, 1.0)),
            None => {
                let growth = 1.5_f64.powi(i32::try_from(polls.min(64)).unwrap_or(64));
                let grown = scaled(self.minimum, growth).unwrap_or(self.cap);
                (grown.min(self.cap), 0.4_f64.mul_add(jitter, 0.8))
            }
        };
        scaled(interval, factor).unwrap_or(interval).min(self.maximum).max(self.minimum)
    }
}

/// A multiple of a duration, if there is such a duration.
fn scaled(duration: Duration, factor: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).ok()
}

/// A random number from 0 to 1.
fn random() -> f64 {
    let bytes = Uuid::new_v4().into_bytes();
    f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: Pacing = Pacing {
        first: Duration::ZERO,
        minimum: Duration::from_secs(2),
        cap: Duration::from_secs(10),
        maximum: Duration::from_secs(60),
        jitter: || 0.5,
    };

    fn seconds(pacing: &Pacing, polls: u32, asked: Option<u64>) -> f64 {
        pacing.pause(polls, asked.map(Duration::from_secs)).as_secs_f64()
    }

    #[test]
    fn intervals_grow_by_half_up_to_the_cap() {
        let intervals: Vec<f64> = (0..6).map(|polls| seconds(&EVEN, polls, None)).collect();
        assert_eq!(intervals, [2.0, 3.0, 4.5, 6.75, 10.0, 10.0]);
        assert_eq!(seconds(&EVEN, u32::MAX, None), 10.0);
    }

    #[test]
    fn what_the_broker_asks_for_is_kept_within_bounds() {
        let exact = Pacing { jitter: || 0.0, ..EVEN };
        for (asked, pause) in [(1, 2.0), (5, 5.0), (30, 30.0), (300, 60.0)] {
            assert_eq!(seconds(&exact, 9, Some(asked)), pause);
        }
    }

    #[test]
    fn jitter_never_undercuts_the_broker() {
        let (low, high) = (Pacing { jitter: || 0.0, ..EVEN }, Pacing { jitter: || 1.0, ..EVEN });
        assert_eq!((seconds(&low, 5, None), seconds(&high, 5, None)), (8.0, 12.0));
        assert_eq!((seconds(&low, 5, Some(20)), seconds(&high, 5, Some(20))), (20.0, 24.0));
    }

    #[test]
    fn a_broken_source_of_jitter_breaks_nothing() {
        for jitter in [(|| f64::NAN) as fn() -> f64, || -5.0, || f64::INFINITY] {
            let pause = Pacing { jitter, ..EVEN }.pause(3, None);
            assert!(pause >= EVEN.minimum && pause <= EVEN.maximum, "{pause:?}");
        }
        assert!((0.0..=1.0).contains(&random()));
    }
}
