//! The probe: every behaviour a platform can meet, without a vendor.
//!
//! It keeps nothing: what it knows is in the records and checkpoints that the engine gives back. Time passes between
//! two steps, by [`Progress::Pending`], so that a restart in the middle changes nothing.

mod bound;
mod discovery;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    probe::{Behaviour, FailingUpdate, Home, output},
};
use sutler_spec::{InstanceId, PlanId};

use crate::config;

use super::{
    Announced, BEGIN, BindingFacts, Change, Checkpoint, CreatedBinding, Discovery, InstanceFacts, Listing,
    Marker, Observation, Progress, Provider, ProviderError, ProvisionedInstance, Record, RecoveryClass,
    Refusal, Repeatability, Step, StepName, Usability, Work,
};

/// The step after the wait.
const FINISH: &str = "finish";

/// Provides one of the probe's offerings.
#[derive(Debug, Clone)]
pub struct Probe {
    home: Home,
    config: Arc<config::Probe>,
}

impl Probe {
    /// One provider for each offering; what is slow takes this long.
    #[must_use]
    pub fn all(slow: Duration) -> Vec<Arc<dyn Provider>> {
        Self::configured(config::Probe { slow, ..config::Probe::default() })
    }

    /// One provider for each offering.
    #[must_use]
    pub fn configured(config: config::Probe) -> Vec<Arc<dyn Provider>> {
        let config = Arc::new(config);
        let probe = |home| Self { home, config: Arc::clone(&config) };
        Home::ALL.map(|home| Arc::new(probe(home)) as Arc<dyn Provider>).into()
    }

    /// Waits before the end of slow work.
    fn wait<T>(&self, data: Value) -> Result<Progress<T>, ProviderError> {
        Ok(Progress::Pending {
            checkpoint: Checkpoint::at(FINISH, data),
            after: self.config.slow,
            description: "The probe takes its time.".to_owned(),
        })
    }

    fn wait_until_gone(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        if is_first(step) { self.wait(Value::Null) } else { Ok(Progress::Done(())) }
    }
}

#[async_trait]
impl Provider for Probe {
    fn offering(&self) -> Offering {
        self.home.offering_of(&self.config.maintenance_version)
    }

