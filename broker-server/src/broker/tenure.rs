//! How long we may act on an operation, by the monotonic clock: the lease in the store counts from a moment after our
//! last durable write was asked for, so counting from before it never gives us more than the store does.

use std::{future::poll_fn, pin::pin, task::Poll};

use tokio::time::{Instant, sleep_until};

use crate::config::Tuning;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tenure {
    until: Instant,
}

/// What the tenure allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A vendor call that ends by then.
    CallUntil(Instant),
    /// Too little for a call worth making: renew the lease first.
    Renew,
}

impl Tenure {
    /// From a claim or a write that was asked for at this moment, and has succeeded.
    pub(super) fn since(asked: Instant, tuning: &Tuning) -> Self {
        Self { until: asked + tuning.lease }
    }

    /// `min(call_timeout, lease_left - margin)`, if that is at least half of what a fresh lease allows.
    pub(super) fn scope(self, now: Instant, tuning: &Tuning) -> Scope {
        let left = self.until.saturating_duration_since(now).saturating_sub(tuning.lease_margin());
        let allowed = left.min(tuning.call_timeout);
        if allowed * 2 < tuning.call_deadline() { Scope::Renew } else { Scope::CallUntil(now + allowed) }
    }
}

/// Does the work until the deadline. After it the work is not touched any more: a process that was stopped and goes on
/// later would otherwise make its next vendor call before it looks at the clock.
pub(super) async fn until<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut time) = (pin!(work), pin!(sleep_until(deadline)));
    poll_fn(|context| {
        if Instant::now() >= deadline || time.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;

    fn tuning() -> Tuning {
        let (lease, call_timeout) = (Duration::from_secs(30), Duration::from_secs(20));
        Tuning { lease, call_timeout, ..Tuning::default() }
    }

    #[test]
    fn a_call_ends_before_the_lease_does_and_a_short_lease_is_renewed() {
        let start = Instant::now();
        let tenure = Tenure::since(start, &tuning());
        for (later, expected) in [
            (0, Scope::CallUntil(start + Duration::from_secs(20))),
            (7, Scope::CallUntil(start + Duration::from_secs(27))),
            (10, Scope::CallUntil(start + Duration::from_secs(27))),
            (17, Scope::CallUntil(start + Duration::from_secs(27))),
            (18, Scope::Renew),
            (29, Scope::Renew),
            (3_000, Scope::Renew),
        ] {
            assert_eq!(tenure.scope(start + Duration::from_secs(later), &tuning()), expected, "{later}");
        }
    }

    #[tokio::test]
    async fn i_17_work_that_was_asleep_past_its_deadline_does_nothing_more() {
        let done = AtomicU32::new(0);
        let work = async {
            // the whole process stands still, as after SIGSTOP
            std::thread::park_timeout(Duration::from_millis(30));
            tokio::task::yield_now().await;
            done.fetch_add(1, Ordering::Relaxed);
        };
        assert_eq!(until(Instant::now() + Duration::from_millis(10), work).await, None);
        assert_eq!(done.load(Ordering::Relaxed), 0);
    }
}
