//! One step: what its action comes down to.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::StepError;
use super::resolution::in_doubt;
use super::shared::{Company, Shared};
use crate::brokers::ConnectedBroker;
use crate::config::{Declaration, OnAmbiguous};
use crate::name::BrokerName;
use crate::plan::{self, Action, BindingWanted, Target};
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
    scope: Scope,
    /// Its position in the plan, if others wait for it.
    node: Option<u32>,
    /// Who waits until this step has said what it wants recorded first.
    company: Mutex<Vec<Company>>,
}

/// How far a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Everything that its action takes.
    Whole,
    /// To the end of what a broker has accepted, and no further.
    Conclusion,
}

impl Step {
    /// The position is given when others wait for it.
    pub(super) fn new(
        shared: Arc<Shared>,
        planned: plan::Step,
        (node, company): (Option<u32>, Vec<Company>),
    ) -> Self {
        Self { shared, planned, scope: Scope::Whole, node, company: Mutex::new(company) }
    }

    /// A step about a record that is planned by nobody: to wait for what runs, to delete what is left over.
    pub(super) fn about(shared: Arc<Shared>, record: &InstanceRecord) -> Self {
        let (planned, company) = (Self::deletion_of(record), Mutex::default());
        Self { shared, planned, scope: Scope::Conclusion, node: None, company }
    }

    /// What a plan would say of a record that is to be deleted.
    pub(super) fn deletion_of(record: &InstanceRecord) -> plan::Step {
        plan::Step {
            reference: record.reference.clone(),
            action: Action::Delete,
            replacement: None,
            target: Arc::new(Target {
                broker: record.broker.clone(),
                service: record.service.clone(),
                service_plan: record.service_plan.clone(),
                price: plan::Price::default(),
            }),
            because: Vec::new(),
            changes: Vec::new(),
            binding: BindingWanted::NotWanted,
            after: Vec::new(),
            after_retirement_of: Vec::new(),
        }
    }

    /// Whether more follows than the end of what runs.
    pub(super) fn carries_on(&self) -> bool {
        self.scope == Scope::Whole
    }

    /// A new id: random, never used before.
    pub(super) fn mint(&self) -> String {
        (self.shared.context.options.mint)().to_string()
    }

    /// What is done about requests to this broker of which nobody knows what became.
    pub(super) fn policy(&self, broker: &BrokerName) -> OnAmbiguous {
        let context = &self.shared.context;
        let configured = || context.config.brokers.get(broker).and_then(|broker| broker.on_ambiguous);
        context.options.on_ambiguous.or_else(configured).unwrap_or_default()
    }

    /// The same for a record. What may have been adopted is gone on with, or left as it is: never deleted on a guess.
    pub(super) fn policy_for(&self, record: &InstanceRecord) -> OnAmbiguous {
        match self.policy(&record.broker) {
            OnAmbiguous::Mitigate if record.adopted.is_some() => OnAmbiguous::Resume,
            policy => policy,
        }
    }

    /// Refuses to delete what its broker may have taken over: it was there before, and may be all that somebody has.
    pub(super) fn spare_what_may_be_adopted(&self, record: &InstanceRecord) -> Result<(), StepError> {
        match &record.adopted {
            Some(object) => {
                Err(StepError::Adopting { object: object.clone(), broker: record.broker.clone() })
            }
            None => Ok(()),
        }
    }

    /// The error of a step that is left as it is.
    pub(super) fn paused(&self, record: &InstanceRecord, what: &'static str) -> StepError {
        let (broker, instance) = (record.broker.clone(), record.instance_id.clone());
        StepError::Paused { what, broker, instance }
    }

    /// Refuses to go on from what nobody knows the end of, where somebody wants to look first.
    fn check_doubt(&self) -> Result<(), StepError> {
        match self.record().map(|record| (in_doubt(&record), record)) {
            Some((Some(what), record)) if self.policy(&record.broker) == OnAmbiguous::Pause => {
                Err(self.paused(&record, what))
            }
            _ => Ok(()),
        }
    }

    /// Carries it out.
    pub(super) async fn run(self) -> Result<Effect, StepError> {
        let action = self.planned.action;
        // What it is without a record, it records before it asks for anything. With one, it may ask at once: not before
        // everything is durable that it saw.
        if self.is_recorded() {
            drop(self.company());
            self.shared.catch_up().await?;
        }
        if !matches!(action, Action::Keep | Action::Record | Action::Forget | Action::Retire) {
            self.check_doubt()?;
        }
        match action {
            Action::Keep => return Box::pin(self.look_again()).await,
            Action::Create | Action::Update | Action::Replace | Action::Rebind => {
                Box::pin(self.ensure()).await?
            }
            Action::Upgrade => Box::pin(self.upgrade()).await?,
            Action::Rotate => Box::pin(self.rotate()).await?,
            Action::Record => self.record_only().await?,
            Action::Delete => Box::pin(self.delete()).await?,
            Action::Forget => Box::pin(self.forget()).await?,
            Action::Retire => return Box::pin(self.retire()).await,
        }
        Ok(Effect::Did(action))
    }

    /// Its record as it is now.
    pub(super) fn record(&self) -> Option<InstanceRecord> {
        self.shared.record(self.planned.reference.as_str())
    }

    /// Records what is recorded first.
    pub(super) async fn put_first(&self, record: &InstanceRecord, what: &str) -> Result<(), StepError> {
        self.shared.put_in_company(record, what, self.company()).await
    }

    fn company(&self) -> Vec<Company> {
        std::mem::take(&mut *self.company.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_recorded(&self) -> bool {
        self.shared.of(self.planned.reference.as_str(), |_| Some(())).is_some()
    }

    /// Records what others wait for. Where nothing is left to do but to wait until it is durable, they begin already.
    pub(super) async fn put_yield(&self, record: &InstanceRecord, what: &str) -> Result<(), StepError> {
        let lands = self.declaration()?.bind.is_empty() && record.variables.is_empty();
        match self.node.filter(|_| lands && self.planned.action == Action::Create && self.carries_on()) {
            Some(node) => self.shared.put_ahead(record, what, node).await,
            None => self.shared.put(record, what).await,
        }
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
