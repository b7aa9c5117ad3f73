//! Who may call a vendor now: one budget for all processes of a store, and none at all while the vendor is silent.
//!
//! Calls are taken out of the store's budget a few at a time, and handed out here; a call that is not used soon is lost
//! rather than saved up, so that all processes together never exceed the budget.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{info, warn};

use super::circuit::{Admission, Circuit, CircuitState, Heard, Rules};
use crate::{
    budget::{AccountKey, Reservation},
    config::Tuning,
    metrics::{Circuit as Measured, Metrics},
    providers::Account,
    store::{BrokerStore, StoreError},
};

/// How many calls are taken out of the store's budget at a time.
const BATCH: u32 = 8;
/// How long a call that was taken may be handed out.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// Whether a step may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// It may.
    Granted,
    /// Not now; after this long there is a place for it.
    WaitFor(Duration, Obstacle),
}

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The account's budget is spent, or the vendor asked everyone to wait.
    Budget,
    /// The vendor does not answer.
    Circuit,
}

impl Obstacle {
    /// For the end user.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Budget => "This waits for its turn: the vendor takes no more calls at the moment.",
            Self::Circuit => "This waits: the vendor does not answer at the moment.",
        }
    }
}

/// See the module.
pub(super) struct Governor {
    rules: Rules,
    started: Instant,
    longest_wait: Duration,
    accounts: Mutex<HashMap<AccountKey, Local>>,
    metrics: Arc<Metrics>,
}

/// What this process knows of an account.
struct Local {
    account: Account,
    circuit: Circuit,
    /// Calls taken out of the store's budget, and calls handed out, both since the start.
    taken: u64,
    handed_out: u64,
    /// When what was taken and not handed out is lost.
    kept_until: Instant,
    /// The store has nothing until then.
    empty_until: Instant,
    /// The place in the queue that was given last.
    last_place: Instant,
}

impl Local {
    fn new(account: &Account, now: Instant) -> Self {
        let (account, circuit) = (account.clone(), Circuit::NEW);
        let used = account.calls();
        Self {
            account,
            circuit,
            taken: used,
            handed_out: used,
            kept_until: now,
            empty_until: now,
            last_place: now,
        }
    }

    /// A step may make more calls than the one it was let through for.
    fn used(&self) -> u64 {
        self.handed_out.max(self.account.calls())
    }

    fn is_at_hand(&self, now: Instant) -> bool {
        self.taken > self.used() && now < self.kept_until
    }

    /// How many to take, so that there is at least one at hand afterwards.
    fn missing(&mut self, now: Instant) -> u32 {
        if now >= self.kept_until {
            self.taken = self.taken.min(self.used());
        }
        let debt = u32::try_from(self.used() - self.taken.min(self.used())).unwrap_or(u32::MAX);
        debt.saturating_add(BATCH)
    }

    /// A place behind everyone who waits already: nobody is woken only to be sent away again.
    fn place(&mut self, now: Instant, wait: Duration, longest: Duration) -> Duration {
        let place = (now + wait).max(self.last_place + self.account.budget().interval());
        self.last_place = place.min(now + longest);
        self.last_place - now
    }
}

impl Governor {
    pub(super) fn new(tuning: &Tuning, metrics: Arc<Metrics>) -> Self {
        Self {
            rules: Rules::of(tuning),
            started: Instant::now(),
            longest_wait: tuning.longest_wait,
            accounts: Mutex::default(),
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountKey, Local>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, account: &Account, change: impl FnOnce(&mut Local, Instant) -> T) -> T {
        let (now, mut accounts) = (Instant::now(), self.lock());
        let local = accounts.entry(account.key().clone()).or_insert_with(|| Local::new(account, now));
        let before = local.circuit;
        let changed = change(local, now);
        self.tell(local, before, now);
        changed
    }

    /// For logs and metrics.
    fn tell(&self, local: &Local, before: Circuit, now: Instant) {
        let (account, after) = (local.account.key(), local.circuit);
        if before.state() != after.state() {
            info!(%account, from = before.state().as_str(), to = after.state().as_str(), "circuit of a vendor");
        }
        let measured = match after.state() {
            CircuitState::Closed => Measured::Closed,
            CircuitState::HalfOpen => Measured::HalfOpen,
            CircuitState::Open => Measured::Open,
        };
        let at_hand = if local.is_at_hand(now) { local.taken - local.used() } else { 0 };
        self.metrics.vendors.circuit(account.vendor(), measured);
        self.metrics.vendors.budget_left(account.vendor(), u32::try_from(at_hand).unwrap_or(u32::MAX).into());
    }

    /// Takes a permit if one is at hand: no store, no waiting.
    pub(super) fn take_at_hand(&self, account: Option<&Account>) -> Permit {
        let Some(account) = account else { return Permit::Granted };
        self.with(account, |local, now| self.hand_out(local, now))
    }

    fn hand_out(&self, local: &mut Local, now: Instant) -> Permit {
        let (circuit, admission) = local.circuit.admit(now - self.started, &self.rules);
        match admission {
            Admission::Pass if !local.is_at_hand(now) => Permit::WaitFor(Duration::ZERO, Obstacle::Budget),
            Admission::Pass => {
                local.circuit = circuit;
                local.handed_out = local.used() + 1;
                Permit::Granted
            }
            Admission::WaitFor(wait) => {
                Permit::WaitFor(local.place(now, wait, self.longest_wait), Obstacle::Circuit)
            }
        }
    }

    /// Takes a permit, out of the store's budget if none is at hand.
    pub(super) async fn take(
        &self,
        store: &dyn BrokerStore,
        account: Option<&Account>,
    ) -> Result<Permit, StoreError> {
        let Some(account) = account else { return Ok(Permit::Granted) };
        loop {
            let obstacle = self.with(account, |local, now| match self.hand_out(local, now) {
                Permit::Granted => Ok(Permit::Granted),
                Permit::WaitFor(wait, Obstacle::Circuit) => Ok(Permit::WaitFor(wait, Obstacle::Circuit)),
                Permit::WaitFor(..) if now < local.empty_until => {
                    let wait = local.place(now, local.empty_until - now, self.longest_wait);
                    Ok(Permit::WaitFor(wait, Obstacle::Budget))
                }
                Permit::WaitFor(..) => Err(local.missing(now)),
            });
            let missing = match obstacle {
                Ok(permit) => return Ok(permit),
                Err(missing) => missing,
            };
            let reserved = store.reserve(account.key(), missing, account.budget()).await?;
            self.with(account, |local, now| match reserved {
                Reservation::Granted(calls) => {
                    local.taken += u64::from(calls);
                    local.kept_until = now + KEPT_FOR;
                }
                Reservation::WaitFor(wait) => local.empty_until = now + wait,
            });
        }
    }

    /// Takes note of what came of a call.
    pub(super) fn hear(&self, account: &Account, heard: Heard) {
        self.with(account, |local, now| {
            local.circuit = local.circuit.hear(heard, now - self.started, &self.rules);
        });
    }

    /// The vendor asked to wait: nobody calls for so long, in no process.
    pub(super) async fn slow_down(
        &self,
        store: &dyn BrokerStore,
        (account, wait): (&Account, Duration),
    ) -> Result<(), StoreError> {
        warn!(account = %account.key(), seconds = wait.as_secs(), "the vendor asks to wait");
        self.with(account, |local, now| {
            local.empty_until = local.empty_until.max(now + wait);
            local.taken = local.taken.min(local.used());
        });
        store.slow_down(account.key(), wait).await
    }
}
