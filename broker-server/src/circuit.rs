//! Whether a vendor account is asked at all: one that does not answer is left alone for a while. Pure: times are given,
//! in microseconds since 1970 by the store's clock, since all processes of a store share one circuit for each account.
//!
//! ```text
//!            silence, again and again
//!   Closed ───────────────────────────▶ Open ──── time is up ───▶ Probing (one call)
//!     ▲  ▲                               ▲  │                       │   │
//!     │  └────────── an answer ──────────│──┘       silence         │   │
//!     │                                  └──────────────────────────┘   │
//!     └───────────────────────────────────────── an answer ─────────────┘
//! ```

use std::time::Duration;

use crate::{budget::micros, config::Tuning};

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Calls go through.
    Closed {
        /// Calls in a row that had no answer.
        silences: u32,
    },
    /// No call goes through.
    Open {
        /// Until then.
        until: i64,
        /// How often in a row it was opened.
        openings: u32,
    },
    /// One call finds out whether the vendor answers again.
    Probing {
        /// When nothing was heard of it by then, another one does.
        until: i64,
        /// How often in a row it was opened.
        openings: u32,
    },
}

/// The three states, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// The vendor answers.
    Closed,
    /// The vendor does not answer and is left alone.
    Open,
    /// One call finds out whether it answers again.
    HalfOpen,
}

impl CircuitState {
    /// The word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The vendor said something, if only that it refuses or is busy.
    Answer,
    /// Nothing that can be understood.
    Silence,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Pass,
    /// It may, and nobody else's may until something was heard of it.
    Probe,
    /// Not now; asking again makes sense after this long.
    WaitFor(Duration),
}

/// When to open, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Silences in a row that open it.
    pub threshold: u32,
    /// How long it is open the first time; twice as long each further time.
    pub shortest: Duration,
    /// How long it is open at most.
    pub longest: Duration,
    /// How long a probe is given.
    pub patience: Duration,
}

/// An account is left alone at least this long.
const SHORTEST: Duration = Duration::from_secs(1);

impl Rules {
    /// What follows from an operator's times.
    #[must_use]
    pub fn of(tuning: &Tuning) -> Self {
        let shortest = tuning.poll_interval.min(tuning.backoff_cap).max(SHORTEST);
        let longest = tuning.backoff_cap.max(shortest);
        Self { threshold: 5, shortest, longest, patience: tuning.call_timeout }
    }
}

impl Circuit {
    /// As everything begins.
    pub const NEW: Self = Self::Closed { silences: 0 };

    /// Asks for a call. Who passes says afterwards what was [heard](Self::hear).
    #[must_use]
    pub fn admit(self, now: i64, rules: &Rules) -> (Self, Admission) {
        match self {
            Self::Closed { .. } => (self, Admission::Pass),
            Self::Open { until, .. } if now < until => {
                (self, Admission::WaitFor(left(until, now).min(rules.longest)))
            }
            // the probe may come back any moment
            Self::Probing { until, .. } if now < until => {
                (self, Admission::WaitFor(left(until, now).min(rules.shortest)))
            }
            Self::Open { openings, .. } | Self::Probing { openings, .. } => {
                (Self::Probing { until: after(now, rules.patience), openings }, Admission::Probe)
            }
        }
    }

    /// Takes note of what came of a call, of whichever state it was begun in.
    #[must_use]
    pub fn hear(self, heard: Heard, now: i64, rules: &Rules) -> Self {
        match (self, heard) {
            (_, Heard::Answer) => Self::NEW,
            (Self::Closed { silences }, Heard::Silence) if silences + 1 < rules.threshold => {
                Self::Closed { silences: silences + 1 }
            }
            (Self::Closed { .. }, Heard::Silence) => Self::opened(0, now, rules),
            (Self::Probing { openings, .. }, Heard::Silence) => Self::opened(openings, now, rules),
            // of a call that was begun before
            (Self::Open { .. }, Heard::Silence) => self,
        }
    }

    /// The same for a clock that may have been set back: nobody is left alone for as long as it was set back.
    #[must_use]
    pub fn seen_at(self, now: i64, rules: &Rules) -> Self {
        match self {
            Self::Closed { .. } => self,
            Self::Open { until, openings } => {
                Self::Open { until: until.min(after(now, rules.longest)), openings }
            }
            Self::Probing { until, openings } => {
                Self::Probing { until: until.min(after(now, rules.patience)), openings }
            }
        }
    }

    fn opened(before: u32, now: i64, rules: &Rules) -> Self {
        let open_for = rules.shortest.saturating_mul(1 << before.min(16)).min(rules.longest);
        Self::Open { until: after(now, open_for), openings: before.saturating_add(1) }
    }

    /// The state, without its numbers.
    #[must_use]
    pub fn state(self) -> CircuitState {
        match self {
            Self::Closed { .. } => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::Probing { .. } => CircuitState::HalfOpen,
        }
    }
}

fn after(now: i64, time: Duration) -> i64 {
    now.saturating_add(micros(time).cast_signed())
}

