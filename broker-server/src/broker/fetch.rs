//! Fetch: what the vendor says, next to what was asked for. Gone is what the vendor says is gone, nothing else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use sutler_spec::{
    BindingId, FetchedBinding, FetchedInstance, InstanceId, InstanceMetadata, MaintenanceInfo, Parameters,
};
use tokio::time::{error::Elapsed, timeout};

use super::{
    Broker, BrokerError, ask,
    calls::kind_of_error,
    facts,
    governor::{Asker, Permit},
};
use crate::{
    binding::BindingState,
    instance::{Instance, InstanceState},
    metrics::Answer,
    providers::{Account, Observation, ProviderError, Refusal, Work},
};

/// The attribute that lists what differs from what was asked for.
const DRIFT: &str = "x-sutler-drift";
/// How many observations are kept at most.
const KEPT: usize = 4096;

/// What vendors said a moment ago.
pub(super) struct Observations {
    fresh_for: Duration,
    kept: Mutex<HashMap<(InstanceId, u64), (Instant, Observation)>>,
}

impl Observations {
    pub(super) fn new(fresh_for: Duration) -> Self {
        Self { fresh_for, kept: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(InstanceId, u64), (Instant, Observation)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, instance: &Instance) -> Option<Observation> {
        let kept = self.lock();
        let (at, observation) = kept.get(&(instance.id.clone(), instance.revision))?;
        (at.elapsed() < self.fresh_for).then(|| observation.clone())
    }

    fn keep(&self, instance: &Instance, observation: &Observation) {
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.retain(|_, (at, _)| at.elapsed() < self.fresh_for);
        }
        if kept.len() < KEPT {
            kept.insert((instance.id.clone(), instance.revision), (Instant::now(), observation.clone()));
        }
    }
}

impl Broker {
    /// The instance, as the vendor knows it.
    ///
    /// # Errors
    /// When it does not exist (yet, or any more), is being changed, or the vendor cannot be asked.
    pub async fn fetch_instance(&self, id: &InstanceId) -> Result<FetchedInstance, BrokerError> {
        let missing = || BrokerError::NotFound("The instance does not exist.".to_owned());
        let instance = self.engine.store.instance(id).await?.ok_or_else(missing)?;
        match instance.state {
            InstanceState::Provisioning | InstanceState::Failed => return Err(missing()),
            InstanceState::Deprovisioning => return Err(BrokerError::Concurrency),
            InstanceState::Ready | InstanceState::Unusable => {}
        }
        if self.engine.store.active(id).await?.is_some_and(|active| active.work == Work::Update) {
            return Err(BrokerError::Concurrency);
        }
        match self.observe(&instance).await? {
            Observation::Gone => {
                Err(BrokerError::NotFound("The instance does not exist any more.".to_owned()))
            }
            Observation::Found { attributes, drift } => {
                let mut attributes = attributes;
                if !drift.is_empty() {
                    attributes.insert(DRIFT.to_owned(), facts::written(&drift));
                }
                Ok(self.fetched(instance, attributes))
            }
        }
    }

    async fn observe(&self, instance: &Instance) -> Result<Observation, BrokerError> {
        if let Some(observation) = self.observations.get(instance) {
            return Ok(observation);
        }
        let provider = self.provider(&instance.service)?;
        let account = provider.account(&instance.plan);
        let permit = self.engine.governor.take(self.engine.store.as_ref(), account, Asker::Leaves).await?;
        // what is not known is not told: what was recorded may be gone by now
        if let Permit::WaitFor(wait, obstacle) = permit {
            return Err(self.unavailable(obstacle.description().to_owned(), Some(wait)));
        }
        let calls = account.map_or(0, Account::calls);
        let marker = facts::marker(self.engine.store.installation(), &instance.id, None);
        let facts = facts::instance(instance);
        let asked = timeout(self.engine.tuning.call_timeout, provider.fetch(&facts, &marker));
        let kind = |asked: &Result<Result<Observation, ProviderError>, Elapsed>| match asked {
            Ok(Ok(_)) => Answer::Done,
            Ok(Err(error)) => kind_of_error(error),
            Err(_elapsed) => Answer::Unclear,
        };
        let asked = self.engine.observed((&instance.service, "fetch"), asked, kind).await;
        let asked = asked.unwrap_or_else(|_elapsed| Err(ask::unclear("The vendor did not answer in time.")));
        if let Some(account) = account.filter(|account| account.calls() > calls) {
            self.engine.listen_to(account, asked.as_ref().err()).await;
        }
        match asked {
            Ok(observation) => {
                // whoever hears that it is gone asks again to be sure, and is to hear what the vendor says then
                if observation != Observation::Gone {
                    self.observations.keep(instance, &observation);
                }
                Ok(observation)
            }
            Err(ProviderError::Unavailable { description, retry_after, .. }) => {
                Err(self.unavailable(description, retry_after))
            }
            Err(ProviderError::Refused { refusal: Refusal::Quota, description }) => {
                Err(self.unavailable(description, None))
            }
            Err(error) => Err(BrokerError::VendorRefused(error.to_string())),
        }
    }

