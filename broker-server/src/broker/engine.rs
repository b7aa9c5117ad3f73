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
    sync::{Notify, watch},
    task::JoinSet,
    time::timeout,
};
use tracing::Instrument;

use super::{
    backoff::Jitter,
    error::{BrokerError, Failure},
    pulse::Pulse,
    waiting::{Patience, Stage, Waiting, end},
};
use crate::{
    config::Tuning,
    faults,
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
    Done,
    /// It goes on without the request.
    GoesOn(OperationId),
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
    /// the caller, who listens from before it starts.
    pub(super) async fn begin(self: &Arc<Self>, begin: Begin) -> Result<Option<Attendance>, StoreError> {
        faults::pass("B01").await?;
        let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
        if self.store.begin(begin).await? == Begun::Moved {
            return Ok(None);
        }
        faults::pass("B04").await?;
        self.metrics.operations.accepted(operation.work);
        let attendance = self.listen(&operation.id, operation.work);
        self.start(lease, operation, Intended::Already);
        Ok(Some(attendance))
    }

    fn listen(&self, operation: &OperationId, work: Work) -> Attendance {
        Attendance { operation: operation.clone(), work, receiver: self.waiting.listen(operation) }
    }

    /// Starts working on an operation that is ours.
    pub(super) fn start(self: &Arc<Self>, lease: Lease, operation: Operation, intended: Intended) {
        let engine = self.clone();
        let span = telemetry::operation(&operation);
        self.spawn(async move { engine.drive(lease, operation, intended).await }.instrument(span));
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
        let Attendance { operation, work, receiver } = attendance;
        self.waiting.leave(&operation, receiver);
        match (ended, patience) {
            (Some(Ok(())), _) => Ok(Attended::Done),
            (Some(Err(failure)), _) => Err(BrokerError::Work { work, failure: *failure }),
            (None, Patience::Stubborn(_)) => Err(BrokerError::StillRunning),
            (None, Patience::Inline(_) | Patience::Running(_)) => Ok(Attended::GoesOn(operation)),
        }
    }

    /// Listens for the end, and looks for it in the store now and then: another process may have gone on with it.
    async fn listen_and_look(
        &self,
        attendance: &mut Attendance,
        patience: Patience,
    ) -> Option<Result<(), Box<Failure>>> {
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
            return Ok(Attended::GoesOn(if is_mutant { OperationId::new() } else { status.id.clone() }));
        }
        let attendance = self.listen(&status.id, status.work);
        // it may have ended before we listened
        if let Some(operation) = self.store.operation(&status.id).await?.filter(Operation::is_over) {
            self.waiting.leave(&status.id, attendance.receiver);
            let work = status.work;
            return as_end(&operation)
                .map(|()| Attended::Done)
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

/// Whether the intent of the next step is durable already, under this very lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intended {
    /// It is.
    Already,
    /// It is to be written.
    NotYet,
}

/// How an operation ended, as far as the record tells.
fn as_end(operation: &Operation) -> Result<(), Box<Failure>> {
    if operation.state == OperationState::Succeeded {
        return Ok(());
    }
    Err(Box::new(Failure {
        refusal: None,
        touched: true,
        description: operation.description.clone().unwrap_or_else(|| "The operation failed.".to_owned()),
        instance_usable: operation.instance_usable,
        update_repeatable: operation.update_repeatable,
    }))
}
