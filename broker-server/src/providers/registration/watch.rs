//! What is remembered of a registration, and what the state of its order means. Pure: how often it was asked is in the data.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    policy::Cost,
    registrar::{Registered, State},
};

/// How often in a row a state may be one we do not know.
const MAX_UNKNOWN: u32 = 20;
/// How often in a row neither an order nor a registration may be seen after the registrar has taken the order.
const MAX_MISSING: u32 = 60;
/// The longest time between two looks, in intervals: about a minute.
const LONGEST_GAP: u32 = 12;
/// What to do when it will not be.
const AFTERWARDS: &str = "look at the registrar's dashboard for what was paid, then delete the instance";

/// The memory of a registration: the data of every checkpoint, and the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) domain: String,
    /// The order of the same domain that was there before ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
    /// The number that the registrar gave to our order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<String>,
    /// Tells our registration from an earlier or later one of the same domain; known once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    /// How many orders were given that never arrived.
    #[serde(default)]
    pub(super) lost: u32,
    /// What the order may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) purchase: Option<Purchase>,
}

/// What is counted as spent for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Purchase {
    /// Names it: the same in every attempt.
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

impl Known {
    pub(super) fn of(domain: &str) -> Self {
        Self { domain: domain.to_owned(), before: None, order: None, identity: None, lost: 0, purchase: None }
    }

    /// Whether a registration is the one that is remembered. Until it has been seen, the domain has to do.
    pub(super) fn is(&self, found: &Registered) -> bool {
        self.identity.as_ref().is_none_or(|identity| *identity == found.identity)
    }
}

/// A registration on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    #[serde(flatten)]
    pub(super) known: Known,
    #[serde(default)]
    looks: u32,
    #[serde(default)]
    unknown: u32,
    #[serde(default)]
    missing: u32,
    /// It is not looked before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
}

/// How fast it is looked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The usual time between two looks.
    pub(super) interval: Duration,
    /// The least time between two looks while a third party is waited for.
    pub(super) blocked: Duration,
    pub(super) now: Timestamp,
}

/// What follows from a look at an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It is done: the registration is to be looked at.
    Succeeded(Watch),
    /// It is asked again; what users are told meanwhile.
    Wait(Watch, Duration, String),
    /// It will not be.
    Failed(String),
}

impl Watch {
    pub(super) fn begin(known: Known) -> Self {
        Self { known, looks: 0, unknown: 0, missing: 0, not_before: None }
    }

