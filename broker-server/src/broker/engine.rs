//! The operation engine: owns the durability of every piece of work, and whoever is working on one.
//!
//! ```text
//! request ──▶ begin (one commit) ──▶ task: intent ─▶ provider ─▶ result ─▶ … ─▶ end
//!    └── waits for a while ──────────────────────────────┘   ▲
//! worker ── claims what is due or was left behind ───────────┘
//! ```

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sutler_secrets::KeyRing;
use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use tracing::Instrument;

use super::{
    backoff::Jitter,
    drive::About,
    error::{BrokerError, Failure},
    governor::Governor,
    pulse::Pulse,
    waiting::{Made, Patience, Stage, Waiting, end},
};
use crate::{
    config::Tuning,
    faults,
    instance::Instance,
    metrics::Metrics,
    operation::{Lease, Operation, OperationId, OperationStatus},
    providers::{Registry, Work},
    store::{Begin, Begun, BrokerStore, StoreError},
    telemetry,
};
use sutler_catalog::Asynchronous;
use sutler_spec::{Asynchrony, OperationState};

/// How often a request that waits for its work looks for it in the store.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What became of work that a request asked for.
#[derive(Debug)]
pub(super) enum Attended {
    /// It is done.
    Done(Made),
    /// It goes on without the request; something can have changed after this long.
    GoesOn(OperationId, Duration),
}

/// A request that listens to its work.
pub(super) struct Attendance {
    operation: OperationId,
    work: Work,
    receiver: watch::Receiver<Stage>,
}

/// See the module.
pub(super) struct Engine {
    pub(super) registry: Arc<Registry>,
    pub(super) store: Arc<dyn BrokerStore>,
    pub(super) ring: Arc<KeyRing>,
    pub(super) tuning: Tuning,
    pub(super) jitter: Jitter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) waiting: Waiting,
    /// Who may call a vendor.
    pub(super) governor: Governor,
    /// Something may be due earlier than the worker thinks.
    pub(super) wake: Notify,
    /// True once nothing new is to be started.
    pub(super) draining: watch::Sender<bool>,
    /// When the worker last looked for work.
    pub(super) pulse: Pulse,
    pub(super) runtime: Handle,
    pub(super) tasks: Mutex<JoinSet<()>>,
}

impl Engine {
    /// Accepts an operation and starts working on it; nothing when the world moved on before. The work is not tied to
    /// the caller, who listens from before it starts. What takes the place of other work starts when nobody can be in the
    /// middle of a step of that any more: the worker finds it. `decided_on` is the instance when this was decided.
    pub(super) async fn begin(
        self: &Arc<Self>,
        begin: Begin,
        decided_on: Option<Instance>,
    ) -> Result<Option<Attendance>, StoreError> {
        faults::pass("B01").await?;
        let attendance = self.listen(&begin.operation.id, begin.operation.work);
        let (told, hears) = oneshot::channel();
        let engine = self.clone();
        self.spawn(async move { engine.accept(begin, decided_on, told).await });
        match hears.await.unwrap_or(Err(StoreError::Closed)) {
            Ok(Begun::Accepted) => Ok(Some(attendance)),
            other => {
                self.waiting.leave(&attendance.operation, attendance.receiver);
                other.map(|_moved| None)
            }
        }
    }

    /// Accepts and works, in a task of its own: a platform that hangs up in between leaves nothing half done.
    async fn accept(
        &self,
        begin: Begin,
        decided_on: Option<Instance>,
        told: oneshot::Sender<Result<Begun, StoreError>>,
    ) {
        let about = About::accepted(&begin, decided_on);
        let takes_place = begin.supersedes.is_some();
        let (asked, lease, operation) = (Instant::now(), begin.lease.clone(), begin.operation.clone());
        let begun = match self.store.begin(begin).await {
            Ok(Begun::Accepted) => {
                faults::pass("B04").await.map(|()| Begun::Accepted).map_err(StoreError::from)
            }
            other => other,
        };
        let is_accepted = matches!(begun, Ok(Begun::Accepted));
        if is_accepted {
            self.metrics.operations.accepted(operation.work);
        }
        // who asked may have hung up
        let _ = told.send(begun);
        if is_accepted && takes_place {
            self.wake.notify_one();
        } else if is_accepted {
            let span = telemetry::operation(&operation);
            Box::pin(self.drive((lease, asked), operation, about).instrument(span)).await;
        }
    }

    fn listen(&self, operation: &OperationId, work: Work) -> Attendance {
        Attendance { operation: operation.clone(), work, receiver: self.waiting.listen(operation) }
    }

    /// Starts working on an operation that was claimed, with a request to the store made at that moment.
    pub(super) fn start(self: &Arc<Self>, claim: (Lease, Instant), operation: Operation) {
        let engine = self.clone();
        let span = telemetry::operation(&operation);
        self.spawn(async move { engine.drive(claim, operation, None).await }.instrument(span));
    }

