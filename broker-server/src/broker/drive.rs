//! Working on one operation: intent durable, one step, result durable, and so on until it ends or waits.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use sutler_spec::BindingId;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, debug, error, info, warn};

use super::{
    answer,
    calls::kind_of,
    ending::{self, Ending},
    engine::{Engine, Intended},
    error::{Failure, chain},
    facts,
    verdict::{Completed, Standing, Verdict, judge},
    waiting::Stage,
};
use crate::{
    binding::Binding,
    faults::{self, Injected},
    instance::Instance,
    metrics::Outcome,
    operation::{Intent, Lease, Operation},
    providers::{
        Attempt, Checkpoint, IdempotencyKey, Progress, Provider, ProviderError, RecoveryClass, Sent, Work,
    },
    store::{Event, Hold, Rows, Save, StoreError},
    telemetry,
};

/// An operation in our hands, with everything it is about.
struct Drive {
    lease: Lease,
    operation: Operation,
    instance: Instance,
    binding: Option<Binding>,
    provider: Arc<dyn Provider>,
    intended: Intended,
}

/// Whether the drive goes on.
enum Flow {
    On,
    Off,
}

impl Engine {
    /// Drives until the operation ends, waits, is lost, or the process drains.
    pub(super) async fn drive(&self, lease: Lease, operation: Operation, intended: Intended) {
        match self.try_drive(lease, operation, intended).await {
            Ok(()) => {}
            Err(StoreError::LeaseLost) => {
                self.metrics.operations.lease_lost();
                info!("somebody else goes on with the operation");
            }
            // the lease lapses, and the operation is taken up again from what is durable
            Err(problem) => error!(error = %chain(&problem), "the operation is interrupted"),
        }
    }

    async fn try_drive(
        &self,
        lease: Lease,
        operation: Operation,
        intended: Intended,
    ) -> Result<(), StoreError> {
        let Some(mut drive) = self.load(lease, operation, intended).await? else { return Ok(()) };
        self.waiting.tell(&drive.operation.id, Stage::Running);
        loop {
            let span = telemetry::step(&checkpoint(&drive.operation).step, drive.operation.failures + 1);
            if let Flow::Off = self.take_step(&mut drive).instrument(span).await? {
                return Ok(());
            }
        }
    }

    /// One step: intent, call, result.
    async fn take_step(&self, drive: &mut Drive) -> Result<Flow, StoreError> {
        if drive.intended == Intended::NotYet {
            if self.is_draining() {
                return self.wait(drive, Duration::ZERO).await;
            }
            self.intend(drive).await?;
        }
        let answer = self.ask(drive).await;
        faults::pass("B12").await?;
        self.conclude(drive, answer).await
    }

    /// Reads what the operation is about.
    async fn load(
        &self,
        lease: Lease,
        operation: Operation,
        intended: Intended,
    ) -> Result<Option<Drive>, StoreError> {
        let instance = self.store.instance(&operation.instance).await?;
        let binding = match operation.binding.as_ref().or(operation.revoking.as_ref()) {
            Some(id) => self.store.binding(&operation.instance, id).await?,
            None => None,
        };
        let provider = instance.as_ref().and_then(|instance| self.registry.provider(&instance.service));
        let (Some(instance), Some(provider)) = (instance, provider) else {
            // an operator who removed an offering in use can put it back: the operation waits
            warn!("the offering of the operation is not configured here");
            let save = Save {
                hold: Hold::Park(self.tuning.backoff_cap),
                event: None,
                rows: Rows::default(),
                operation,
                lease,
            };
            self.store.save(save).await?;
            return Ok(None);
        };
        Ok(Some(Drive { lease, operation, instance, binding, provider, intended }))
    }

    /// Makes the intent of the next attempt durable.
    async fn intend(&self, drive: &mut Drive) -> Result<(), StoreError> {
        drive.operation.intent = Some(next_intent(drive));
        if !faults::mutant("no_intent") {
            self.save(drive, Hold::Keep(self.tuning.lease), Rows::default(), None).await?;
        }
        drive.intended = Intended::Already;
        Ok(())
    }

