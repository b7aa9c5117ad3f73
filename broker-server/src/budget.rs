//! How many calls a vendor account takes, and who may make the next ones. Pure: the time is given.
//!
//! All processes of a store draw on the same [`Ledger`], which the store keeps by its own clock.

use std::{fmt, num::NonZeroU32, time::Duration};

use crate::circuit::{Admission, Circuit, Heard, Rules};

/// The longest an account can be closed at a time, whatever the vendor asks for.
pub const LONGEST_CLOSURE: Duration = Duration::from_secs(60 * 60);

/// Names a vendor's account, such as `cloudflare/0123…`. Stands in logs: it is not secret.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountKey(Box<str>);

impl AccountKey {
    /// The account of a vendor.
    #[must_use]
    pub fn new(vendor: &str, account: &str) -> Self {
        Self(format!("{vendor}/{account}").into_boxed_str())
    }

    /// The vendor, without its number of the account.
    #[must_use]
    pub fn vendor(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(vendor, _)| vendor)
    }

    /// Vendor and account as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// So many calls in any stretch of this length, and never more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    calls: NonZeroU32,
    period: Duration,
}

impl Budget {
    /// At most `calls` in any stretch of `period`.
    #[must_use]
    pub const fn new(calls: NonZeroU32, period: Duration) -> Self {
        Self { calls, period }
    }

    /// Calls that may follow each other without a pause: a fifth of all, at least one.
    #[must_use]
    pub fn burst(self) -> u32 {
        (self.calls.get() / 5).max(1)
    }

    /// The pace of calls once a burst is over: the time from one to the next.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_micros(self.pace().unsigned_abs())
    }

    /// The time one call takes out of the budget, in microseconds. What is left of the budget after a burst, spread
    /// over the period: burst and pace together never exceed the budget in any stretch of the period's length.
    fn pace(self) -> i64 {
        let steady = (self.calls.get() - self.burst()).max(1);
        micros(self.period).div_ceil(u64::from(steady)).max(1).cast_signed()
    }
}

/// What has been taken out of an account's budget, in microseconds since 1970 by the store's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spending {
    /// All calls granted so far are spread out up to this time.
    pub spent_until: i64,
    /// The vendor asked everyone to wait until then.
    pub closed_until: i64,
}

/// The answer to asking for calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// So many calls may be made, from one to as many as were asked for.
    Granted(u32),
    /// None may be made now; asking again makes sense after this long.
    WaitFor(Duration),
}

impl Spending {
    /// Takes up to `wanted` calls (at least one is meant) out of the budget.
    #[must_use]
    pub fn take(self, now: i64, wanted: u32, budget: Budget) -> (Self, Reservation) {
        let closed_for = (self.closed_until - now).min(micros(LONGEST_CLOSURE).cast_signed());
        if closed_for > 0 {
            return (self, Reservation::WaitFor(Duration::from_micros(closed_for.unsigned_abs())));
        }
        let (pace, reach) = (budget.pace(), now + budget.pace() * i64::from(budget.burst()));
        // a clock that was set back must not close the account for as long as it was set back
        let spent_until = self.spent_until.clamp(now, reach);
        let affordable = u32::try_from((reach - spent_until) / pace).unwrap_or(0);
        if affordable == 0 {
            let missing = (spent_until + pace - reach).unsigned_abs();
            return (self, Reservation::WaitFor(Duration::from_micros(missing)));
        }
        let granted = wanted.clamp(1, affordable);
        let after = Self { spent_until: spent_until + pace * i64::from(granted), ..self };
        (after, Reservation::Granted(granted))
    }

    /// Closes the account for this long; what it is closed for already stays.
    #[must_use]
    pub fn closed_for(self, now: i64, time: Duration) -> Self {
        let until = now + micros(time.min(LONGEST_CLOSURE)).cast_signed();
        Self { closed_until: self.closed_until.max(until), ..self }
    }
}

/// What processes that share a store know together of a vendor account, by the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// What was taken out of the budget.
    pub spending: Spending,
    /// Whether the vendor answers.
    pub circuit: Circuit,
}

/// What an account allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Its budget of calls.
    pub budget: Budget,
    /// When it is left alone.
    pub rules: Rules,
}

/// What is in the way of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The account's budget is spent, or the vendor asked everyone to wait.
    Budget,
    /// The vendor does not answer.
    Circuit,
}

impl Obstacle {
    /// For the end user.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Budget => "This waits for its turn: the vendor takes no more calls at the moment.",
            Self::Circuit => "This waits: the vendor does not answer at the moment.",
        }
    }
}

/// The answer to asking for calls to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many calls may be made, from one to as many as were asked for.
    Calls(u32),
    /// One call may be made, and finds out for everyone whether the vendor answers again.
    Probe,
    /// None may be made now; asking again makes sense after this long.
    WaitFor(Duration, Obstacle),
}

impl Ledger {
    /// An account that was never called.
    pub const NEW: Self =
        Self { spending: Spending { spent_until: 0, closed_until: 0 }, circuit: Circuit::NEW };

    /// Asks for up to `wanted` calls (at least one is meant). What cannot be had changes nothing.
    #[must_use]
    pub fn take(self, now: i64, wanted: u32, terms: &Terms) -> (Self, Turn) {
        let (circuit, admission) = self.circuit.seen_at(now, &terms.rules).admit(now, &terms.rules);
        let wanted = match admission {
            Admission::WaitFor(wait) => return (self, Turn::WaitFor(wait, Obstacle::Circuit)),
            Admission::Probe => 1,
            Admission::Pass => wanted,
        };
        match (self.spending.take(now, wanted, terms.budget), admission) {
            ((_, Reservation::WaitFor(wait)), _) => (self, Turn::WaitFor(wait, Obstacle::Budget)),
            ((spending, Reservation::Granted(_)), Admission::Probe) => {
                (Self { spending, circuit }, Turn::Probe)
            }
            ((spending, Reservation::Granted(calls)), _) => (Self { spending, circuit }, Turn::Calls(calls)),
        }
    }

