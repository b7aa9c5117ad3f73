//! One registration, driven step by step as the engine would, with a hand on what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sutler_broker_server::operation::OperationId;
use sutler_broker_server::providers::{
    Attempt, Change, Checkpoint, IdempotencyKey, InstanceFacts, Marker, Observation, Progress, Provider,
    ProviderError, ProvisionedInstance, Sent, Step,
};
use sutler_spec::{InstanceId, Parameters, PlanId, ServiceId};

/// More steps than any work has.
const STEPS: u32 = 60;

/// An instance.
pub(super) struct Instance {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) facts: InstanceFacts,
    /// What users were told while it was waited.
    pub(super) told: Vec<String>,
    /// The numbers of the steps (1 is the first) after which the process dies before anything is recorded.
    pub(super) deaths: Vec<u32>,
    /// What unfinished work knew last.
    pub(super) left_over: Value,
    /// The longest that is waited before the next step, as by an engine that lets nobody wait longer.
    pub(super) longest_wait: Duration,
}

impl Instance {
    pub(super) fn new(provider: Arc<dyn Provider>, wanted: Value) -> Self {
        let plan = provider.offering().plans()[0].id().clone();
        let facts = InstanceFacts {
            id: InstanceId::new("instance").unwrap(),
            service_id: ServiceId::new("service").unwrap(),
            plan_id: PlanId::new(plan.as_str()).unwrap(),
            name: None,
            parameters: parameters(wanted),
            record: None,
        };
        let (told, deaths, longest_wait) = (Vec::new(), Vec::new(), Duration::MAX);
        Self { provider, facts, told, deaths, left_over: Value::Null, longest_wait }
    }

    pub(super) async fn provision(&mut self) -> Result<ProvisionedInstance, ProviderError> {
        let provider = self.provider.clone();
        let made = self.drive(async |step| provider.provision(step).await).await?;
        self.facts.record = Some(made.record.clone());
        Ok(made)
    }

    /// Provisions until it waits: what users are told then.
    pub(super) async fn provision_until(&mut self, told: &str) -> String {
        let provider = self.provider.clone();
        let waits = self.drive(async |step| match provider.provision(step).await {
            Ok(Progress::Pending { description, .. }) if description.contains(told) => {
                Ok(Progress::Done(description))
            }
            Ok(Progress::Pending { checkpoint, after, description }) => {
                Ok(Progress::Pending { checkpoint, after, description })
            }
            Ok(Progress::Next(next)) => Ok(Progress::Next(next)),
            Ok(Progress::Done(_)) => panic!("it is done"),
            Err(error) => Err(error),
        });
        waits.await.unwrap()
    }

    pub(super) async fn update(&mut self, wanted: Value) -> Result<ProvisionedInstance, ProviderError> {
        let change = Change {
            plan_id: self.facts.plan_id.clone(),
            parameters: parameters(wanted.clone()),
            named: Vec::new(),
        };
        let provider = self.provider.clone();
        let made = self.drive(async |step| provider.update(step, &change).await).await?;
        self.facts.record = Some(made.record.clone());
        self.facts.parameters = parameters(wanted);
        Ok(made)
    }

    pub(super) async fn deprovision(&mut self) -> Result<(), ProviderError> {
        let provider = self.provider.clone();
        self.drive(async |step| provider.deprovision(step).await).await
    }

    pub(super) async fn adopt(&mut self, id: &str) -> Result<ProvisionedInstance, ProviderError> {
        let provider = self.provider.clone();
        let made = self.drive(async |step| provider.discovery().unwrap().adopt(step, id).await).await?;
        self.facts.record = Some(made.record.clone());
        Ok(made)
    }

    pub(super) async fn fetch(&self) -> Result<Observation, ProviderError> {
        self.provider.fetch(&self.facts, &marker()).await
    }

    /// Asks for one step after the other. A doubt stays until the step is answered.
    async fn drive<T>(
        &mut self,
        ask: impl AsyncFn(Step<'_>) -> Result<Progress<T>, ProviderError>,
    ) -> Result<T, ProviderError> {
        let mut checkpoint = Checkpoint { data: self.left_over.clone(), ..Checkpoint::begin() };
        let (mut attempt, operation, marker) = (Attempt::First, OperationId::from("operation"), marker());
        for number in 1..=STEPS {
            let key = IdempotencyKey::new(&operation, &checkpoint.step, (number, Duration::ZERO));
            let step =
                Step { instance: &self.facts, checkpoint: &checkpoint, attempt, marker: &marker, key: &key };
            let answer = ask(step).await;
            if self.deaths.contains(&number) {
                attempt = Attempt::Again;
                continue;
            }
            let next = match answer {
                Ok(Progress::Done(done)) => return Ok(done),
                Ok(Progress::Next(next)) => next,
                Ok(Progress::Pending { checkpoint, after, description }) => {
                    self.told.push(description);
                    tokio::time::sleep(after.min(self.longest_wait)).await;
                    checkpoint
                }
                Err(ProviderError::Unavailable { sent, .. }) => {
                    attempt = if sent == Sent::Perhaps { Attempt::Again } else { attempt };
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.left_over = next.data.clone();
            (checkpoint, attempt) = (next, Attempt::First);
        }
        panic!("the work does not end: {} {:?}", checkpoint.step, self.told);
    }
}

fn marker() -> Marker {
    Marker::for_instance("installation", &InstanceId::new("instance").unwrap())
}

fn parameters(wanted: Value) -> Parameters {
    Parameters::new(wanted.as_object().unwrap().clone())
}
