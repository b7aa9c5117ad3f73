//! `cloudflare-pages-domain`: a host name of a Pages project, awaited until it serves.
//!
//! ```text
//!                        ┌──────◀── validation failed ── retry ◀─┐
//! begin ──▶ add ──▶ poll ┴─▶ initializing, pending: poll again   │
//!                        ├─▶ error ──────────────────────────────┘ (a few times, then failed)
//!                        ├─▶ blocked, deactivated, too late: failed
//!                        └─▶ active: done
//! ```

mod attach;
mod detach;
mod discovery;
mod domains;
#[cfg(test)]
mod tests;
mod watch;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::pages_domain::{self, Parameters, output},
};
use sutler_spec::PlanId;

use super::{
    client::{CallError, Client},
    recorded::{self, unknown_step},
};
use crate::providers::{
    Account, Announced, BEGIN, Change, Discovery, FieldDrift, InstanceFacts, Listing, Marker, Need,
    Observation, Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Refusal, Sent, Step,
    StepName, Work,
};
pub(super) use domains::PROBE;
use domains::{Domain, Pages};
use watch::Known;

/// Adds the domain.
const ADD: &str = "add";
/// Looks how far it is.
const POLL: &str = "poll";
/// Starts a failed validation again.
const RETRY: &str = "retry";
/// Detaches the domain.
const DELETE: &str = "delete";
/// Looks for a domain that may have arrived late.
const LOOK_AGAIN: &str = "look_again";

/// What users are told about looking.
const LOOKING: &str = "look at the domain";

/// Provides `cloudflare-pages-domain`.
#[derive(Debug)]
pub struct PagesDomain {
    pages: Pages,
}

impl PagesDomain {
    /// Domains of projects in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { pages: Pages::new(client) }
    }

    /// The project's list of domains, with the one that is meant: a domain has no page of its own (B-PROV-16).
    fn dashboard(&self, project: &str, hostname: &str) -> String {
        let account = self.pages.client().account();
        format!("https://dash.cloudflare.com/{account}/pages/view/{project}/domains#{hostname}")
    }

    fn done(&self, known: &Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        Ok(Progress::Done(ProvisionedInstance {
            record: recorded::record(known)?,
            dashboard_url: Some(self.dashboard(&known.project, &known.hostname)),
            labels: Map::new(),
            attributes: attributes(known, "active"),
        }))
    }
}

/// What it may ask of Cloudflare.
pub(super) fn product() -> &'static super::client::Product {
    &domains::PAGES
}

#[async_trait]
impl Provider for PagesDomain {
    fn offering(&self) -> Offering {
        pages_domain::offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | POLL | LOOK_AGAIN => RecoveryClass::ReadOnly,
            ADD => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin(&step).await,
            ADD => self.add(&step).await,
            POLL => self.poll(&step).await,
            RETRY => self.retry(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let present: Parameters = recorded::wanted(&step.instance.parameters)?;
        let wanted: Parameters = recorded::wanted(&change.parameters)?;
        let known: Known = recorded::remembered(step.instance.record.as_ref()).ok_or_else(not_created)?;
        let changed = [
            ("project", present.project != wanted.project),
            ("hostname", present.hostname != wanted.hostname),
        ];
        match changed.iter().find(|(_, changed)| *changed) {
            Some((name, _)) => {
                let description = format!("{name}: cannot be changed; make another instance");
                Err(ProviderError::refused(Refusal::Unsupported, description))
            }
            None => self.done(&known),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_deletion(&step).await,
            LOOK_AGAIN => self.look_again(&step).await,
            DELETE => self.delete(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    fn announced(&self, instance: &InstanceFacts, _marker: &Marker) -> Announced {
        let wanted: Option<Parameters> = recorded::wanted(&instance.parameters).ok();
        Announced {
            dashboard_url: wanted.map(|wanted| self.dashboard(&wanted.project, &wanted.hostname)),
            ..Announced::default()
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let known: Known = recorded::remembered(instance.record.as_ref()).ok_or_else(not_created)?;
        match self.pages.read(&known.project, &known.hostname).await {
            Ok(found) => Ok(observe(&known, &found)),
            Err(CallError::Missing { .. }) => Ok(Observation::Gone),
            Err(error) => Err(error.while_asking(LOOKING)),
        }
    }

    async fn needs(&self) -> Vec<Need> {
        self.pages.client().needs(&[product()]).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let reason = "a domain's name is the host name itself, and it has no place for a mark";
        Ok(Listing::NotPossible(reason.to_owned()))
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.pages.client().budgeted())
    }
}

/// Whether a domain is the one that was added. Until its id is known, the host name has to do.
fn is_same(known: &Known, found: &Domain) -> bool {
    known.domain_id.as_ref().is_none_or(|id| *id == found.id)
}

/// What is there now. A status that we do not know is shown as such, in our word.
fn observe(known: &Known, found: &Domain) -> Observation {
    const STATUSES: [&str; 6] = ["initializing", "pending", "active", "blocked", "error", "deactivated"];
    let status = STATUSES.into_iter().find(|status| *status == found.status).unwrap_or("unknown");
    let mut drift = Vec::new();
    let mut differs = |field: &str, wanted: &str, found: &str| {
        drift.push(FieldDrift { field: field.to_owned(), wanted: json!(wanted), found: json!(found) });
    };
    if status != "active" {
        differs(output::STATUS, "active", status);
    }
    if !is_same(known, found) {
        differs(output::HOSTNAME, "added by this instance", "added by somebody else");
    }
    Observation::Found { attributes: attributes(known, status), drift }
}

/// Facts for the platform.
fn attributes(known: &Known, status: &str) -> Map<String, Value> {
    Map::from_iter([
        (output::HOSTNAME.to_owned(), json!(known.hostname)),
        (output::PROJECT.to_owned(), json!(known.project)),
        (output::STATUS.to_owned(), json!(status)),
    ])
}

/// Nothing can be said of a domain that was never finished.
fn not_created() -> ProviderError {
    ProviderError::Unavailable {
        description: "the creation of the domain is not finished".to_owned(),
        retry_after: None,
        sent: Sent::No,
    }
}
