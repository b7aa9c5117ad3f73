//! Changing what we say about an instance, and asking its broker nothing.

use super::error::StepError;
use super::step::Step;

impl Step {
    /// Takes over protection and variables from the declaration.
    pub(super) async fn record_only(&self) -> Result<(), StepError> {
        match self.record() {
            Some(record) => self.land(record).await,
            None => Ok(()),
        }
    }
}
