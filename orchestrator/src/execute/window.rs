//! How many requests a broker gets at once: more while it copes, fewer when it says that it does not. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Nobody is waited for longer, whatever `Retry-After` says (S-25).
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What an answer says about the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// Nothing, or that all is well.
    Fine,
    /// Another request is at the same thing (`ConcurrencyError`).
    Collision,
    /// Too much (429, or 503 with a time to come back), and when to come back if the broker says.
    TooMuch(Option<Duration>),
}

/// Whether one more request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Yes.
    Now,
    /// Not before this.
    At(Instant),
    /// When another one has come back.
    AfterAnother,
}

/// Additive increase, multiplicative decrease; one decrease for all requests that were under way together.
#[derive(Debug, Clone)]
pub(super) struct Window {
    size: f64,
    largest: f64,
    under_way: usize,
    /// Counts decreases: an answer to a request from before the last one says nothing new.
    epoch: u64,
    resume_at: Option<Instant>,
}

impl Window {
    /// As large as it may become.
    pub(super) fn new(largest: usize) -> Self {
        let largest = largest.max(1) as f64;
        Self { size: largest, largest, under_way: 0, epoch: 0, resume_at: None }
    }

    /// Whether one more may go out now.
    pub(super) fn admission(&self, now: Instant) -> Admission {
        match self.resume_at {
            Some(at) if now < at => Admission::At(at),
            _ if (self.under_way as f64) < self.size.floor().max(1.0) => Admission::Now,
            _ => Admission::AfterAnother,
        }
    }

    /// One more goes out; the epoch is to be handed back with its answer.
    pub(super) fn enter(&mut self) -> u64 {
        self.under_way += 1;
        self.epoch
    }

    /// One came back.
    pub(super) fn leave(&mut self, epoch: u64, load: Load, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        let (smaller, pause) = match load {
            Load::Fine => {
                self.size = (self.size + 1.0 / self.size).min(self.largest);
                return;
            }
            Load::Collision => (self.size - 1.0, None),
            Load::TooMuch(pause) => (self.size / 2.0, pause),
        };
        if epoch == self.epoch {
            self.size = smaller.max(1.0);
            self.epoch += 1;
        }
        if let Some(pause) = pause {
            let at = now + pause.min(LONGEST_PAUSE);
            self.resume_at = Some(self.resume_at.map_or(at, |known| known.max(at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many a window lets out at this moment.
    fn fill(window: &mut Window, now: Instant) -> Vec<u64> {
        let mut out = Vec::new();
        while window.admission(now) == Admission::Now {
            out.push(window.enter());
        }
        out
    }

    #[test]
    fn it_is_halved_once_for_all_that_were_under_way_and_grows_by_one_a_round() {
        let now = Instant::now();
        let mut window = Window::new(16);
        let out = fill(&mut window, now);
        assert_eq!(out.len(), 16);
        for epoch in out {
            window.leave(epoch, Load::TooMuch(None), now);
        }
        let out = fill(&mut window, now);
        assert_eq!(out.len(), 8, "halved once, not sixteen times");
        for epoch in out {
            window.leave(epoch, Load::Fine, now);
        }
        assert_eq!(fill(&mut window, now).len(), 8 + 1 - usize::from(window.size < 9.0));
        let mut window = Window::new(4);
        let out = fill(&mut window, now);
        out.into_iter().for_each(|epoch| window.leave(epoch, Load::Collision, now));
        assert_eq!(fill(&mut window, now).len(), 3, "a collision takes one away");
    }

    #[test]
    fn what_the_broker_asks_to_wait_is_waited_by_all_and_never_longer_than_five_minutes() {
        let now = Instant::now();
        let mut window = Window::new(4);
        let epoch = window.enter();
        window.leave(epoch, Load::TooMuch(Some(Duration::from_secs(7))), now);
        assert_eq!(window.admission(now), Admission::At(now + Duration::from_secs(7)));
        assert_eq!(window.admission(now + Duration::from_secs(7)), Admission::Now);
        let epoch = window.enter();
        window.leave(epoch, Load::TooMuch(Some(Duration::from_secs(1 << 40))), now);
        assert_eq!(window.admission(now), Admission::At(now + LONGEST_PAUSE));
    }

    proptest! {
        #[test]
        fn it_always_lets_one_out_and_never_more_than_it_may(
            largest in 1_usize..40,
            loads in prop::collection::vec(0_u8..4, 0..200),
        ) {
            let now = Instant::now();
            let mut window = Window::new(largest);
            let mut under_way = std::collections::VecDeque::new();
            for load in loads {
                under_way.extend(fill(&mut window, now));
                prop_assert!(!under_way.is_empty() && under_way.len() <= largest);
                let Some(epoch) = under_way.pop_front() else { continue };
                let load = [Load::Fine, Load::Fine, Load::Collision, Load::TooMuch(None)][load as usize];
                window.leave(epoch, load, now);
            }
        }
    }
}
