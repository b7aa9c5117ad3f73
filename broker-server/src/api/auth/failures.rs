//! Wrong credentials, counted by source and in total, in a fixed amount of memory (S-04).

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Sources are kept in so many slots; sources that share one share its budget.
const SLOTS: usize = 1024;
/// The time that is counted over.
const WINDOW_SECONDS: u64 = 10;
/// Wrong credentials of one source in a window.
const PER_SOURCE: u64 = 20;
/// Wrong credentials of all in a window.
const PER_ALL: u64 = 1_000;

/// Whether somebody tries too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressure {
    Usual,
    High,
}

/// The counts. Each is a window's number and what happened in it.
pub(super) struct Failures {
    began: Instant,
    seed: RandomState,
    sources: Box<[AtomicU64]>,
    all: AtomicU64,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            seed: RandomState::new(),
            sources: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
        }
    }
}

impl Failures {
    /// How it stands with this source, and with all.
    pub(super) fn pressure(&self, source: Option<IpAddr>) -> Pressure {
        let window = self.window();
        let count = |slot: &AtomicU64| {
            let value = slot.load(Ordering::Relaxed);
            if value >> 32 == window { value & u64::from(u32::MAX) } else { 0 }
        };
        if count(self.slot(source)) >= PER_SOURCE || count(&self.all) >= PER_ALL {
            return Pressure::High;
        }
        Pressure::Usual
    }

    /// Counts one more.
    pub(super) fn count(&self, source: Option<IpAddr>) {
        let window = self.window();
        for slot in [self.slot(source), &self.all] {
            // the closure always gives a value
            let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| {
                let here = if value >> 32 == window { value & u64::from(u32::MAX) } else { 0 };
                Some((window << 32) | (here + 1).min(u64::from(u32::MAX)))
            });
        }
    }

    fn window(&self) -> u64 {
        (self.began.elapsed().as_secs() / WINDOW_SECONDS + 1) & u64::from(u32::MAX)
    }

    /// IPv6 counts by network: whoever has one has all its addresses.
    fn slot(&self, source: Option<IpAddr>) -> &AtomicU64 {
        let key = match source {
            None => [0; 8],
            Some(IpAddr::V4(ip)) => u64::from(u32::from(ip)).to_be_bytes(),
            Some(IpAddr::V6(ip)) => ((u128::from(ip) >> 64) as u64).to_be_bytes(),
        };
        let position = self.seed.hash_one(key) % SLOTS as u64;
        &self.sources[usize::try_from(position).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_04_sources_are_counted_apart_and_together() {
        let failures = Failures::default();
        let source = |last: u8| Some(IpAddr::from([10, 0, 0, last]));
        for _ in 0..PER_SOURCE {
            assert_eq!(failures.pressure(source(1)), Pressure::Usual);
            failures.count(source(1));
        }
        assert_eq!(failures.pressure(source(1)), Pressure::High);
        assert!((2..=250).any(|last| failures.pressure(source(last)) == Pressure::Usual));
        for last in 0..=250 {
            for _ in 0..4 {
                failures.count(source(last));
            }
        }
        assert!((0..=255).all(|last| failures.pressure(source(last)) == Pressure::High));
    }
}
