//! How often the interface may be called.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// After `requests` calls every call is refused for the pause; then the count starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many calls are let through.
    pub requests: u32,
    /// How long calls are refused after that.
    pub pause_milliseconds: u64,
}

/// Where the count stands.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    limit: Option<RateLimit>,
    used: u32,
    closed_until: Option<Instant>,
}

impl Rate {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, used: 0, closed_until: None }
    }

    /// Counts a call, or says how long calls are refused.
    pub(crate) fn admit(&mut self) -> Result<(), Duration> {
        let Some(limit) = self.limit else { return Ok(()) };
        let now = Instant::now();
        match self.closed_until {
            Some(end) if now < end => return Err(end - now),
            Some(_) => *self = Self::new(self.limit),
            None => {}
        }
        if self.used < limit.requests {
            self.used += 1;
            return Ok(());
        }
        let pause = Duration::from_millis(limit.pause_milliseconds);
        self.closed_until = Some(now + pause);
        Err(pause)
    }

    /// How many calls are let through, and how many more are; none when there is no limit.
    pub(crate) fn left(&self) -> Option<(u32, u32)> {
        self.limit.map(|limit| (limit.requests, limit.requests - self.used))
    }
}

/// A wait in whole seconds, as headers give it; at least one.
pub(crate) fn seconds(left: Duration) -> u128 {
    left.as_millis().div_ceil(1000).max(1)
}
