//! One instance of a service, driven step by step as the engine would, for what no whole life shows.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sutler_broker_server::operation::OperationId;
use sutler_broker_server::providers::{
    Attempt, BEGIN, BindingFacts, Change, Checkpoint, CreatedBinding, IdempotencyKey, InstanceFacts, Marker,
    Observation, Progress, Provider, ProviderError, ProvisionedInstance, Sent, Step,
};
use sutler_spec::{BindingId, InstanceId, Parameters, PlanId, ServiceId};

/// More steps than any work has.
const STEPS: u32 = 100;

pub(crate) struct Instance {
    provider: Arc<dyn Provider>,
    pub(crate) facts: InstanceFacts,
    pub(crate) marker: Marker,
    /// How long ago a step in doubt was first tried.
    pub(crate) age: Duration,
}

impl Instance {
    /// An instance of the plan of that name.
    pub(crate) fn new(provider: Arc<dyn Provider>, plan: &str, wanted: Value) -> Self {
        let id = InstanceId::new("instance").unwrap();
        let offering = provider.offering();
        let plan = offering.plans().iter().find(|found| found.name() == plan).unwrap().id().clone();
        let facts = InstanceFacts {
            id: id.clone(),
            service_id: ServiceId::new("service").unwrap(),
            plan_id: PlanId::new(plan.as_str()).unwrap(),
            name: Some("shop".to_owned()),
            parameters: parameters(wanted),
            record: None,
        };
        let marker = Marker::for_instance("installation", &id);
        Self { provider, facts, marker, age: Duration::ZERO }
    }

    pub(crate) async fn provision(&mut self) -> Result<ProvisionedInstance, ProviderError> {
        let made = self.drive(async |step| self.provider.provision(step).await).await?;
        self.facts.record = Some(made.record.clone());
        Ok(made)
    }

    pub(crate) async fn update(&mut self, wanted: Value) -> Result<ProvisionedInstance, ProviderError> {
        let change = Change {
            plan_id: self.facts.plan_id.clone(),
            parameters: parameters(wanted.clone()),
            named: Vec::new(),
        };
        let made = self.drive(async |step| self.provider.update(step, &change).await).await?;
        self.facts.record = Some(made.record.clone());
        self.facts.parameters = parameters(wanted);
        Ok(made)
    }

    pub(crate) async fn deprovision(&self) -> Result<(), ProviderError> {
        self.drive(async |step| self.provider.deprovision(step).await).await
    }

    pub(crate) async fn bind(&self) -> Result<CreatedBinding, ProviderError> {
        let binding = BindingFacts {
            id: BindingId::new("binding").unwrap(),
            parameters: Parameters::default(),
            application: None,
            record: None,
        };
        self.drive(async |step| self.provider.bind(step, &binding).await).await
    }

    pub(crate) async fn fetch(&self) -> Result<Observation, ProviderError> {
        self.provider.fetch(&self.facts, &self.marker).await
    }

    /// Asks for one step after the other. What is in doubt is asked for again; what has to wait is waited for.
    async fn drive<T>(
        &self,
        ask: impl AsyncFn(Step<'_>) -> Result<Progress<T>, ProviderError>,
    ) -> Result<T, ProviderError> {
        let operation = OperationId::from("operation");
        let (mut checkpoint, mut attempt, mut turn) = (Checkpoint::at(BEGIN, Value::Null), Attempt::First, 0);
        for _ in 0..STEPS {
            let age = if attempt == Attempt::Again { self.age } else { Duration::ZERO };
            let key = IdempotencyKey::new(&operation, &checkpoint.step, (turn, age));
            let step = Step {
                instance: &self.facts,
                checkpoint: &checkpoint,
                attempt,
                marker: &self.marker,
                key: &key,
            };
            match ask(step).await {
                Ok(Progress::Done(done)) => return Ok(done),
                Ok(Progress::Next(next)) => (checkpoint, attempt, turn) = (next, Attempt::First, turn + 1),
                Ok(Progress::Pending { checkpoint: next, after, .. }) => {
                    tokio::time::sleep(after).await;
                    (checkpoint, attempt, turn) = (next, Attempt::First, turn + 1);
                }
                Err(ProviderError::Unavailable { sent: Sent::Perhaps, .. }) => attempt = Attempt::Again,
                Err(error) => return Err(error),
            }
        }
        panic!("the work does not end: {}", checkpoint.step);
    }
}

fn parameters(wanted: Value) -> Parameters {
    Parameters::new(wanted.as_object().unwrap().clone())
}
