//! Removing a binding, until the broker says that it is gone.

use sutler_broker_client::{Call, Work};
use sutler_spec::{Asynchrony, BindingId, Operation, UnbindQuery, Unbound};

use super::bind::binding_on;
use super::call::{Persistence, Sent};
use super::error::StepError;
use super::rotate::fall_back;
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::faults;
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingEvent, BindingStatus};

impl Step {
    /// Removes the record's binding and what it yielded. One that it was to take the place of is in force again. Asking again while it is being removed is harmless.
    pub(super) async fn unbind(
        &self,
        record: &mut InstanceRecord,
        persistence: Persistence,
    ) -> Result<(), StepError> {
        let Some(binding) = &record.binding else { return Ok(()) };
        let (id, status) = (binding.binding_id.clone(), binding.status.clone());
        let forgotten = faults::mutant("unbinding_forgotten") && status == BindingStatus::DeletionIntended;
        let gone = match status {
            BindingStatus::Unbinding { operation } => {
                self.await_unbinding(record, (&id, operation), Accepted::Earlier).await?
            }
            BindingStatus::DeletionIntended => forgotten,
            _ => {
                binding_on(record, BindingEvent::DeletionAsked)?;
                self.shared.put(record, "unbinding intended").await?;
                false
            }
        };
        if !gone {
            faults::pass("O16-unbinding").await;
            faults::race("O16-unbind", Box::pin(self.ask_to_unbind(record, &id, persistence))).await?;
        }
        fall_back(record);
        let what = match record.binding {
            Some(_) => "unbound; the one before it stays in force",
            None => "unbound",
        };
        self.shared.put(record, what).await
    }

    async fn ask_to_unbind(
        &self,
        record: &mut InstanceRecord,
        id: &BindingId,
        persistence: Persistence,
    ) -> Result<(), StepError> {
        let broker = self.broker(record)?;
        let query =
            UnbindQuery { service_id: record.service.id.clone(), plan_id: record.service_plan.id.clone() };
        let call = || broker.client.unbind(&record.instance_id, id, &query, Asynchrony::Allowed);
        let Sent { answer, .. } = self.send(broker, (Call::Unbind, persistence), call).await?;
        match answer {
            Ok(Unbound::Deleted | Unbound::Gone) => Ok(()),
            Ok(Unbound::Accepted(accepted)) => {
                let told = (id, accepted.operation);
                match self.await_unbinding(record, told, Accepted::Now).await? {
                    true => Ok(()),
                    false => Err(StepError::Lost),
                }
            }
            Err(error) if error.is_authentic_absence() => Ok(()),
            Err(error) => {
                let (call, broker) = (Call::Unbind, record.broker.clone());
                Err(StepError::Call { call, broker, source: Box::new(error) })
            }
        }
    }

    /// Waits for an unbinding that was accepted; whether it is gone. If not, it is to be asked for again.
    pub(super) async fn await_unbinding(
        &self,
        record: &mut InstanceRecord,
        (id, operation): (&BindingId, Option<Operation>),
        accepted: Accepted,
    ) -> Result<bool, StepError> {
        let before = record.binding.clone();
        binding_on(record, BindingEvent::Accepted(operation.clone()))?;
        if record.binding != before {
            self.shared.put(record, "unbinding accepted").await?;
        }
        let work = Work::Unbind(&record.instance_id, id);
        let plan = &record.service_plan.id;
        match (self.settle(record, work, (operation, plan), accepted).await?, accepted) {
            (Settled::Done, _) => Ok(true),
            (Settled::Unknown, _) => Ok(false),
            (settled, accepted) => {
                let failed = matches!(settled, Settled::Failed(_));
                let error = self.unsettled(record, Call::Unbind, settled);
                binding_on(record, BindingEvent::Failed)?;
                self.shared.put(record, &format!("unbinding failed: {}", error.line())).await?;
                if failed && accepted == Accepted::Earlier { Ok(false) } else { Err(error) }
            }
        }
    }
}
