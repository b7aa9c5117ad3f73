//! Who may call a vendor now: one budget and one circuit for all processes of a store.
//!
//! Calls are taken out of the store's budget a few at a time, and handed out here; a call that is not used soon is lost
//! rather than saved up, so that all processes together never exceed the budget. Soon is sooner than a circuit that opens
//! is closed again: once the first call probes a vendor that was silent, nobody has one left from before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{
    budget::{AccountKey, Obstacle, Terms, Turn},
    circuit::{Circuit, CircuitState, Heard, Rules},
    config::Tuning,
    metrics::{Circuit as Measured, Metrics},
    providers::Account,
    store::{BrokerStore, StoreError},
};

/// How many calls are taken out of the store's budget at a time, at first and at most. As many as are used.
const FIRST_BATCH: u32 = 4;
const LARGEST_BATCH: u32 = 8;
/// How long a call that was taken may be handed out at most.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// Whether a step may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// It may.
    Granted,
    /// Not now; after this long there is a place for it.
    WaitFor(Duration, Obstacle),
}

/// What becomes of whoever gets no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// It comes back: it gets a place behind those that wait already.
    Queues,
    /// It goes away, and takes nobody's place.
    Leaves,
}

/// See the module.
pub(super) struct Governor {
    rules: Rules,
    longest_wait: Duration,
    accounts: Mutex<HashMap<AccountKey, Local>>,
    metrics: Arc<Metrics>,
}

/// What this process knows of an account.
struct Local {
    account: Account,
    /// As the store told it last.
    circuit: Circuit,
    /// How many calls are worth taking at a time.
    batch: u32,
    /// Calls taken out of the store's budget, and calls handed out, both since the start.
    taken: u64,
    handed_out: u64,
    /// When what was taken and not handed out is lost.
    kept_until: Instant,
    /// The store has nothing until then, and why.
    refused_until: (Instant, Obstacle),
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
            batch: FIRST_BATCH,
            taken: used,
            handed_out: used,
            kept_until: now,
            refused_until: (now, Obstacle::Budget),
            last_place: now,
        }
    }

    /// A step may make more calls than the one it was let through for.
    fn used(&self) -> u64 {
        self.handed_out.max(self.account.calls())
    }

    /// What was taken while the vendor answered is not used while it does not.
    fn is_at_hand(&self, now: Instant) -> bool {
        self.taken > self.used() && now < self.kept_until && self.circuit.state() == CircuitState::Closed
    }

    fn hand_out(&mut self) {
        self.handed_out = self.used() + 1;
    }

    /// How many to take, so that there is at least one at hand afterwards. While it is not certain that the vendor
    /// answers no call is taken in advance: everyone hears of the others' silences first.
    fn missing(&mut self, now: Instant) -> u32 {
        if now >= self.kept_until && self.taken > self.used() {
            self.taken = self.used();
            self.batch = (self.batch / 2).max(1);
        } else {
            self.batch = (self.batch * 2).min(LARGEST_BATCH);
        }
        let debt = u32::try_from(self.used() - self.taken.min(self.used())).unwrap_or(u32::MAX);
        debt.saturating_add(if self.circuit == Circuit::NEW { self.batch } else { 1 })
    }

    /// Takes over what the store granted when it was asked at this moment.
    fn granted(&mut self, turn: Turn, asked: Instant, kept_for: Duration) {
        match turn {
            Turn::Calls(calls) => {
                self.taken += u64::from(calls);
                self.kept_until = asked + kept_for;
            }
            Turn::Probe => {
                // for whoever asked, whatever was used in advance
                self.hand_out();
                self.taken = self.handed_out;
            }
            Turn::WaitFor(wait, obstacle) => self.refused_until = (Instant::now() + wait, obstacle),
        }
    }

    /// A place behind everyone who waits already: nobody is woken only to be sent away again.
    fn place(&mut self, (now, wait): (Instant, Duration), asker: Asker, longest: Duration) -> Duration {
        if asker == Asker::Leaves {
            return wait.min(longest);
        }
        let place = (now + wait).max(self.last_place + self.account.budget().interval());
        self.last_place = place.min(now + longest);
        self.last_place - now
    }
}

impl Governor {
    pub(super) fn new(tuning: &Tuning, metrics: Arc<Metrics>) -> Self {
        Self {
            rules: Rules::of(tuning),
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
        self.with(account, |local, now| {
            if !local.is_at_hand(now) {
                return Permit::WaitFor(Duration::ZERO, Obstacle::Budget);
            }
            local.hand_out();
            Permit::Granted
        })
    }

    /// Takes a permit, out of the store's budget if none is at hand.
    pub(super) async fn take(
        &self,
        store: &dyn BrokerStore,
        account: Option<&Account>,
        asker: Asker,
    ) -> Result<Permit, StoreError> {
        let Some(account) = account else { return Ok(Permit::Granted) };
        loop {
            let known = self.with(account, |local, now| {
                let (until, obstacle) = local.refused_until;
                if local.is_at_hand(now) {
                    local.hand_out();
                    Ok(Permit::Granted)
                } else if now < until {
                    let wait = local.place((now, until - now), asker, self.longest_wait);
                    Ok(Permit::WaitFor(wait, obstacle))
                } else {
                    Err(local.missing(now))
                }
            });
            let missing = match known {
                Ok(permit) => return Ok(permit),
                Err(missing) => missing,
            };
            let (asked, terms) = (Instant::now(), Terms { budget: account.budget(), rules: self.rules });
            let (turn, circuit) = store.reserve(account.key(), missing, terms).await?;
            self.with(account, |local, _| {
                local.circuit = circuit;
                local.granted(turn, asked, KEPT_FOR.min(self.rules.shortest));
            });
            if turn == Turn::Probe {
                return Ok(Permit::Granted);
            }
        }
    }

    /// Takes note of what came of a call, in the store if it is news there: every silence, and an answer after one.
    pub(super) async fn hear(
        &self,
        store: &dyn BrokerStore,
        account: &Account,
        heard: Heard,
    ) -> Result<(), StoreError> {
        let knows = self.with(account, |local, _| heard == Heard::Answer && local.circuit == Circuit::NEW);
        if knows {
            return Ok(());
        }
        let circuit = store.hear(account.key(), heard, self.rules).await?;
        self.with(account, |local, now| {
            local.circuit = circuit;
            if circuit == Circuit::NEW && local.refused_until.1 == Obstacle::Circuit {
                local.refused_until.0 = now;
            }
        });
        Ok(())
    }

    /// The vendor asked to wait: nobody calls for so long, in no process.
    pub(super) async fn slow_down(
        &self,
        store: &dyn BrokerStore,
        (account, wait): (&Account, Duration),
    ) -> Result<(), StoreError> {
        warn!(account = %account.key(), seconds = wait.as_secs(), "the vendor asks to wait");
        self.with(account, |local, now| {
            let until = local.refused_until.0.max(now + wait);
            local.refused_until = (until, Obstacle::Budget);
            local.taken = local.taken.min(local.used());
        });
        store.slow_down(account.key(), wait).await
    }
}
