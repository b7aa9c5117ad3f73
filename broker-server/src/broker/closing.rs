//! The end of an operation, or of one binding on the way to it.

use sutler_spec::BindingId;
use tracing::info;

use super::{
    drive::{Drive, Flow, expense},
    ending::{self, Ending},
    engine::Engine,
    error::Failure,
    facts,
    verdict::{Completed, overdue},
    waiting::Stage,
};
use crate::{
    expense::Spending,
    faults,
    metrics::Outcome,
    operation::Operation,
    store::{Event, Hold, Rows, StoreError},
};

impl Engine {
    /// The work, or one binding of a deprovision, is done.
    pub(super) async fn complete(&self, drive: &mut Drive, completed: Completed) -> Result<Flow, StoreError> {
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
        let made = end.made();
        self.finish(drive, end).await?;
        self.ended(drive, Outcome::Succeeded);
        info!("succeeded");
        self.waiting.tell(&drive.operation.id, Stage::Over(Ok(made)));
        Ok(Flow::Off)
    }

    /// A binding is gone; its row goes in the transaction that records the intent for the next one, or for the
    /// instance itself.
    async fn revoke_next(&self, drive: &mut Drive, revoked: &BindingId) -> Result<Flow, StoreError> {
        let bindings = self.store.bindings(&drive.instance.id).await?;
        let next = bindings.into_iter().find(|binding| binding != revoked);
        let rows = Rows { revoked: Some(revoked.clone()), ..Rows::default() };
        let event = self.event(drive, "binding.revoked", Some(revoked.clone()));
        drive.binding = match &next {
            Some(id) => self.store.binding(&drive.instance.id, id).await?,
            None => None,
        };
        drive.operation.touched = true;
        drive.operation.in_doubt = false;
        drive.operation.turn = drive.operation.turn.saturating_add(1);
        drive.operation.failures = 0;
        drive.operation.checkpoint = match next {
            Some(_) => {
                let known = drive.binding.as_ref().and_then(|binding| binding.unfinished.as_ref());
                facts::first_checkpoint(known)
            }
            None => facts::first_checkpoint(drive.instance.unfinished.as_ref()),
        };
        drive.operation.revoking = next;
        let is_overdue = self.is_overdue(drive);
        drive.operation.intent = if is_overdue { None } else { self.intent_at_hand(drive) };
        self.save(drive, Hold::Keep(self.tuning.lease), rows, Some(event)).await?;
        if is_overdue {
            let failure = overdue("some bindings are revoked");
            return self.fail(drive, Failure { touched: true, ..failure }).await.map(|()| Flow::Off);
        }
        Ok(Flow::On)
    }

    pub(super) async fn fail(&self, drive: &mut Drive, failure: Failure) -> Result<(), StoreError> {
        let mut end = ending::failure(&drive.operation, (&drive.instance, drive.binding.as_ref()), &failure);
        // what was never begun at the vendor cost nothing
        if !end.operation.touched
            && let Some(expense) = expense(drive)
        {
            end.rows.spending = Spending::GiveBack(expense.purchase);
        }
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

    fn ended(&self, drive: &Drive, outcome: Outcome) {
        self.metrics.operations.ended(drive.operation.work, outcome, drive.age());
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
