//! `cloudflare-secrets`: an owned set of a Worker's secrets; those of others are never written or removed.
//!
//! ```text
//! begin: list, compare ──▶ write: one bulk change ──▶ done
//! ```

mod remove;
mod set;
#[cfg(test)]
mod tests;
mod worker;
mod write;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::secrets::{self, Parameters, output},
};
use sutler_spec::PlanId;

use super::{
    client::{CallError, Client},
    recorded::{self, unknown_step},
};
use crate::providers::{
    Account, BEGIN, Change, FieldDrift, InstanceFacts, Listing, Marker, Need, Observation, Progress,
    Provider, ProviderError, ProvisionedInstance, RecoveryClass, Refusal, Repeatability, Sent, Step,
    StepName, Usability, Work,
};
use set::Known;
pub(super) use worker::PROBE;
use worker::{NOT_DEPLOYED, Workers};

/// Sets and removes, in one call.
const WRITE: &str = "write";
/// Removes all of ours, in one call.
const REMOVE: &str = "remove";
/// Looks for secrets that may have arrived late.
const LOOK_AGAIN: &str = "look_again";

/// Provides `cloudflare-secrets`.
#[derive(Debug)]
pub struct Secrets {
    workers: Workers,
}

impl Secrets {
    /// Secrets of Workers in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { workers: Workers::new(client) }
    }
}

/// What users are told about looking.
const LISTING: &str = "list the secrets of the Worker";

/// What it may ask of Cloudflare.
pub(super) fn product() -> &'static super::client::Product {
    &worker::WORKERS
}

#[async_trait]
impl Provider for Secrets {
    fn offering(&self) -> Offering {
        secrets::offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | LOOK_AGAIN => RecoveryClass::ReadOnly,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = recorded::wanted(&step.instance.parameters)?;
        match step.checkpoint.step.as_str() {
            BEGIN => {
                let left_over: Option<Known> = recorded::left_over(step.checkpoint);
                self.compare(left_over.as_ref(), Known::of(&wanted, step.marker), false).await
            }
            WRITE => self.write(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = recorded::wanted(&change.parameters)?;
        match step.checkpoint.step.as_str() {
            BEGIN => {
                let known: Known =
                    recorded::remembered(step.instance.record.as_ref()).ok_or_else(not_created)?;
                if wanted.script != known.script {
                    let description = "script: cannot be changed; make another instance for another Worker";
                    return Err(ProviderError::refused(Refusal::Unsupported, description));
                }
                let left: Option<Known> = recorded::left_over(step.checkpoint);
                let is_certain = left.is_none();
                let known = Known::taken_up(Some(known), left);
                self.compare(known.as_ref(), Known::of(&wanted, step.marker), is_certain).await
            }
            WRITE => self.write(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_removal(&step).await,
            LOOK_AGAIN => self.look_again(&step).await,
            REMOVE => self.remove(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let known: Known = recorded::remembered(instance.record.as_ref()).ok_or_else(not_created)?;
        match self.workers.names(&known.script).await {
            Ok(found) => {
                let found: BTreeSet<String> = found.into_iter().collect();
                Ok(Observation::Found { attributes: attributes(&known), drift: drift(&known, &found) })
            }
            Err(CallError::Missing { .. }) => Ok(Observation::Gone),
            Err(error) => Err(error.while_asking(LISTING)),
        }
    }

    async fn needs(&self) -> Vec<Need> {
        self.workers.client().needs(&[product()]).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let reason = "a Worker's secrets have names that the Worker chooses, and no place for a mark";
        Ok(Listing::NotPossible(reason.to_owned()))
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.workers.client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &sutler_spec::Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: Parameters = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = set::problems(&wanted);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Facts for the platform.
fn attributes(known: &Known) -> Map<String, Value> {
    let names: Vec<&String> = known.secrets.keys().collect();
    Map::from_iter([
        (output::SCRIPT.to_owned(), json!(known.script)),
        (output::SECRET_NAMES.to_owned(), json!(names)),
    ])
}

/// Names of ours that are missing. Whether a value was changed, nobody can see.
fn drift(known: &Known, found: &BTreeSet<String>) -> Vec<FieldDrift> {
    let present = known.present(found);
    if present.len() == known.secrets.len() {
        return Vec::new();
    }
    let wanted: Vec<&String> = known.secrets.keys().collect();
    vec![FieldDrift { field: output::SECRET_NAMES.to_owned(), wanted: json!(wanted), found: json!(present) }]
}

/// A call about the Worker did not succeed.
fn refused(error: CallError, script: &str, doing: &str) -> ProviderError {
    match error {
        CallError::Missing { .. } => {
            let description = format!("script: there is no Worker named {script}; deploy it first");
            ProviderError::refused(Refusal::Unsupported, description)
        }
        CallError::Refused { code: Some(NOT_DEPLOYED), .. } => ProviderError::Failed {
            description: error.describe(doing),
            usable: Usability::Usable,
            repeat: Repeatability::Repeatable,
        },
        error => error.while_trying_to(doing),
    }
}

/// Nothing can be said of a set that was never finished.
fn not_created() -> ProviderError {
    ProviderError::Unavailable {
        description: "the creation of the set of secrets is not finished".to_owned(),
        retry_after: None,
        sent: Sent::No,
    }
}
