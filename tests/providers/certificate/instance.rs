//! An instance without an engine.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sutler_broker_server::operation::OperationId;
use sutler_broker_server::providers::acme::Certificate;
use sutler_broker_server::providers::{
    Attempt, BindingFacts, Change, Checkpoint, CreatedBinding, IdempotencyKey, InstanceFacts, Marker,
    Observation, Progress, Provider, ProviderError, ProvisionedInstance, Step,
};
use sutler_spec::{BindingId, InstanceId, Parameters};

use super::place::ZONE;

/// An instance without an engine: steps are asked for by hand.
pub(crate) struct Instance {
    pub(crate) provider: Certificate,
    pub(crate) facts: InstanceFacts,
    marker: Marker,
}

impl Instance {
    pub(crate) fn of(provider: Certificate, parameters: Value) -> Self {
        let id = InstanceId::new("instance").unwrap();
        let marker = Marker::for_instance("installation", &id);
        let offered = provider.offering();
        let facts = InstanceFacts {
            id,
            service_id: offered.id().clone(),
            plan_id: offered.plans()[0].id().clone(),
            name: None,
            parameters: parameters_of(parameters),
            record: None,
        };
        Self { provider, facts, marker }
    }

    pub(crate) async fn step(
        &self,
        checkpoint: &Checkpoint,
        change: Option<&Change>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let key = IdempotencyKey::new(&OperationId::new(), &checkpoint.step, (0, Duration::ZERO));
        let step = Step {
            instance: &self.facts,
            checkpoint,
            attempt: Attempt::First,
            marker: &self.marker,
            key: &key,
        };
        match change {
            Some(change) => self.provider.update(step, change).await,
            None => self.provider.provision(step).await,
        }
    }

    /// All steps of a creation or change, until one of them ends it.
    async fn work(&mut self, change: Option<&Change>) -> Result<Map<String, Value>, ProviderError> {
        let mut checkpoint = Checkpoint::begin();
        loop {
            match self.step(&checkpoint, change).await? {
                Progress::Next(next) => checkpoint = next,
                Progress::Pending { checkpoint: next, after, .. } => {
                    tokio::time::sleep(after).await;
                    checkpoint = next;
                }
                Progress::Done(made) => {
                    self.facts.record = Some(made.record);
                    return Ok(made.attributes);
                }
            }
        }
    }

    pub(crate) async fn provision(&mut self) -> Result<Map<String, Value>, ProviderError> {
        self.work(None).await
    }

    pub(crate) async fn update(&mut self, parameters: Value) -> Result<Map<String, Value>, ProviderError> {
        let change = Change {
            plan_id: self.facts.plan_id.clone(),
            parameters: parameters_of(parameters),
            named: Vec::new(),
        };
        self.work(Some(&change)).await
    }

    pub(crate) async fn bind(&self) -> CreatedBinding {
        let binding = BindingFacts {
            id: BindingId::new("binding").unwrap(),
            parameters: Parameters::default(),
            application: None,
            record: None,
        };
        let (checkpoint, key) = (Checkpoint::begin(), self.key());
        let step = Step {
            instance: &self.facts,
            checkpoint: &checkpoint,
            attempt: Attempt::First,
            marker: &self.marker,
            key: &key,
        };
        match self.provider.bind(step, &binding).await.unwrap() {
            Progress::Done(made) => made,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn deprovision(&self) -> Result<(), ProviderError> {
        let mut checkpoint = Checkpoint::begin();
        loop {
            let key = self.key();
            let step = Step {
                instance: &self.facts,
                checkpoint: &checkpoint,
                attempt: Attempt::First,
                marker: &self.marker,
                key: &key,
            };
            match self.provider.deprovision(step).await? {
                Progress::Next(next) => checkpoint = next,
                Progress::Done(()) => return Ok(()),
                Progress::Pending { .. } => panic!("nothing is waited for"),
            }
        }
    }

    pub(crate) async fn drift(&self) -> Option<Value> {
        match self.provider.fetch(&self.facts, &self.marker).await.unwrap() {
            Observation::Found { drift, .. } => drift.first().map(|field| field.found.clone()),
            Observation::Gone => panic!("a certificate is never gone"),
        }
    }

    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(&OperationId::new(), "begin", (0, Duration::ZERO))
    }
}

pub(crate) fn parameters_of(value: Value) -> Parameters {
    Parameters::new(value.as_object().unwrap().clone())
}

pub(crate) fn both_names() -> Value {
    json!({ "names": [ZONE, format!("*.{ZONE}")] })
}