    /// Takes note of what came of a call.
    #[must_use]
    pub fn hear(self, heard: Heard, now: i64, rules: &Rules) -> Self {
        Self { circuit: self.circuit.seen_at(now, rules).hear(heard, now, rules), ..self }
    }

    /// Closes the account for this long: see [`Spending::closed_for`].
    #[must_use]
    pub fn closed_for(self, now: i64, time: Duration) -> Self {
        Self { spending: self.spending.closed_for(now, time), ..self }
    }
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    // a century is long enough, and can be counted in signed microseconds
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(3_000_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(calls: u32, period: Duration) -> Budget {
        Budget::new(NonZeroU32::new(calls).unwrap(), period)
    }

    #[test]
    fn a_burst_is_granted_at_once_and_then_the_pace_is_kept() {
        let budget = budget(1_200, Duration::from_secs(300));
        let (mut spending, now) = (Spending::default(), 1_000_000_000);
        for (wanted, granted) in [(100, 100), (1_000, 140)] {
            let (after, reservation) = spending.take(now, wanted, budget);
            assert_eq!(reservation, Reservation::Granted(granted));
            spending = after;
        }
        let (same, reservation) = spending.take(now, 1, budget);
        assert_eq!((same, reservation), (spending, Reservation::WaitFor(Duration::from_micros(312_500))));
        assert_eq!(spending.take(now + 312_500, 5, budget).1, Reservation::Granted(1));
    }

    #[test]
    fn a_closed_account_grants_nothing_until_it_opens_and_is_never_opened_early() {
        let budget = budget(10, Duration::from_secs(1));
        let closed = Spending::default().closed_for(0, Duration::from_secs(60));
        let closed = closed.closed_for(0, Duration::from_secs(1));
        let wait = |now| closed.take(now, 1, budget).1;
        assert_eq!(wait(1_000_000), Reservation::WaitFor(Duration::from_secs(59)));
        assert_eq!(wait(60_000_000), Reservation::Granted(1));
        let for_ever = Spending::default().closed_for(0, Duration::MAX);
        assert_eq!(for_ever.take(0, 1, budget).1, Reservation::WaitFor(LONGEST_CLOSURE));
    }

    #[test]
    fn who_may_not_call_takes_nothing_out_of_the_budget_and_a_probe_takes_one_call() {
        let (patience, shortest) = (Duration::from_secs(30), Duration::from_secs(5));
        let rules = Rules { threshold: 1, shortest, longest: shortest, patience };
        let terms = Terms { budget: budget(10, Duration::from_secs(1)), rules };
        let open = Ledger::NEW.hear(Heard::Silence, 0, &rules);
        assert_eq!(open.take(0, 4, &terms), (open, Turn::WaitFor(shortest, Obstacle::Circuit)));
        let closed = open.closed_for(0, Duration::from_secs(9));
        let (same, turn) = closed.take(6_000_000, 4, &terms);
        assert_eq!((same, turn), (closed, Turn::WaitFor(Duration::from_secs(3), Obstacle::Budget)));
        let (probing, turn) = open.take(6_000_000, 4, &terms);
        assert_eq!(turn, Turn::Probe);
        assert_eq!(probing.spending.spent_until, 6_000_000 + terms.budget.pace());
        assert_eq!(probing.take(6_000_000, 1, &terms).1, Turn::WaitFor(shortest, Obstacle::Circuit));
        let answered = probing.hear(Heard::Answer, 6_000_000, &rules);
        assert_eq!(answered.take(6_000_000, 1, &terms).1, Turn::Calls(1));
    }

    #[test]
    fn a_clock_that_was_set_back_closes_nothing() {
        let budget = budget(100, Duration::from_secs(10));
        let (spent, _) = Spending::default().take(1_000_000_000, 100, budget);
        match spent.take(0, 1, budget).1 {
            Reservation::WaitFor(wait) => assert!(wait <= Duration::from_secs(1), "{wait:?}"),
            Reservation::Granted(_) => {}
        }
    }

    proptest! {
        #[test]
        fn no_stretch_of_the_period_sees_more_calls_than_the_budget(
            calls in 1_u32..200,
            period in 1_u64..10_000_000,
            asked in prop::collection::vec((0_u64..2_000_000, 1_u32..60), 1..200),
        ) {
            let budget = budget(calls, Duration::from_micros(period));
            let (mut now, mut spending, mut granted) = (0_i64, Spending::default(), Vec::<(i64, u32)>::new());
            for (pause, wanted) in asked {
                now += pause.cast_signed();
                let (after, reservation) = spending.take(now, wanted, budget);
                spending = after;
                match reservation {
                    Reservation::Granted(count) => {
                        prop_assert!((1..=wanted).contains(&count));
                        granted.push((now, count));
                    }
                    Reservation::WaitFor(wait) => {
                        let then = now + micros(wait).cast_signed();
                        let again = spending.take(then, 1, budget).1;
                        prop_assert_eq!(again, Reservation::Granted(1));
                    }
                }
            }
            for (start, _) in &granted {
                let end = start + period.cast_signed();
                let within = granted.iter().filter(|(at, _)| (*start..end).contains(at));
                let sum: u64 = within.map(|(_, count)| u64::from(*count)).sum();
                prop_assert!(sum <= u64::from(calls), "{sum} calls in one period");
            }
        }
    }
}
