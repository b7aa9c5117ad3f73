//! Removing a binding, until the broker says that it is gone.

use sutler_broker_client::{Call, Work};
use sutler_spec::{Asynchrony, UnbindQuery, Unbound};

use super::bind::binding_on;
use super::call::{Persistence, Sent};
use super::error::StepError;
use super::outputs::drop_credentials;
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingEvent, BindingStatus};

impl Step {
    /// Removes the record's binding and what it yielded. Asking again while it is being removed is harmless.
    pub(super) async fn unbind(&self, record: &mut InstanceRecord) -> Result<(), StepError> {
        let Some(binding) = &record.binding else { return Ok(()) };
        let id = binding.binding_id.clone();
        if binding.status != BindingStatus::DeletionIntended {
            binding_on(record, BindingEvent::DeletionAsked)?;
            self.shared.put(record, "unbinding intended").await?;
        }
        let broker = self.broker(record)?;
        let query =
            UnbindQuery { service_id: record.service.id.clone(), plan_id: record.service_plan.id.clone() };
        let call = || broker.client.unbind(&record.instance_id, &id, &query, Asynchrony::Allowed);
        let Sent { answer, .. } = self.send(broker, Persistence::Usual, call).await?;
        match answer {
            Ok(Unbound::Deleted | Unbound::Gone) => {}
            Ok(Unbound::Accepted(accepted)) => {
                let operation = accepted.operation;
                binding_on(record, BindingEvent::Accepted(operation.clone()))?;
                self.shared.put(record, "unbinding accepted").await?;
                let work = Work::Unbind(&record.instance_id, &id);
                let plan = &record.service_plan.id;
                match self.settle(record, work, (operation, plan), Accepted::Now).await? {
                    Settled::Done => {}
                    settled => {
                        let error = self.unsettled(record, Call::Unbind, settled);
                        binding_on(record, BindingEvent::Failed)?;
                        self.shared.put(record, &format!("unbinding failed: {}", error.line())).await?;
                        return Err(error);
                    }
                }
            }
            Err(error) if error.is_authentic_absence() => {}
            Err(error) => {
                let (call, broker) = (Call::Unbind, record.broker.clone());
                return Err(StepError::Call { call, broker, source: Box::new(error) });
            }
        }
        drop_credentials(record);
        record.binding = None;
        self.shared.put(record, "unbound").await
    }
}