    /// Nothing is made anywhere, so every step may be repeated as it is.
    fn recovery(&self, _work: Work, _step: &StepName) -> RecoveryClass {
        RecoveryClass::Repeatable
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match (behaviour(&step.instance.plan_id)?, is_first(&step)) {
            (Behaviour::FailsProvision, _) => {
                Err(ProviderError::refused(Refusal::Quota, "This plan never has room for an instance."))
            }
            (Behaviour::Slow | Behaviour::AsyncOnly | Behaviour::FailsProvisionLate, true) => {
                self.wait(json!({ "made": true }))
            }
            (Behaviour::FailsProvisionLate, false) => {
                Err(failed("This plan fails after something was made.", (true, true)))
            }
            _ => Ok(Progress::Done(made(&step.instance.id, &step.instance.plan_id, 0))),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let done = || {
            let record = step.instance.record.as_ref();
            let mut made = made(&step.instance.id, &change.plan_id, updates(record) + 1);
            if let Some(Record(Value::Object(before))) = record
                && let Some(object) = before.get("object")
            {
                made.record.0["object"] = object.clone();
            }
            Ok(Progress::Done(made))
        };
        match (behaviour(&step.instance.plan_id)?, is_first(&step)) {
            (Behaviour::UpdateRefused, _) => {
                Err(ProviderError::refused(Refusal::Unsupported, "Instances of this plan never change."))
            }
            (
                Behaviour::Slow | Behaviour::AsyncOnly | Behaviour::SlowUpdate | Behaviour::FailsUpdate,
                true,
            ) => self.wait(Value::Null),
            (Behaviour::FailsUpdate, false) => {
                let asked = Value::Object(change.parameters.expose().clone());
                let asked = FailingUpdate::deserialize(asked).unwrap_or_default();
                if asked.succeed == Some(true) {
                    return done();
                }
                let left = (asked.instance_usable.unwrap_or(true), asked.update_repeatable.unwrap_or(true));
                Err(failed("Updates of this plan fail.", left))
            }
            _ => done(),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match behaviour(&step.instance.plan_id)? {
            Behaviour::Slow | Behaviour::AsyncOnly | Behaviour::FailsProvisionLate => {
                self.wait_until_gone(&step)
            }
            Behaviour::FailsDeprovisionOnce if step.checkpoint.step != BEGIN => {
                Err(failed("The first deprovision of this plan fails.", (true, true)))
            }
            // what an unfinished deletion knew last comes back with the next one
            Behaviour::FailsDeprovisionOnce if step.checkpoint.data.is_null() => {
                Ok(Progress::Next(Checkpoint::at(FINISH, json!({ "tried": true }))))
            }
            _ => Ok(Progress::Done(())),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        match (behaviour(&step.instance.plan_id)?, is_first(&step)) {
            (Behaviour::FailsBind, _) => {
                Err(failed("Bind of this plan fails after something was made.", (true, true)))
            }
            (Behaviour::AsyncOnly | Behaviour::AsyncBinding, true) => self.wait(json!({ "made": true })),
            (behaviour, _) => bound::body((behaviour, self.config.lifetime), step.marker, binding)
                .map(|body| Progress::Done(CreatedBinding { record: Record(Value::Null), body })),
        }
    }

    async fn unbind(&self, step: Step<'_>, _binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        match behaviour(&step.instance.plan_id)? {
            Behaviour::AsyncOnly | Behaviour::AsyncBinding => self.wait_until_gone(&step),
            _ => Ok(Progress::Done(())),
        }
    }

    fn announced(&self, instance: &InstanceFacts, _marker: &Marker) -> Announced {
        Announced {
            dashboard_url: Some(dashboard(&instance.id)),
            labels: labels(&instance.plan_id),
            attributes: attributes(&instance.plan_id, updates(instance.record.as_ref())),
        }
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        Ok(Listing::NotPossible("the probe makes nothing anywhere".to_owned()))
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let attributes = attributes(&instance.plan_id, updates(instance.record.as_ref()));
        Ok(Observation::Found { attributes, drift: Vec::new() })
    }
}

/// Whether the work has not been waited for yet.
fn is_first(step: &Step<'_>) -> bool {
    step.checkpoint.step == BEGIN
}

fn behaviour(plan: &PlanId) -> Result<Behaviour, ProviderError> {
    Behaviour::of(plan).ok_or_else(|| failed("The plan is not one of the probe's.", (true, false)))
}

fn failed(description: &str, (usable, repeatable): (bool, bool)) -> ProviderError {
    ProviderError::Failed {
        description: description.to_owned(),
        usable: if usable { Usability::Usable } else { Usability::Unusable },
        repeat: if repeatable { Repeatability::Repeatable } else { Repeatability::Pointless },
    }
}

fn made(id: &InstanceId, plan: &PlanId, updates: u64) -> ProvisionedInstance {
    ProvisionedInstance {
        record: Record(json!({ "updates": updates })),
        dashboard_url: Some(dashboard(id)),
        labels: labels(plan),
        attributes: attributes(plan, updates),
    }
}

/// Where nobody manages it: the domain is reserved for examples.
fn dashboard(id: &InstanceId) -> String {
    format!("https://probe.example/instances/{}", sutler_spec::encode_segment(id.as_str()))
}

/// For people.
fn labels(plan: &PlanId) -> Map<String, Value> {
    let behaviour = Behaviour::of(plan).map_or("unknown", Behaviour::name);
    Map::from_iter([("probe".to_owned(), json!(behaviour))])
}

fn updates(record: Option<&Record>) -> u64 {
    record.and_then(|Record(record)| record["updates"].as_u64()).unwrap_or_default()
}

fn attributes(plan: &PlanId, updates: u64) -> Map<String, Value> {
    let behaviour = Behaviour::of(plan).map_or("unknown", Behaviour::name);
    Map::from_iter([
        (output::BEHAVIOUR.to_owned(), json!(behaviour)),
        (output::UPDATES.to_owned(), json!(updates)),
    ])
}
