//! Times and sizes that an operator may change.

use std::time::Duration;

use crate::faults;

/// Times of the operation engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// How long a request waits for its work before it answers 202.
    pub inline_budget: Duration,
    /// How long a request that does not accept incomplete answers waits.
    pub sync_limit: Duration,
    /// How long a claim on an operation holds without a write.
    pub lease: Duration,
    /// How long one vendor call may take.
    pub call_timeout: Duration,
    /// How often a vendor is asked again, where it does not say.
    pub poll_interval: Duration,
    /// The longest wait between attempts.
    pub backoff_cap: Duration,
    /// The longest a vendor, or a provider for it, can make an operation wait at a time.
    pub longest_wait: Duration,
    /// How long finished operations are remembered.
    pub retention: Duration,
    /// Attempts of one step without a clear answer, after which an operation fails.
    pub attempts: u32,
    /// The age at which an operation fails.
    pub operation_age: Duration,
    /// How long a process that is asked to end still serves after it said that it is not ready, so that whoever sends
    /// it requests can stop; without a management address nobody can ask, and it ends at once.
    pub drain_delay: Duration,
    /// How long what a vendor said about an instance is served again.
    pub fetch_cache: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            inline_budget: Duration::from_secs(5),
            sync_limit: Duration::from_secs(50),
            lease: Duration::from_secs(30),
            call_timeout: Duration::from_secs(30),
            // Vendors count calls: an account's whole budget is about four a second.
            poll_interval: Duration::from_secs(5),
            backoff_cap: Duration::from_secs(60),
            longest_wait: Duration::from_secs(300),
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            attempts: 30,
            operation_age: Duration::from_secs(24 * 60 * 60),
            drain_delay: Duration::from_millis(500),
            fetch_cache: Duration::from_secs(2),
        }
    }
}

impl Tuning {
    /// How long a vendor call may take so that its result is still written under the lease.
    #[must_use]
    pub fn call_deadline(&self) -> Duration {
        if faults::mutant("no_lease_margin") {
            return self.call_timeout;
        }
        self.call_timeout.min(self.lease - self.lease_margin())
    }

    /// How much of a lease is left for writing down what came of the last call.
    #[must_use]
    pub fn lease_margin(&self) -> Duration {
        if faults::mutant("no_lease_margin") { Duration::ZERO } else { self.lease / 10 }
    }
}

/// Sizes and times of the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body: usize,
    /// Bytes of a request head.
    pub head: usize,
    /// Bytes of a request target.
    pub uri: usize,
    /// How long a request body may take to arrive.
    pub body_deadline: Duration,
    /// How long a request head may take to arrive.
    pub head_deadline: Duration,
    /// How long a request may take, from its head to its answer. Where requests may wait longer for their work
    /// (`sync_limit`), that much longer.
    pub request_deadline: Duration,
    /// How long an answer may take to be read.
    pub answer_deadline: Duration,
    /// How long a connection may be idle between requests.
    pub keep_alive: Duration,
    /// The fewest bytes a second at which bodies arrive and answers are read, after two seconds.
    pub slowest: u64,
    /// Connections at a time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            head: 64 << 10,
            uri: 8 << 10,
            body_deadline: Duration::from_secs(15),
            head_deadline: Duration::from_secs(10),
            request_deadline: Duration::from_secs(60),
            answer_deadline: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
            slowest: 1 << 10,
            connections: 10_000,
        }
    }
}
