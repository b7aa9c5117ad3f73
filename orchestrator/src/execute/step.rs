//! One step: what its action comes down to.

use std::sync::Arc;

use super::error::StepError;
use super::shared::Shared;
use crate::brokers::ConnectedBroker;
use crate::config::Declaration;
use crate::plan::{self, Action};
use crate::state::record::InstanceRecord;
use sutler_spec::{ServiceOffering, ServicePlan};

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Everything was as it should be.
    Kept,
    /// Something changed.
    Did(Action),
}

/// One step, and what it shares with all others.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) shared: Arc<Shared>,
    pub(super) planned: plan::Step,
}

impl Step {
    pub(super) fn new(shared: Arc<Shared>, planned: plan::Step) -> Self {
        Self { shared, planned }
    }

    /// Carries it out.
    pub(super) async fn run(self) -> Result<Effect, StepError> {
        let action = self.planned.action;
        match action {
            Action::Keep => return self.look_again().await,
            Action::Create | Action::Update | Action::Replace | Action::Rebind => self.ensure().await?,
            Action::Record => self.record_only().await?,
            Action::Delete => self.delete().await?,
            Action::Forget => self.forget().await?,
        }
        Ok(Effect::Did(action))
    }

    /// Its record as it is now.
    pub(super) fn record(&self) -> Option<InstanceRecord> {
        self.shared.record(self.planned.reference.as_str())
    }

    /// Its declaration.
    pub(super) fn declaration(&self) -> Result<&Declaration, StepError> {
        self.shared.context.config.instances.get(&self.planned.reference).ok_or(StepError::Undeclared)
    }

    /// The broker that a record lives at.
    pub(super) fn broker(&self, record: &InstanceRecord) -> Result<&ConnectedBroker, StepError> {
        let broker = self.shared.context.brokers.get(&record.broker);
        broker.ok_or_else(|| StepError::UnknownBroker(record.broker.clone()))
    }

    /// What the catalog says of a record's plan, if it still says anything.
    pub(super) fn offered(
        &self,
        record: &InstanceRecord,
    ) -> Result<Option<(&ServiceOffering, &ServicePlan)>, StepError> {
        Ok(self.broker(record)?.index.offering_and_plan(&record.service_plan.id))
    }
}