    /// Nothing is known of the instance now; something may be after a while.
    pub(super) fn unavailable(&self, description: String, retry_after: Option<Duration>) -> BrokerError {
        let retry_after = retry_after.unwrap_or(self.engine.tuning.poll_interval);
        let retry_after = retry_after.clamp(Duration::from_secs(1), Duration::from_secs(60));
        BrokerError::VendorUnavailable { description, retry_after }
    }

    fn fetched(&self, instance: Instance, attributes: Map<String, Value>) -> FetchedInstance {
        let plan = self.engine.registry.index().plan_by_id(&instance.service, &instance.plan);
        let parameters = visible(&instance.parameters, plan.and_then(|plan| plan.provision_schema()));
        let metadata = InstanceMetadata { labels: instance.labels, attributes };
        let version = instance.maintenance_version;
        FetchedInstance {
            service_id: Some(instance.service),
            plan_id: Some(instance.plan),
            dashboard_url: instance.dashboard_url,
            parameters: Some(parameters),
            maintenance_info: version
                .map(|version| MaintenanceInfo { version: Some(version), description: None }),
            metadata: Some(metadata).filter(|metadata| !metadata.is_empty()),
        }
    }

    /// The binding, with its credentials.
    ///
    /// # Errors
    /// When it does not exist, yet or any more.
    pub async fn fetch_binding(
        &self,
        instance_id: &InstanceId,
        id: &BindingId,
    ) -> Result<FetchedBinding, BrokerError> {
        let missing = || BrokerError::NotFound("The binding does not exist.".to_owned());
        let binding = self.engine.store.binding(instance_id, id).await?.ok_or_else(missing)?;
        let instance = self.engine.store.instance(instance_id).await?.ok_or_else(missing)?;
        match binding.state {
            // the specification knows only 200 and 404 here (B-FBN-02)
            BindingState::Binding | BindingState::Failed | BindingState::Unbinding => return Err(missing()),
            BindingState::Ready => {}
        }
        let plan = self.engine.registry.index().plan_by_id(&instance.service, &instance.plan);
        let parameters = visible(&binding.parameters, plan.and_then(|plan| plan.bind_schema()));
        Ok(FetchedBinding { binding: binding.body.unwrap_or_default(), parameters: Some(parameters) })
    }
}

/// The parameters that may be shown: those whose schema is known and holds nothing that is `writeOnly` (B-FIN-07).
fn visible(parameters: &Parameters, schema: Option<&Value>) -> Parameters {
    let properties = schema.and_then(|schema| schema.get("properties"));
    let shown = parameters.expose().iter().filter(|(name, _)| {
        properties
            .and_then(|properties| properties.get(name.as_str()))
            .is_some_and(|schema| !is_secret(schema))
    });
    shown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether a schema says `writeOnly` anywhere.
fn is_secret(schema: &Value) -> bool {
    match schema {
        Value::Object(keywords) => keywords.iter().any(|(keyword, value)| {
            (keyword == "writeOnly" && *value == Value::Bool(true)) || is_secret(value)
        }),
        Value::Array(items) => items.iter().any(is_secret),
        _ => false,
    }
}