    /// Asks the provider to do the step, within the lease.
    async fn ask(&self, drive: &Drive) -> Result<Progress<Completed>, ProviderError> {
        let checkpoint = checkpoint(&drive.operation);
        let attempt = if drive.operation.in_doubt { Attempt::Again } else { Attempt::First };
        debug!(?attempt, "asking the provider");
        let is_mutant = attempt == Attempt::Again && faults::mutant("new_marker_on_retry");
        let installation = if is_mutant { "another" } else { self.store.installation() };
        let marker = facts::marker(installation, &drive.instance.id, bound(&drive.operation));
        let key = (drive.operation.turn, drive.operation.doubted_for);
        let key = IdempotencyKey::new(&drive.operation.id, &checkpoint.step, key);
        let step = facts::Asked {
            instance: &drive.instance,
            checkpoint: &checkpoint,
            attempt,
            marker: &marker,
            key: &key,
        };
        let work = facts::call(
            drive.provider.as_ref(),
            target(&drive.operation),
            step,
            (drive.binding.as_ref(), drive.operation.change.as_ref()),
        );
        let work = async {
            if attempt == Attempt::Again {
                faults::pass("B21").await.map_err(Injected::in_doubt)?;
            }
            faults::pass("B08").await.map_err(Injected::unsent)?;
            work.await
        };
        let work = async {
            match timeout(self.tuning.call_deadline(), AssertUnwindSafe(work).catch_unwind()).await {
                Ok(Ok(answer)) => self.fit(drive, answer),
                Ok(Err(_panic)) => Err(unclear("The provider stopped with an internal error.")),
                Err(_elapsed) => Err(unclear("The vendor did not answer in time.")),
            }
        };
        let step = format!("{}/{}", target(&drive.operation).as_str(), checkpoint.step);
        let answer = self.observed((&drive.instance.service, &step), work, kind_of).await;
        faults::pass("B19").await.map_err(Injected::in_doubt)?;
        answer
    }