    /// A third party has to do something: how long it takes until it may be looked again. The engine may ask earlier.
    pub(super) fn too_early(&self, now: Timestamp) -> Option<Duration> {
        let left = self.not_before?.duration_since(now);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// What is told while a third party is waited for.
    pub(super) fn blocked(&self) -> String {
        format!("the registration of {} waits for the registry or another third party", self.known.domain)
    }

    /// Not to be looked at again for a while.
    pub(super) fn held(mut self, pace: Pace) -> Self {
        self.not_before = pace.now.checked_add(pace.blocked).ok();
        self
    }

    /// Judges the state of our order.
    pub(super) fn judge(mut self, state: &State, pace: Pace) -> Outlook {
        let (domain, interval) = (self.known.domain.clone(), pace.interval);
        self.not_before = None;
        self.missing = 0;
        self.unknown = if *state == State::Unknown { self.unknown + 1 } else { 0 };
        match state {
            State::Succeeded => Outlook::Succeeded(self),
            State::Failed(code) => {
                let code = code.as_ref().map_or_else(String::new, |code| format!(" (code {code})"));
                Outlook::Failed(format!("the registrar did not register {domain}{code}; {AFTERWARDS}"))
            }
            State::Waiting => self.wait(interval, format!("the registrar has taken the order of {domain}")),
            State::Working => self.wait(interval, format!("the registrar registers {domain}")),
            State::ActionRequired => self.wait(
                interval.saturating_mul(LONGEST_GAP),
                format!(
                    "the registration of {domain} waits for a person: confirm the message that the registrant got, or see in \
                     the registrar's dashboard what is missing"
                ),
            ),
            State::Blocked => {
                let told = self.blocked();
                Outlook::Wait(self.held(pace), pace.blocked, told)
            }
            State::Unknown if self.unknown > MAX_UNKNOWN => Outlook::Failed(format!(
                "the registrar shows a state of the order of {domain} that this broker does not know; {AFTERWARDS}"
            )),
            State::Unknown => self.wait(
                interval,
                format!("the registrar shows a state of the order of {domain} that this broker does not know"),
            ),
        }
    }

    /// Neither the order nor the registration is seen, although the registrar took the order. It is never given again.
    pub(super) fn missing(mut self, interval: Duration) -> Outlook {
        self.not_before = None;
        self.missing += 1;
        let domain = self.known.domain.clone();
        if self.missing > MAX_MISSING {
            return Outlook::Failed(format!(
                "the registrar took the order of {domain} and shows nothing of it; {AFTERWARDS}"
            ));
        }
        self.wait(interval, format!("waiting until the registrar shows {domain}"))
    }

    /// Later and later.
    fn wait(mut self, gap: Duration, description: String) -> Outlook {
        let growth = (1 + self.looks / 4).min(LONGEST_GAP);
        self.looks = self.looks.saturating_add(1);
        Outlook::Wait(self, gap.saturating_mul(growth), description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);
    const QUARTER: Duration = Duration::from_secs(15 * 60);

    fn pace() -> Pace {
        let now = "2026-12-01T15:00:00Z".parse().unwrap();
        Pace { interval: INTERVAL, blocked: QUARTER, now }
    }

    fn watch() -> Watch {
        Watch::begin(Known::of("example.com"))
    }

    #[test]
    fn every_state_is_mapped() {
        for state in [State::Waiting, State::Working, State::ActionRequired, State::Blocked, State::Unknown] {
            let Outlook::Wait(_, after, told) = watch().judge(&state, pace()) else { panic!("{state:?}") };
            assert!(after >= INTERVAL && told.contains("example.com"), "{told}");
        }
        assert!(matches!(watch().judge(&State::Succeeded, pace()), Outlook::Succeeded(_)));
        let failed = State::Failed(Some("registry_refused".to_owned()));
        let Outlook::Failed(told) = watch().judge(&failed, pace()) else { panic!("it failed") };
        assert!(told.contains("(code registry_refused)") && told.contains("what was paid"), "{told}");
    }

    #[test]
    fn whoever_has_to_do_something_is_told_and_what_is_blocked_is_asked_seldom() {
        let Outlook::Wait(_, _, told) = watch().judge(&State::ActionRequired, pace()) else { panic!() };
        assert!(told.contains("confirm the message"), "{told}");
        let Outlook::Wait(held, after, told) = watch().judge(&State::Blocked, pace()) else { panic!() };
        assert!(after == QUARTER && told.contains("third party"), "{told}");
        // the engine may come earlier, also after a restart; then nobody is asked
        let held: Watch = serde_json::from_value(serde_json::to_value(held).unwrap()).unwrap();
        let later = |seconds| pace().now + Duration::from_secs(seconds);
        assert_eq!(held.too_early(later(0)), Some(QUARTER));
        assert_eq!(held.too_early(later(899)), Some(Duration::from_secs(1)));
        assert_eq!((held.too_early(later(900)), held.too_early(later(9_000))), (None, None));
        let Outlook::Wait(on, ..) = held.judge(&State::Working, pace()) else { panic!() };
        assert_eq!(on.too_early(pace().now), None, "it goes on");
    }

    #[test]
    fn what_is_not_known_and_what_is_not_seen_is_not_waited_for_endlessly() {
        let unseen = |watch: Watch| watch.missing(INTERVAL);
        let strange = |watch: Watch| watch.judge(&State::Unknown, pace());
        for (look, most) in [(&unseen as &dyn Fn(Watch) -> Outlook, MAX_MISSING), (&strange, MAX_UNKNOWN)] {
            let mut watch = watch();
            for _ in 0..most {
                let Outlook::Wait(next, ..) = look(watch) else { panic!("too early") };
                watch = next;
            }
            assert!(matches!(look(watch), Outlook::Failed(_)));
        }
    }

    #[test]
    fn looks_become_rarer_up_to_a_minute_and_are_counted_in_the_checkpoint() {
        let mut watch = watch();
        let mut last = Duration::ZERO;
        for _ in 0..100 {
            let Outlook::Wait(next, after, _) = watch.judge(&State::Working, pace()) else { panic!() };
            assert!(after >= last && after <= Duration::from_secs(60));
            last = after;
            watch = serde_json::from_value(serde_json::to_value(next).unwrap()).unwrap();
        }
        assert_eq!(last, Duration::from_secs(60));
    }
}
