//! Deleting an instance: its binding first, then itself, then its variables, then its record.

use super::call::Persistence;
use super::create::step_on;
use super::error::StepError;
use super::generation::Grace;
use super::step::Step;
use crate::faults;
use crate::state::record::InstanceRecord;
use crate::state::status::{Event, Status};

impl Step {
    /// Deletes it, from wherever an earlier run left it.
    pub(super) async fn delete(&self) -> Result<(), StepError> {
        let Some(record) = self.record() else { return Ok(()) };
        if faults::mutant("record_dropped_early") {
            self.shared.remove(&record.reference, "deleted").await?;
        }
        let mut record = record;
        self.delete_earlier(&mut record, Grace::Over).await?;
        let mut record = self.dissolve(record).await?;
        self.remove_variables(&record).await?;
        record.variables.clear();
        faults::pass("O17-before").await;
        self.drop_record(record, "deleted").await?;
        faults::pass("O17-after").await;
        Ok(())
    }

    /// Drops its record, and leaves what it stands for. What that has taken the place of is nobody's: it is deleted.
    pub(super) async fn forget(&self) -> Result<(), StepError> {
        if let Some(mut record) = self.record() {
            self.delete_earlier(&mut record, Grace::Over).await?;
        }
        self.shared.remove(&self.planned.reference, "forgotten; whatever exists stays").await
    }

    /// Unbinds and deprovisions. The record stays: whoever called still has to finish with it.
    pub(super) async fn dissolve(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        self.spare_what_may_be_adopted(&record)?;
        self.settle_bindings(&mut record).await?;
        while record.binding.is_some() {
            self.unbind(&mut record, Persistence::Usual).await?;
        }
        let begun = matches!(record.status, Status::DeletionIntended | Status::Deprovisioning { .. });
        if begun && faults::mutant("deletion_forgotten") {
            return Ok(record);
        }
        if !begun {
            step_on(&mut record, Event::DeletionAsked)?;
        }
        if self.record().as_ref() != Some(&record) && !faults::mutant("record_dropped_early") {
            self.shared.put(&record, "deletion intended").await?;
        }
        faults::pass("O16-intent").await;
        self.deprovision(&mut record, Persistence::Usual).await?;
        Ok(record)
    }
}
