//! Working on one operation: permit, intent durable, one step, result durable, and so on until it ends or waits.

use std::{sync::Arc, time::Duration};

use sutler_spec::{BindingId, InstanceId};
use tokio::time::Instant;
use tracing::{Instrument, error, info, warn};

use super::{
    engine::Engine,
    error::{Failure, chain},
    facts,
    governor::{Asker, Permit},
    tenure::{Scope, Tenure},
    verdict::{Completed, Standing, Verdict, judge, overdue},
    waiting::Stage,
};
use crate::{
    binding::Binding,
    budget::AccountKey,
    expense::{Exceeded, Expense, Reservation, Spending},
    faults,
    instance::Instance,
    operation::{Intent, Lease, Operation},
    providers::{Checkpoint, Progress, Provider, ProviderError, RecoveryClass, Refusal, Work},
    store::{Begin, Event, Hold, RowChange, Rows, Save, StoreError},
    telemetry,
};

/// An operation in our hands, with everything it is about. Its intent, if there is one, is durable under this lease.
pub(super) struct Drive {
    pub(super) lease: Lease,
    pub(super) tenure: Tenure,
    /// When the store told the age of the operation.
    aged_at: Instant,
    pub(super) operation: Operation,
    pub(super) instance: Instance,
    pub(super) binding: Option<Binding>,
    pub(super) provider: Arc<dyn Provider>,
}

/// What an operation is about.
pub(super) struct About {
    instance: Instance,
    binding: Option<Binding>,
}

impl About {
    /// As the accepting transaction leaves it, without reading it again: the rows it writes, and what it was decided on
    /// where it only moves the revision on. `None` where that is not all.
    pub(super) fn accepted(begin: &Begin, decided_on: Option<Instance>) -> Option<Self> {
        let instance = match &begin.rows.instance {
            RowChange::Put(row) => Some(row.as_ref().clone()),
            RowChange::Keep => decided_on.filter(|known| Some(known.revision) == begin.decided_on),
            RowChange::Remove => None,
        };
        let binding = match (bound(&begin.operation), &begin.rows.binding) {
            (None, _) => None,
            (Some(id), RowChange::Put(row)) if row.id == *id => Some(row.as_ref().clone()),
            _ => return None,
        };
        let revision = begin.decided_on.map_or(1, |before| before + 1);
        Some(Self { instance: Instance { revision, ..instance? }, binding })
    }
}

impl Drive {
    /// How old the operation is: by the store's clock, and since that told by the monotonic one (I-14).
    pub(super) fn age(&self) -> Duration {
        self.operation.age + self.aged_at.elapsed()
    }
}

/// Whether the drive goes on.
pub(super) enum Flow {
    On,
    Off,
}

impl Engine {
    /// Drives until the operation ends, waits, is lost, or the process drains. The claim comes with the moment at which
    /// the store was asked for it, and with what it is about where that is known.
    pub(super) async fn drive(&self, claim: (Lease, Instant), operation: Operation, about: Option<About>) {
        let (held, instance) = (claim.0.clone(), operation.instance.clone());
        match self.try_drive(claim, operation, about).await {
            Ok(()) => {}
            Err(StoreError::LeaseLost) => {
                self.metrics.operations.lease_lost();
                info!("somebody else goes on with the operation, or with its deletion");
                Box::pin(self.let_go(&held, &instance)).await;
            }
            // the lease lapses, and the operation is taken up again from what is durable
            Err(problem) => error!(error = %chain(&problem), "the operation is interrupted"),
        }
    }

    /// A deletion that took the place of the operation need not wait for the end of our lease.
    async fn let_go(&self, held: &Lease, instance: &InstanceId) {
        match self.store.let_go(held, instance).await {
            Ok(()) => self.wake.notify_one(),
            // then it waits for the end of the lease
            Err(problem) => warn!(%instance, error = %chain(&problem), "could not let go of an instance"),
        }
    }