    /// What breaks the specification is not passed on: it counts as a failure of the provider.
    fn fit(
        &self,
        drive: &Drive,
        answer: Result<Progress<Completed>, ProviderError>,
    ) -> Result<Progress<Completed>, ProviderError> {
        let offering = self.registry.offering(&drive.instance.service);
        let requires = offering.map_or(&[][..], |offering| &offering.service().requires);
        answer::fit(answer, requires).map_err(|unfit| {
            for problem in &unfit.problems {
                error!(problem, "the provider's answer breaks the specification");
            }
            unfit.error
        })
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
            age: facts::age(&drive.operation.id),
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
            Verdict::Retry { after, description, in_doubt } => {
                info!(description, "the provider gave no clear answer");
                drive.operation.failures += 1;
                drive.operation.in_doubt |= in_doubt && !read_only;
                drive.operation.touched |= in_doubt && !read_only;
                drive.operation.intent = None;
                drive.operation.description = Some(description);
                self.wait(drive, after).await
            }
            Verdict::Done(completed) => self.complete(drive, completed).await,
            Verdict::Fail(failure) => self.fail(drive, failure).await.map(|()| Flow::Off),
        }
    }

    /// Result and next intent in one transaction; when draining, the result alone.
    async fn go_on(&self, drive: &mut Drive) -> Result<Flow, StoreError> {
        if self.is_draining() {
            return self.wait(drive, Duration::ZERO).await;
        }
        drive.operation.intent = Some(next_intent(drive));
        if !faults::mutant("result_not_recorded") {
            self.save(drive, Hold::Keep(self.tuning.lease), Rows::default(), None).await?;
        }
        drive.intended = Intended::Already;
        faults::pass("B15").await?;
        Ok(Flow::On)
    }

    async fn wait(&self, drive: &mut Drive, after: Duration) -> Result<Flow, StoreError> {
        self.save(drive, Hold::Park(after), Rows::default(), None).await?;
        let stage = if self.is_draining() { Stage::Left } else { Stage::Parked(Instant::now() + after) };
        self.waiting.tell(&drive.operation.id, stage);
        self.wake.notify_one();
        Ok(Flow::Off)
    }

    /// The work, or one binding of a deprovision, is done.
    async fn complete(&self, drive: &mut Drive, completed: Completed) -> Result<Flow, StoreError> {
        if let Some(revoked) = drive.operation.revoking.clone() {
            return self.revoke_next(drive, &revoked).await;
        }
        if let Completed::Binding(made) = &completed
            && faults::mutant("secret_logged")
        {
            let credentials = serde_json::to_string(&made.body).unwrap_or_default();
            info!(credentials, "bound");
        }
        let end = ending::success(
            &self.ring,
            &drive.operation,
            (&drive.instance, drive.binding.as_ref()),
            completed,
        );
        self.finish(drive, end).await?;
        self.ended(drive, Outcome::Succeeded);
        info!("succeeded");
        self.waiting.tell(&drive.operation.id, Stage::Over(Ok(())));
        Ok(Flow::Off)
    }

    /// A binding is gone; its row goes in the transaction that records the intent for the next one, or for the
    /// instance itself.
    async fn revoke_next(&self, drive: &mut Drive, revoked: &BindingId) -> Result<Flow, StoreError> {
        let bindings = self.store.bindings(&drive.instance.id).await?;
        let next = bindings.into_iter().find(|binding| binding != revoked);
        let rows = Rows { revoked: Some(revoked.clone()), ..Rows::default() };
        let event = self.event(drive, "binding.revoked", Some(revoked.clone()));
        drive.operation.touched = true;
        drive.operation.in_doubt = false;
        drive.operation.turn = drive.operation.turn.saturating_add(1);
        drive.operation.failures = 0;
        drive.operation.checkpoint = match next {
            Some(_) => facts::written(&Checkpoint::begin()),
            None => facts::first_checkpoint(drive.instance.unfinished.as_ref()),
        };
        drive.binding = match &next {
            Some(id) => self.store.binding(&drive.instance.id, id).await?,
            None => None,
        };
        drive.operation.revoking = next;
        drive.operation.intent = Some(next_intent(drive));
        self.save(drive, Hold::Keep(self.tuning.lease), rows, Some(event)).await?;
        drive.intended = Intended::Already;
        Ok(Flow::On)
    }

    async fn fail(&self, drive: &mut Drive, failure: Failure) -> Result<(), StoreError> {
        let end = ending::failure(&drive.operation, (&drive.instance, drive.binding.as_ref()), &failure);
        self.finish(drive, end).await?;
        self.ended(drive, Outcome::Failed);
        info!(description = failure.description, "failed");
        let Operation { touched, instance_usable, update_repeatable, .. } = drive.operation;
        let failure = Failure { touched, instance_usable, update_repeatable, ..failure };
        self.waiting.tell(&drive.operation.id, Stage::Over(Err(Box::new(failure))));
        Ok(())
    }

    async fn finish(&self, drive: &mut Drive, end: Ending) -> Result<(), StoreError> {
        faults::pass("B16").await?;
        let event = self.event(drive, end.event, drive.operation.binding.clone());
        drive.operation = end.operation;
        self.save(drive, Hold::End, end.rows, Some(event)).await
    }

    async fn save(
        &self,
        drive: &Drive,
        hold: Hold,
        rows: Rows,
        event: Option<Event>,
    ) -> Result<(), StoreError> {
        let save = Save { lease: drive.lease.clone(), operation: drive.operation.clone(), hold, rows, event };
        self.store.save(save).await
    }

    fn ended(&self, drive: &Drive, outcome: Outcome) {
        self.metrics.operations.ended(drive.operation.work, outcome, facts::age(&drive.operation.id));
    }

    fn event(&self, drive: &Drive, kind: &'static str, binding: Option<BindingId>) -> Event {
        Event {
            kind,
            instance: drive.instance.id.clone(),
            binding,
            operation: Some(drive.operation.id.clone()),
            actor: drive.operation.actor.clone(),
            detail: None,
        }
    }
}

/// What the provider is asked to do at the moment: a deprovision starts with unbinding.
fn target(operation: &Operation) -> Work {
    if operation.revoking.is_some() { Work::Unbind } else { operation.work }
}

/// The binding the step is about.
fn bound(operation: &Operation) -> Option<&BindingId> {
    operation.binding.as_ref().or(operation.revoking.as_ref())
}

fn checkpoint(operation: &Operation) -> Checkpoint {
    facts::read_checkpoint(&operation.checkpoint)
}

fn class_of(drive: &Drive) -> RecoveryClass {
    drive.provider.recovery(target(&drive.operation), &checkpoint(&drive.operation).step)
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

fn unclear(description: &str) -> ProviderError {
    ProviderError::Unavailable { description: description.to_owned(), retry_after: None, sent: Sent::Perhaps }
}