fn left(until: i64, now: i64) -> Duration {
    Duration::from_micros((until - now).max(1).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules {
        threshold: 3,
        shortest: Duration::from_secs(5),
        longest: Duration::from_secs(60),
        patience: Duration::from_secs(30),
    };

    /// So many seconds after the beginning.
    fn at(seconds: i64) -> i64 {
        seconds * 1_000_000
    }

    #[test]
    fn each_state_on_each_event() {
        let open = |until, openings| Circuit::Open { until: at(until), openings };
        let probing = |until, openings| Circuit::Probing { until: at(until), openings };
        let closed = |silences| Circuit::Closed { silences };
        for (before, heard, after) in [
            (closed(0), Heard::Silence, closed(1)),
            (closed(2), Heard::Answer, closed(0)),
            (closed(2), Heard::Silence, open(105, 1)),
            (open(105, 1), Heard::Silence, open(105, 1)),
            (open(105, 1), Heard::Answer, closed(0)),
            (probing(130, 1), Heard::Answer, closed(0)),
            (probing(130, 1), Heard::Silence, open(110, 2)),
            (probing(130, 9), Heard::Silence, open(160, 10)),
            (probing(130, u32::MAX), Heard::Silence, open(160, u32::MAX)),
        ] {
            assert_eq!(before.hear(heard, at(100), &RULES), after, "{before:?} {heard:?}");
        }
    }

    #[test]
    fn one_call_at_a_time_probes_an_open_circuit() {
        let open = Circuit::Open { until: at(100), openings: 1 };
        assert_eq!(open.admit(at(97), &RULES), (open, Admission::WaitFor(Duration::from_secs(3))));
        let (probing, admission) = open.admit(at(100), &RULES);
        assert_eq!((probing.state(), admission), (CircuitState::HalfOpen, Admission::Probe));
        assert_eq!(probing.admit(at(101), &RULES), (probing, Admission::WaitFor(Duration::from_secs(5))));
        let (_, admission) = probing.admit(at(130), &RULES);
        assert_eq!(admission, Admission::Probe, "a probe that was lost is not waited for for ever");
    }

    #[test]
    fn f09_a_clock_that_was_set_back_leaves_nobody_alone_for_longer() {
        let day = 86_400;
        let open = Circuit::Open { until: at(day), openings: 1 }.seen_at(at(100), &RULES);
        assert_eq!(open, Circuit::Open { until: at(160), openings: 1 });
        let probing = Circuit::Probing { until: at(day), openings: 1 }.seen_at(at(100), &RULES);
        assert_eq!(probing, Circuit::Probing { until: at(130), openings: 1 });
        let fine = Circuit::Open { until: at(105), openings: 1 };
        assert_eq!(fine.seen_at(at(100), &RULES), fine);
    }

    #[test]
    fn an_account_is_left_alone_for_a_second_at_least_however_short_the_times_are() {
        let short = Duration::from_millis(5);
        let tuning = Tuning { poll_interval: short, backoff_cap: short, ..Tuning::default() };
        let rules = Rules::of(&tuning);
        assert_eq!((rules.shortest, rules.longest), (SHORTEST, SHORTEST));
        let rules = Rules::of(&Tuning::default());
        assert_eq!((rules.shortest, rules.longest), (Duration::from_secs(5), Duration::from_secs(60)));
    }

    proptest! {
        #[test]
        fn it_never_stays_open_longer_than_the_longest_time_and_opens_only_after_enough_silence(
            events in prop::collection::vec((0_i64..20, 0_u8..3), 1..300),
        ) {
            let (mut circuit, mut now, mut silences) = (Circuit::NEW, 0_i64, 0_u32);
            for (pause, event) in events {
                now += at(pause);
                let was = circuit.state();
                match event {
                    0 => {
                        let (after, admission) = circuit.admit(now, &RULES);
                        circuit = after;
                        if let Admission::WaitFor(wait) = admission {
                            prop_assert!(wait <= RULES.longest && !wait.is_zero());
                            prop_assert_ne!(was, CircuitState::Closed);
                        }
                    }
                    1 => {
                        silences = 0;
                        circuit = circuit.hear(Heard::Answer, now, &RULES);
                        prop_assert_eq!(circuit.state(), CircuitState::Closed);
                    }
                    _ => {
                        silences += 1;
                        circuit = circuit.hear(Heard::Silence, now, &RULES);
                        let opened = circuit.state() == CircuitState::Open && was == CircuitState::Closed;
                        prop_assert!(!opened || silences >= RULES.threshold);
                    }
                }
                if let Circuit::Open { until, .. } = circuit {
                    prop_assert!(until <= after(now, RULES.longest));
                }
            }
            // whatever happened: after the longest time somebody may ask
            let later = after(now, RULES.longest.max(RULES.patience));
            prop_assert!(matches!(circuit.admit(later, &RULES).1, Admission::Pass | Admission::Probe));
        }
    }
}