    async fn try_drive(
        &self,
        claim: (Lease, Instant),
        operation: Operation,
        about: Option<About>,
    ) -> Result<(), StoreError> {
        let about = match about {
            Some(about) => Some(about),
            None => Box::pin(self.read(&operation)).await?,
        };
        let Some(mut drive) = self.prepare(claim, operation, about).await? else { return Ok(()) };
        self.waiting.tell(&drive.operation.id, Stage::Running);
        loop {
            let span = telemetry::step(&checkpoint(&drive.operation).step, drive.operation.failures + 1);
            match self.take_step(&mut drive).instrument(span).await {
                Ok(Flow::On) => {}
                Ok(Flow::Off) => return Ok(()),
                // neither the money nor the intent is written: the step is not taken
                Err(StoreError::Overspent(exceeded)) => {
                    return Box::pin(self.refuse_spending(&mut drive, &exceeded)).await;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// One step: permit, intent, call, result.
    async fn take_step(&self, drive: &mut Drive) -> Result<Flow, StoreError> {
        if drive.operation.intent.is_none() {
            if let Flow::Off = Box::pin(self.take_turn(drive)).await? {
                return Ok(Flow::Off);
            }
            self.intend(drive).await?;
        }
        let Some(deadline) = Box::pin(self.deadline(drive)).await? else { return Ok(Flow::Off) };
        let answer = self.ask(drive, deadline).await;
        faults::pass("B12").await?;
        // boxed, as other parts that are long or rare: a future has room for the largest of its parts, and is moved
        Box::pin(self.conclude(drive, answer)).await
    }

    /// Waits for the vendor's account, not here but in the store: whoever waits holds no lease.
    async fn take_turn(&self, drive: &mut Drive) -> Result<Flow, StoreError> {
        if self.is_draining() {
            return self.wait(drive, Duration::ZERO).await;
        }
        match self
            .governor
            .take(self.store.as_ref(), drive.provider.account(&drive.instance.plan), Asker::Queues)
            .await?
        {
            Permit::Granted => Ok(Flow::On),
            Permit::WaitFor(_, obstacle) if self.is_overdue(drive) => {
                self.fail(drive, overdue(obstacle.description())).await.map(|()| Flow::Off)
            }
            Permit::WaitFor(after, obstacle) => {
                drive.operation.description = Some(obstacle.description().to_owned());
                self.wait(drive, after).await
            }
        }
    }

    /// By when a vendor call has to end so that its result is still written under the lease. A lease that is nearly
    /// over is renewed first; if that takes too long as well, nothing is called.
    async fn deadline(&self, drive: &mut Drive) -> Result<Option<Instant>, StoreError> {
        for _ in 0..2 {
            match drive.tenure.scope(Instant::now(), &self.tuning) {
                Scope::CallUntil(deadline) => return Ok(Some(deadline)),
                Scope::Renew => self.intend(drive).await?,
            }
        }
        if let Scope::CallUntil(deadline) = drive.tenure.scope(Instant::now(), &self.tuning) {
            return Ok(Some(deadline));
        }
        warn!("the store is too slow to hold a lease; the operation waits");
        drive.operation.intent = None;
        self.wait(drive, self.tuning.poll_interval).await.map(|_| None)
    }

    pub(super) fn is_overdue(&self, drive: &Drive) -> bool {
        drive.age() >= self.tuning.operation_age
    }

    /// Reads what the operation is about.
    async fn read(&self, operation: &Operation) -> Result<Option<About>, StoreError> {
        let Some(instance) = self.store.instance(&operation.instance).await? else { return Ok(None) };
        let binding = match bound(operation) {
            Some(id) => self.store.binding(&operation.instance, id).await?,
            None => None,
        };
        Ok(Some(About { instance, binding }))
    }

    /// Brings together what a drive needs; `None` when somebody has to put something back first.
    async fn prepare(
        &self,
        (lease, asked): (Lease, Instant),
        operation: Operation,
        about: Option<About>,
    ) -> Result<Option<Drive>, StoreError> {
        let provider = about.as_ref().and_then(|about| self.registry.provider(&about.instance.service));
        let (Some(About { instance, binding }), Some(provider)) = (about, provider) else {
            // an operator who removed an offering in use can put it back: the operation waits
            warn!("the offering of the operation is not configured here");
            let save = Save {
                hold: Hold::Park(self.tuning.backoff_cap),
                event: None,
                rows: Rows::default(),
                operation,
                lease,
            };
            Box::pin(self.store.save(save)).await?;
            return Ok(None);
        };
        let tenure = Tenure::since(asked, &self.tuning);
        Ok(Some(Drive { lease, tenure, aged_at: asked, operation, instance, binding, provider }))
    }

    /// Makes the intent of the next attempt durable.
    async fn intend(&self, drive: &mut Drive) -> Result<(), StoreError> {
        drive.operation.intent = Some(next_intent(drive));
        if !faults::mutant("no_intent") {
            let rows = with_spending(drive);
            self.save(drive, Hold::Keep(self.tuning.lease), rows, None).await?;
        }
        Ok(())
    }

    /// Records what follows from the answer.
    async fn conclude(
        &self,
        drive: &mut Drive,
        answer: Result<Progress<Completed>, ProviderError>,
    ) -> Result<Flow, StoreError> {
        let standing = Standing {
            failures: drive.operation.failures,
            touched: drive.operation.touched,
            age: drive.age(),
        };
        let is_deletion = matches!(target(&drive.operation), Work::Deprovision | Work::Unbind);
        let answer = match answer {
            Err(ProviderError::Unavailable { .. }) if is_deletion && faults::mutant("delete_ends_early") => {
                Ok(Progress::Done(Completed::Gone))
            }
            answer => answer,
        };
        let read_only = class_of(drive) == RecoveryClass::ReadOnly;
        match judge(answer, standing, &self.tuning, (self.jitter)()) {
            Verdict::Next(checkpoint) => {
                settle(&mut drive.operation, checkpoint, read_only);
                self.go_on(drive).await
            }
            Verdict::Park { checkpoint, after, description } => {
                settle(&mut drive.operation, checkpoint, read_only);
                drive.operation.description = Some(description);
                self.wait(drive, after).await
            }
            Verdict::Retry { after, description, in_doubt, failures } => {
                info!(description, "the provider gave no clear answer");
                drive.operation.failures = failures;
                drive.operation.in_doubt |= in_doubt && !read_only;
                drive.operation.touched |= in_doubt && !read_only;
                drive.operation.intent = None;
                drive.operation.description = Some(description);
                self.wait(drive, after).await
            }
            Verdict::GiveUp { checkpoint, failure } => {
                settle(&mut drive.operation, checkpoint, read_only);
                self.fail(drive, failure).await.map(|()| Flow::Off)
            }
            Verdict::Done(completed) => self.complete(drive, completed).await,
            Verdict::Fail(failure) => self.fail(drive, failure).await.map(|()| Flow::Off),
        }
    }

    /// Result and next intent in one transaction, if the next step may begin at once; otherwise the result alone.
    async fn go_on(&self, drive: &mut Drive) -> Result<Flow, StoreError> {
        if self.is_draining() {
            return self.wait(drive, Duration::ZERO).await;
        }
        drive.operation.intent = self.intent_at_hand(drive);
        if !faults::mutant("result_not_recorded") {
            let rows = with_spending(drive);
            self.save(drive, Hold::Keep(self.tuning.lease), rows, None).await?;
        }
        faults::pass("B15").await?;
        Ok(Flow::On)
    }

    /// Ends an operation whose next step would cost more than may be spent.
    async fn refuse_spending(&self, drive: &mut Drive, exceeded: &Exceeded) -> Result<(), StoreError> {
        drive.operation.intent = None;
        let failure = Failure {
            refusal: Some(Refusal::Quota),
            touched: drive.operation.touched,
            description: exceeded.to_string(),
            instance_usable: None,
            update_repeatable: None,
        };
        self.fail(drive, failure).await
    }

    /// The intent of the next step, if a permit for it is at hand.
    pub(super) fn intent_at_hand(&self, drive: &Drive) -> Option<Intent> {
        let permit = self.governor.take_at_hand(drive.provider.account(&drive.instance.plan));
        (permit == Permit::Granted).then(|| next_intent(drive))
    }

    pub(super) async fn wait(&self, drive: &mut Drive, after: Duration) -> Result<Flow, StoreError> {
        self.save(drive, Hold::Park(after), Rows::default(), None).await?;
        let stage = if self.is_draining() { Stage::Left } else { Stage::Parked(Instant::now() + after) };
        self.waiting.tell(&drive.operation.id, stage);
        self.wake.notify_one();
        Ok(Flow::Off)
    }

    pub(super) async fn save(
        &self,
        drive: &mut Drive,
        hold: Hold,
        rows: Rows,
        event: Option<Event>,
    ) -> Result<(), StoreError> {
        let asked = Instant::now();
        let save = Save { lease: drive.lease.clone(), operation: drive.operation.clone(), hold, rows, event };
        self.store.save(save).await?;
        drive.tenure = Tenure::since(asked, &self.tuning);
        Ok(())
    }
}

/// What the provider is asked to do at the moment: a deprovision starts with unbinding.
pub(super) fn target(operation: &Operation) -> Work {
    if operation.revoking.is_some() { Work::Unbind } else { operation.work }
}

/// The binding the step is about.
pub(super) fn bound(operation: &Operation) -> Option<&BindingId> {
    operation.binding.as_ref().or(operation.revoking.as_ref())
}

pub(super) fn checkpoint(operation: &Operation) -> Checkpoint {
    facts::read_checkpoint(&operation.checkpoint)
}

fn class_of(drive: &Drive) -> RecoveryClass {
    drive.provider.recovery(target(&drive.operation), &checkpoint(&drive.operation).step)
}

/// What the present step may cost, if it may cost something.
pub(super) fn expense(drive: &Drive) -> Option<Expense> {
    drive.provider.expense(target(&drive.operation), &drive.instance.plan, &checkpoint(&drive.operation))
}

/// What an intent reserves when it is written.
fn with_spending(drive: &Drive) -> Rows {
    let spending = || {
        drive.operation.intent.as_ref()?;
        let expense = expense(drive)?;
        let Instance { organization, space, plan, service, .. } = &drive.instance;
        // what is bought is counted, whether its provider has a budget of calls or not
        let unnamed = || AccountKey::new("offering", service.as_str());
        let account = drive.provider.account(plan).map_or_else(unnamed, |account| account.key().clone());
        let (organization, space) = (organization.clone(), space.clone());
        Some(Spending::Reserve(Box::new(Reservation { account, organization, space, expense })))
    };
    Rows { spending: spending().unwrap_or_default(), ..Rows::default() }
}

fn next_intent(drive: &Drive) -> Intent {
    facts::intent(
        drive.provider.as_ref(),
        (target(&drive.operation), &checkpoint(&drive.operation)),
        drive.operation.failures + 1,
    )
}

/// The step was answered: its outcome is known.
fn settle(operation: &mut Operation, checkpoint: Checkpoint, read_only: bool) {
    operation.checkpoint = facts::written(&checkpoint);
    operation.intent = None;
    operation.in_doubt = false;
    operation.touched |= !read_only;
    operation.turn = operation.turn.saturating_add(1);
    operation.failures = 0;
    operation.description = None;
}
