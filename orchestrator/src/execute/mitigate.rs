//! Orphan mitigation: what may exist and was never ready is deleted before anything else (P-ORP-02).

use sutler_broker_client::{Call, Work};
use sutler_spec::{Asynchrony, DeprovisionQuery, Deprovisioned, Operation};

use super::call::{Persistence, Sent};
use super::create::step_on;
use super::error::StepError;
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::faults;
use crate::state::record::InstanceRecord;
use crate::state::status::{Event, Status};

impl Step {
    /// Deletes what a doubtful record may have left, and then the record.
    pub(super) async fn mitigate(
        &self,
        record: &InstanceRecord,
        persistence: Persistence,
    ) -> Result<(), StepError> {
        self.spare_what_may_be_adopted(record)?;
        self.tell_waiting("deleting what may be left of it".to_owned(), std::time::Duration::ZERO);
        let mut record = record.clone();
        faults::pass("O15-before").await;
        if !faults::mutant("mitigation_skipped") {
            self.settle_bindings(&mut record).await?;
            while record.binding.is_some() {
                self.unbind(&mut record, persistence).await?;
            }
            faults::race("O15-sent", Box::pin(self.deprovision(&mut record, persistence))).await?;
        }
        faults::pass("O15-after").await;
        self.drop_record(record, "orphan deleted").await
    }

    /// Asks the broker to delete it until it is gone. Asking again while it is being deleted is harmless.
    pub(super) async fn deprovision(
        &self,
        record: &mut InstanceRecord,
        persistence: Persistence,
    ) -> Result<(), StepError> {
        if let Status::Deprovisioning { operation } = &record.status {
            let operation = operation.clone();
            match self.await_deletion(record, operation, Accepted::Earlier).await {
                Ok(Settled::Done) => return Ok(()),
                Ok(_) | Err(StepError::Operation { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let broker = self.broker(record)?;
        let query = DeprovisionQuery {
            service_id: record.service.id.clone(),
            plan_id: record.service_plan.id.clone(),
        };
        let call = || broker.client.deprovision(&record.instance_id, &query, Asynchrony::Allowed);
        let sent = Box::pin(self.send(broker, (Call::Deprovision, persistence), call));
        let Sent { answer, .. } = faults::race("O16-sent", sent).await?;
        match answer {
            Ok(Deprovisioned::Deleted | Deprovisioned::Gone) => Ok(()),
            Ok(Deprovisioned::Accepted(accepted)) => {
                faults::pass("O16-accepted").await;
                match self.await_deletion(record, accepted.operation, Accepted::Now).await? {
                    Settled::Done => Ok(()),
                    settled => Err(self.unsettled(record, Call::Deprovision, settled)),
                }
            }
            Err(error) if error.is_authentic_absence() => Ok(()),
            Err(error) => {
                let (call, broker) = (Call::Deprovision, record.broker.clone());
                Err(StepError::Call { call, broker, source: Box::new(error) })
            }
        }
    }

    /// Waits for a deletion. What ended without success is to be asked for again.
    async fn await_deletion(
        &self,
        record: &mut InstanceRecord,
        operation: Option<Operation>,
        accepted: Accepted,
    ) -> Result<Settled, StepError> {
        // A doubtful record stays so until nothing is left; the next run asks again from the start.
        if matches!(record.status, Status::DeletionIntended | Status::Deprovisioning { .. }) {
            let before = record.status.clone();
            step_on(record, Event::Accepted(operation.clone()))?;
            if record.status != before {
                self.shared.put(record, "deletion accepted").await?;
            }
        }
        let work = Work::Deprovision(&record.instance_id);
        let settled = self.settle(record, work, (operation, &record.service_plan.id), accepted).await?;
        if matches!(settled, Settled::Done | Settled::Unknown) {
            return Ok(settled);
        }
        let error = self.unsettled(record, Call::Deprovision, settled);
        if matches!(record.status, Status::Deprovisioning { .. }) {
            step_on(record, Event::Failed)?;
            self.shared.put(record, &format!("deletion failed: {}", error.line())).await?;
        }
        Err(error)
    }
}
