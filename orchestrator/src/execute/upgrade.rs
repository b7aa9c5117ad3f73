//! Taking an instance to the maintenance version that its plan offers now, and changing nothing else about it.

use super::error::StepError;
use super::step::Step;
use crate::state::record::Asked;

impl Step {
    /// Upgrades it, or finishes the change that an earlier run began.
    pub(super) async fn upgrade(&self) -> Result<(), StepError> {
        let Some(record) = self.record() else { return Ok(()) };
        let mut record = Box::pin(self.resume(record)).await?;
        let offered = self.offered(&record)?.and_then(|(_, plan)| plan.maintenance_version());
        let offered = offered.map(str::to_owned);
        if offered.is_some() && record.asked.maintenance_version != offered {
            let asked = Asked { maintenance_version: offered, ..record.asked.clone() };
            record = Box::pin(self.change(record, asked)).await?;
        }
        self.land(record).await
    }
}