    /// When something can have changed, by the engine's own schedule.
    pub(super) fn next_look(&self, status: &OperationStatus) -> Duration {
        let due = Duration::from_millis(status.due_in);
        clamped(if status.is_parked { due } else { self.tuning.poll_interval.min(due) })
    }

    /// Runs a task that draining waits for and aborting stops.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, &self.runtime);
    }

    /// How long a request waits for its work.
    pub(super) fn patience(&self, asynchrony: Asynchrony, plan: Asynchronous) -> Patience {
        match (asynchrony, plan) {
            (Asynchrony::Refused, _) => Patience::Stubborn(self.tuning.sync_limit),
            (Asynchrony::Allowed, Asynchronous::Always) => Patience::Running(self.tuning.inline_budget),
            (Asynchrony::Allowed, _) => Patience::Inline(self.tuning.inline_budget),
        }
    }

    /// Waits for work.
    pub(super) async fn attend(
        &self,
        mut attendance: Attendance,
        patience: Patience,
    ) -> Result<Attended, BrokerError> {
        let ended = self.listen_and_look(&mut attendance, patience).await;
        let goes_on = match *attendance.receiver.borrow() {
            Stage::Parked(due) => due.saturating_duration_since(Instant::now()),
            Stage::Running | Stage::Left | Stage::Over(_) => self.tuning.poll_interval,
        };
        let Attendance { operation, work, receiver } = attendance;
        self.waiting.leave(&operation, receiver);
        match (ended, patience) {
            (Some(Ok(made)), _) => Ok(Attended::Done(made)),
            (Some(Err(failure)), _) => Err(BrokerError::Work { work, failure: *failure }),
            (None, Patience::Stubborn(_)) => Err(BrokerError::StillRunning),
            (None, Patience::Inline(_) | Patience::Running(_)) => {
                Ok(Attended::GoesOn(operation, clamped(goes_on)))
            }
        }
    }

    /// Listens for the end, and looks for it in the store now and then: another process may have gone on with it.
    async fn listen_and_look(
        &self,
        attendance: &mut Attendance,
        patience: Patience,
    ) -> Option<Result<Made, Box<Failure>>> {
        let mut listening = std::pin::pin!(end(&mut attendance.receiver, patience));
        loop {
            if let Ok(ended) = timeout(LOOK_EVERY, &mut listening).await {
                return ended;
            }
            // a store that cannot be read now can be at the next look
            if let Ok(Some(operation)) = self.store.operation(&attendance.operation).await
                && operation.is_over()
            {
                return Some(as_end(&operation));
            }
        }
    }

    /// Joins work that a repeat of its request found in progress: a platform that may be told so is told at once.
    pub(super) async fn join(
        &self,
        status: &OperationStatus,
        asynchrony: Asynchrony,
    ) -> Result<Attended, BrokerError> {
        if asynchrony == Asynchrony::Allowed {
            let is_mutant = faults::mutant("repeat_is_new");
            let id = if is_mutant { OperationId::new() } else { status.id.clone() };
            return Ok(Attended::GoesOn(id, self.next_look(status)));
        }
        let attendance = self.listen(&status.id, status.work);
        // it may have ended before we listened
        if let Some(operation) = self.store.operation(&status.id).await?.filter(Operation::is_over) {
            self.waiting.leave(&status.id, attendance.receiver);
            let work = status.work;
            return as_end(&operation)
                .map(Attended::Done)
                .map_err(|failure| BrokerError::Work { work, failure: *failure });
        }
        self.attend(attendance, Patience::Stubborn(self.tuning.sync_limit)).await
    }

    /// Lets running steps finish, records where they are, and starts nothing new.
    pub(super) async fn drain(&self) {
        self.draining.send_replace(true);
        if let Err(injected) = faults::pass("B20").await {
            tracing::error!(%injected, "could not drain");
            return;
        }
        self.waiting.leave_parked();
        let mut tasks = std::mem::take(&mut *self.tasks());
        while tasks.join_next().await.is_some() {}
    }

    /// Stops everything at once, as a crash would.
    pub(super) async fn abort(&self) {
        self.draining.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks());
        tasks.shutdown().await;
    }

    /// Whether nothing new is to be started.
    pub(super) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a platform is told to wait (S-25).
fn clamped(wait: Duration) -> Duration {
    wait.clamp(Duration::from_secs(1), Duration::from_secs(300))
}

/// How an operation ended, as far as the record tells.
fn as_end(operation: &Operation) -> Result<Made, Box<Failure>> {
    if operation.state == OperationState::Succeeded {
        return Ok(Made::Recorded);
    }
    Err(Box::new(Failure {
        refusal: None,
        touched: true,
        description: operation.description.clone().unwrap_or_else(|| "The operation failed.".to_owned()),
        instance_usable: operation.instance_usable,
        update_repeatable: operation.update_repeatable,
    }))
}
