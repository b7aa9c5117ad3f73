//! Asking one broker until it tells, within a time: one that says "later" (429, 503 with a time to come back, another
//! request at the same instance) has told nothing of what it was asked about.
//!
//! What such an answer is, and how many requests a broker then gets at once, is what `apply` goes by too.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sutler_broker_client::{ClientError, Pacing};
use tokio::time::{Instant, sleep_until};

use super::AT_ONCE;
use crate::brokers::ConnectedBroker;
use crate::execute::{Gate, asks_to_wait};
use crate::name::BrokerName;

/// How long brokers are waited for that want to be asked later, and who is told.
#[derive(Clone)]
pub struct Patience {
    limit: Duration,
    pacing: Pacing,
    tell: Arc<dyn Fn(&Wait) + Send + Sync>,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Who wants to be asked later.
    pub broker: BrokerName,
    /// Until then.
    pub pause: Duration,
    /// For how long it can be waited for all in all, from now on.
    pub left: Duration,
}

impl Patience {
    /// So long, for all brokers together; when to ask again where a broker does not say is up to the pacing.
    pub fn new(limit: Duration, pacing: Pacing, tell: impl Fn(&Wait) + Send + Sync + 'static) -> Self {
        Self { limit, pacing, tell: Arc::new(tell) }
    }

    /// Not as long, for what is done under a lock.
    pub(in crate::commands) fn at_most(&self, limit: Duration) -> Self {
        Self { limit: self.limit.min(limit), ..self.clone() }
    }

    /// When it ends, if it begins now.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Asks one broker.
pub(super) struct Asking<'a> {
    patience: &'a Patience,
    broker: &'a BrokerName,
    deadline: Instant,
    gate: Gate,
    /// Until when everyone knows that it is waited for.
    told_until: Mutex<Option<Instant>>,
}

/// What a broker told.
pub(super) enum Told<T> {
    /// What was asked for.
    Answer(T),
    /// Nothing, and what else there is to say of it.
    Nothing(ClientError, String),
}

impl<'a> Asking<'a> {
    pub(super) fn new(patience: &'a Patience, broker: &'a BrokerName, deadline: Instant) -> Self {
        Self { patience, broker, deadline, gate: Gate::new(AT_ONCE), told_until: Mutex::default() }
    }

    /// Asks until there is an answer to what was asked. Whatever the time, it is asked once.
    pub(super) async fn about<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        broker: &ConnectedBroker,
        mut request: impl FnMut() -> F,
    ) -> Told<T> {
        let (mut asked, mut last) = (0_u32, None);
        loop {
            let ticket = match (self.gate.enter_by(self.deadline).await, last) {
                (Some(ticket), _) => ticket,
                (None, None) => self.gate.enter_at_once(),
                (None, Some(error)) => return self.nothing(error, asked),
            };
            let answer = {
                // A semaphore that nobody closes always gives a place.
                let _place = broker.limit.acquire().await;
                request().await
            };
            ticket.came_back(answer.as_ref().err());
            let error = match answer {
                Ok(answer) => return Told::Answer(answer),
                Err(error) if !asks_to_wait(&error) => return Told::Nothing(error, String::new()),
                Err(error) => error,
            };
            let again = Instant::now() + self.patience.pacing.pause(asked, error.retry_after());
            asked += 1;
            if again > self.deadline {
                return self.nothing(error, asked);
            }
            self.tell(again);
            sleep_until(again).await;
            last = Some(error);
        }
    }

    fn nothing<T>(&self, error: ClientError, asked: u32) -> Told<T> {
        let more = match (self.patience.limit, asked) {
            (Duration::ZERO, _) => String::new(),
            (_, 1) => "; it wants to be asked again later than --wait allows".to_owned(),
            (_, asked) => format!("; asked {asked} times, and --wait does not allow for more"),
        };
        Told::Nothing(error, more)
    }

    /// Tells once what is waited for, however many wait.
    fn tell(&self, until: Instant) {
        let mut told_until = self.told_until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if told_until.is_some_and(|told| told > now) {
            return;
        }
        *told_until = Some(until);
        drop(told_until);
        (self.patience.tell)(&Wait {
            broker: self.broker.clone(),
            pause: until - now,
            left: self.deadline.saturating_duration_since(now),
        });
    }
}
