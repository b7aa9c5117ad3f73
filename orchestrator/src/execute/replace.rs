//! Bringing an instance to what is declared, from wherever an earlier run left it.

use super::call::{Doubt, Persistence};
use super::create::step_on;
use super::error::StepError;
use super::progress::Progress;
use super::step::{Effect, Step};
use super::wait::Accepted;
use crate::plan::Action;
use crate::state::record::InstanceRecord;
use crate::state::status::{Event, Status};

impl Step {
    /// Creates, changes or replaces it, binds it, and writes its variables: whatever is missing.
    pub(super) async fn ensure(&self) -> Result<(), StepError> {
        let began_bound = self.is_bound();
        let record = match self.record() {
            None => self.create(None).await?,
            Some(record) => {
                let record = self.resume(record).await?;
                self.reshape(record).await?
            }
        };
        let record = self.bind_as_wanted(record, began_bound).await?;
        self.land(record).await
    }

    /// A kept instance some of whose inputs may have changed: changed in place if they have.
    pub(super) async fn look_again(&self) -> Result<Effect, StepError> {
        let Some(record) = self.record() else { return Ok(Effect::Kept) };
        if self.wanted(Some(&record))? == record.asked.inputs {
            return Ok(Effect::Kept);
        }
        let (reference, action) = (self.planned.reference.clone(), Action::Update);
        self.shared.tell(Progress::Started { reference, action });
        let record = self.update(record).await?;
        self.land(record).await?;
        Ok(Effect::Did(action))
    }

    /// Finishes what an earlier run began; the record is ready afterwards.
    async fn resume(&self, record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        match record.status {
            Status::Ready => Ok(record),
            Status::Intended if self.is_as_wanted(&record)? => self.provision(record, Doubt::Some).await,
            // What it was to be is not wanted any more, and whether it exists is unknown: away with it.
            Status::Intended | Status::Doubtful => {
                self.mitigate(&record, Persistence::Usual).await?;
                self.create(Some(record)).await
            }
            Status::Provisioning { .. } if self.is_as_wanted(&record)? => {
                self.await_creation(record, Accepted::Earlier).await
            }
            Status::Provisioning { .. } => {
                let mut record = record;
                step_on(&mut record, Event::Failed)?;
                self.shared.put(&record, "not wanted any more before it was ready").await?;
                self.mitigate(&record, Persistence::Usual).await?;
                self.create(Some(record)).await
            }
            Status::ChangeIntended => self.send_change(record).await,
            Status::Updating { .. } => self.await_change(record, Accepted::Earlier).await,
            Status::DeletionIntended | Status::Deprovisioning { .. } => {
                let record = self.dissolve(record).await?;
                self.create(Some(record)).await
            }
        }
    }

    /// Changes or replaces a ready instance that is not what is declared.
    async fn reshape(&self, record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        if self.is_as_wanted(&record)? {
            return Ok(record);
        }
        let elsewhere = record.broker != self.planned.target.broker
            || record.service.id != self.planned.target.service.id;
        if self.planned.action == Action::Replace || elsewhere {
            let record = self.dissolve(record).await?;
            return self.create(Some(record)).await;
        }
        self.update(record).await
    }

    fn is_as_wanted(&self, record: &InstanceRecord) -> Result<bool, StepError> {
        Ok(record.broker == self.planned.target.broker && self.wanted(Some(record))? == record.asked.inputs)
    }
}
