//! Bringing an instance to what is declared, from wherever an earlier run left it.

use super::create::step_on;
use super::error::StepError;
use super::generation::Earlier;
use super::progress::Progress;
use super::resolution::{Asked, Resolution, resolution};
use super::step::{Effect, Step};
use super::wait::Accepted;
use crate::config::Replacement;
use crate::faults;
use crate::plan::Action;
use crate::state::record::InstanceRecord;
use crate::state::status::{Event, Status};

impl Step {
    /// Creates, changes or replaces it, binds it, and writes its variables: whatever is missing.
    pub(super) async fn ensure(&self) -> Result<(), StepError> {
        let began_bound = self.is_bound();
        let record = match self.record() {
            None => Box::pin(self.create(Earlier::Nothing)).await?,
            Some(record) => {
                let record = Box::pin(self.resume(record)).await?;
                Box::pin(self.reshape(record)).await?
            }
        };
        let record = Box::pin(self.bind_as_wanted(record, began_bound)).await?;
        self.land(record).await
    }

    /// A kept instance some of whose inputs may have changed: changed in place if they have.
    pub(super) async fn look_again(&self) -> Result<Effect, StepError> {
        let Some(record) = self.record() else { return Ok(Effect::Kept) };
        if self.wanted(Some(&record))? == record.asked.inputs {
            return Ok(Effect::Kept);
        }
        let action = if self.is_to_follow_as_another(&record)? { Action::Replace } else { Action::Update };
        self.shared.tell(Progress::Started { reference: self.planned.reference.clone(), action });
        let record = Box::pin(self.reshape(record)).await?;
        let record = Box::pin(self.bind_as_wanted(record, false)).await?;
        self.land(record).await?;
        Ok(Effect::Did(action))
    }

    /// Finishes what an earlier run began; the record is ready afterwards.
    pub(super) async fn resume(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        let asked = match matches!(record.status, Status::Intended | Status::Provisioning { .. }) {
            true if !self.is_as_wanted(&record)? => Asked::Otherwise,
            _ => Asked::Alike,
        };
        if faults::mutant("new_id_on_resume") && record.status == Status::Intended {
            return Box::pin(self.create(Earlier::Gone(Box::new(record)))).await;
        }
        match resolution(&record.status, asked, self.policy_for(&record)) {
            Resolution::Nothing => Ok(record),
            Resolution::AskAndRepeat => Box::pin(self.ask_and_provision(record)).await,
            Resolution::Await => Box::pin(self.await_creation(record, Accepted::Earlier)).await,
            Resolution::Replace => {
                self.spare_what_may_be_adopted(&record)?;
                if record.status != Status::Doubtful {
                    step_on(&mut record, Event::Failed)?;
                    self.shared.put(&record, "to be made anew; what may be there is deleted first").await?;
                }
                Box::pin(self.replace_doubtful(record)).await
            }
            Resolution::RepeatChange if faults::mutant("change_forgotten") => {
                Box::pin(self.changed(record, None)).await
            }
            Resolution::RepeatChange => Box::pin(self.send_change(record)).await,
            Resolution::AwaitChange => Box::pin(self.await_change(record, Accepted::Earlier)).await,
            Resolution::FinishDeletion => {
                let record = Box::pin(self.dissolve(record)).await?;
                Box::pin(self.create(Earlier::Gone(Box::new(record)))).await
            }
        }
    }

    /// Whether it is to be at another broker, or of another service, than it was begun as.
    pub(super) fn is_elsewhere(&self, record: &InstanceRecord) -> bool {
        let target = &self.planned.target;
        record.broker != target.broker || record.service.id != target.service.id
    }

    /// Changes or replaces a ready instance that is not what is declared.
    pub(super) async fn reshape(&self, record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        let repairs = self.planned.action == Action::Update && self.can_repair(&record)?;
        if self.is_as_wanted(&record)? && !repairs {
            return Ok(record);
        }
        if self.planned.action == Action::Replace
            || self.is_elsewhere(&record)
            || self.is_to_follow_as_another(&record)?
        {
            if self.planned.replacement != Some(Replacement::DeleteFirst) {
                return Box::pin(self.create(Earlier::InForce(Box::new(record)))).await;
            }
            let record = Box::pin(self.dissolve(record)).await?;
            return Box::pin(self.create(Earlier::Gone(Box::new(record)))).await;
        }
        Box::pin(self.update(record)).await
    }

    /// Whether what it uses has changed so that only another instance can follow, as the plan said might be.
    fn is_to_follow_as_another(&self, record: &InstanceRecord) -> Result<bool, StepError> {
        if self.planned.replacement.is_none() || self.planned.action == Action::Replace {
            return Ok(false);
        }
        let asked = self.request(Some(record))?.asked;
        self.is_beyond_update(record, &asked)
    }

    /// Whether a record is of what is declared.
    pub(super) fn is_as_wanted(&self, record: &InstanceRecord) -> Result<bool, StepError> {
        Ok(record.broker == self.planned.target.broker && self.wanted(Some(record))? == record.asked.inputs)
    }
}
