//! What drives a provider through one instance's life in a few tests: feeds each checkpoint back until there is an end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sutler_broker_server::operation::OperationId;
use sutler_broker_server::providers::{
    Attempt, Change, Checkpoint, Discovery, IdempotencyKey, InstanceFacts, Marker, Observation, Progress,
    Provider, ProviderError, ProvisionedInstance, Refusal, Step,
};
use sutler_spec::{InstanceId, Parameters, PlanId, ServiceId};

/// An instance and its provider.
pub(crate) struct Engine {
    provider: Arc<dyn Provider>,
    pub(crate) instance: InstanceFacts,
    marker: Marker,
}

pub(crate) fn parameters(wanted: &Value) -> Parameters {
    Parameters::new(wanted.as_object().unwrap().clone())
}

impl Engine {
    pub(crate) fn new(provider: Arc<dyn Provider>, wanted: &Value) -> Self {
        let id = InstanceId::new("instance").unwrap();
        let marker = Marker::for_instance("installation", &id);
        let instance = InstanceFacts {
            id,
            service_id: ServiceId::new("service").unwrap(),
            plan_id: PlanId::new("plan").unwrap(),
            name: Some("shop".to_owned()),
            parameters: parameters(wanted),
            record: None,
        };
        Self { provider, instance, marker }
    }

    pub(crate) fn discovery(&self) -> &dyn Discovery {
        self.provider.discovery().unwrap()
    }

    fn step<'s>(&'s self, (checkpoint, key): (&'s Checkpoint, &'s IdempotencyKey)) -> Step<'s> {
        let (instance, marker) = (&self.instance, &self.marker);
        Step { instance, checkpoint, attempt: Attempt::First, marker, key }
    }

    pub(crate) async fn provision(&mut self) {
        let made = drive(async |turn| self.provider.provision(self.step(turn)).await).await.unwrap();
        self.instance.record = Some(made.record);
    }

    pub(crate) async fn adopt(&mut self, id: &str) -> Result<(), ProviderError> {
        let adopted: ProvisionedInstance =
            drive(async |turn| self.discovery().adopt(self.step(turn), id).await).await?;
        self.instance.record = Some(adopted.record);
        Ok(())
    }

    /// Asks for these parameters, all of them.
    pub(crate) async fn update(&mut self, wanted: &Value) {
        let plan_id = self.instance.plan_id.clone();
        let change = Change { plan_id, parameters: parameters(wanted), named: Vec::new() };
        let changed = drive(async |turn| self.provider.update(self.step(turn), &change).await);
        let changed = changed.await.unwrap();
        self.instance.record = Some(changed.record);
        self.instance.parameters = change.parameters;
    }

    pub(crate) async fn deprovision(&self) -> Result<(), ProviderError> {
        drive(async |turn| self.provider.deprovision(self.step(turn)).await).await
    }

    pub(crate) async fn fetch(&self) -> Observation {
        self.provider.fetch(&self.instance, &self.marker).await.unwrap()
    }
}

async fn drive<T>(
    ask: impl AsyncFn((&Checkpoint, &IdempotencyKey)) -> Result<Progress<T>, ProviderError>,
) -> Result<T, ProviderError> {
    let (operation, mut checkpoint) = (OperationId::new(), Checkpoint::begin());
    for turn in 0..500 {
        let key = IdempotencyKey::new(&operation, &checkpoint.step, (turn, Duration::ZERO));
        match ask((&checkpoint, &key)).await? {
            Progress::Done(done) => return Ok(done),
            Progress::Next(next) => checkpoint = next,
            Progress::Pending { checkpoint: next, after, .. } => {
                tokio::time::sleep(after.min(Duration::from_millis(10))).await;
                checkpoint = next;
            }
        }
    }
    panic!("the work does not end")
}

/// What was refused, if it was.
pub(crate) fn refusal(ended: &Result<(), ProviderError>) -> Option<(Refusal, &str)> {
    match ended {
        Err(ProviderError::Refused { refusal, description }) => Some((*refusal, description)),
        _ => None,
    }
}
