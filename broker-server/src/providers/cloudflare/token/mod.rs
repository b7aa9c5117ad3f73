//! `cloudflare-token`: an instance is a policy, each of its bindings a token that is shown once.
//!
//! ```text
//! update:      begin ──▶ revise ──▶ revise … ──▶ done     (one token at a time)
//! deprovision: begin ──▶ revoke ──▶ revoke … ──▶ done
//! ```
//!
//! How a binding's token is made and revoked is in [`minting`].

mod discovery;
mod revise;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::token::{self, Parameters, output},
};
use sutler_secrets::SecretString;
use sutler_spec::PlanId;

use super::{
    client::{CallError, Client},
    minting::{self, Grant, LISTING, Listed, Minter, Purpose, REVOKE, Tokens},
    recorded::{self, is_hexadecimal, unknown_step},
};
use crate::providers::{
    Account, Announced, BEGIN, Bearers, BindingFacts, Change, CreatedBinding, Discovery, InstanceFacts,
    Listing, MarkedObject, Marker, Need, Observation, Progress, Provider, ProviderError, ProvisionedInstance,
    RecoveryClass, Sent, Step, StepName, Work,
};
pub(super) use minting::OF_TOKENS as PROBE;

/// Gives a token the new policy.
const REVISE: &str = "revise";

/// Provides `cloudflare-token`.
#[derive(Debug)]
pub struct Token {
    minter: Minter,
}

/// The provider's memory of a policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    /// The instance's mark, in the names of all its tokens.
    mark: String,
    /// In Cloudflare's form, with the ids of the permission groups.
    policies: Value,
}

/// A binding's token: what the policy says.
struct OfPolicy {
    name: String,
    policies: Value,
}

impl Purpose for OfPolicy {
    fn grant(&self, step: &Step<'_>) -> Result<Grant, ProviderError> {
        let wanted = recorded::wanted(&step.instance.parameters)?;
        Ok(Grant { name: self.name.clone(), wanted, policies: Some(self.policies.clone()) })
    }

    fn credentials(&self, token_id: &str, token: &SecretString) -> Map<String, Value> {
        Map::from_iter([
            (output::TOKEN.to_owned(), json!(token.expose())),
            (output::TOKEN_ID.to_owned(), json!(token_id)),
        ])
    }
}

impl Token {
    /// Tokens of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { minter: Minter::of(Tokens::new(client)) }
    }

    fn tokens(&self) -> &Tokens {
        self.minter.tokens()
    }

    /// Whether a token's name has the mark of an instance before that of any binding.
    fn is_of_instance(name: &str, mark: &str) -> bool {
        let mut parts = name.rsplitn(3, '-');
        let binding = parts.next().is_some_and(|binding| is_hexadecimal(binding, 24));
        binding && parts.next() == Some(mark)
    }

    /// The name of a binding's token: for people, then for us.
    fn name(instance: &InstanceFacts, known: &Known, binding: &Marker) -> String {
        minting::name(instance.name.as_deref(), &known.mark, binding)
    }

    /// Asks which permission groups there are, and makes the policies.
    async fn resolve(&self, wanted: &Parameters, mark: String) -> Result<Known, ProviderError> {
        let policies = self.tokens().policies(wanted).await?;
        Ok(Known { mark, policies })
    }

    /// All tokens whose name carries the mark of an instance and that of a binding: the binding's counts.
    async fn marked_tokens(&self) -> Result<Vec<MarkedObject>, CallError> {
        let marked = self.tokens().all().await?.into_iter().filter_map(|Listed { id, name }| {
            let (before, mark) = name.rsplit_once('-')?;
            let (_, instance) = before.rsplit_once('-')?;
            let is_marked = is_hexadecimal(mark, 24) && is_hexadecimal(instance, 12);
            is_marked.then(|| MarkedObject { id, mark: mark.to_owned(), name: name.clone() })
        });
        Ok(marked.collect())
    }

    /// The list of tokens, with the digits that stand in the name of each that belongs to the instance: a token has no
    /// page of its own, and an instance may have many (B-PROV-16).
    fn dashboard(&self, mark: &str) -> String {
        format!("https://dash.cloudflare.com/{}/api-tokens#{mark}", self.tokens().client().account())
    }

    fn done(&self, known: &Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        Ok(Progress::Done(ProvisionedInstance {
            record: recorded::record(known)?,
            dashboard_url: Some(self.dashboard(&known.mark)),
            labels: Map::new(),
            attributes: Map::new(),
        }))
    }
}

/// What stands in the names of all tokens of an instance.
fn mark(instance: &Marker) -> String {
    instance.hex(12)
}

/// What it may ask of Cloudflare.
pub(super) fn product() -> &'static super::client::Product {
    minting::of_tokens()
}

#[async_trait]
impl Provider for Token {
    fn offering(&self) -> Offering {
        token::offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        Minter::recovery(step)
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = recorded::wanted(&step.instance.parameters)?;
        self.done(&self.resolve(&wanted, mark(step.marker)).await?)
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = recorded::wanted(&change.parameters)?;
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_revision(&step, &wanted).await,
            REVISE => self.revise(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.checkpoint.step.as_str() {
            // as a rule its bindings have been deleted before
            BEGIN => self.minter.revoke_all(|name| Self::is_of_instance(name, &mark(step.marker))).await,
            REVOKE => self.minter.revoke(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let known = known(step.instance)?;
        let name = Self::name(step.instance, &known, step.marker);
        self.minter.bind(&step, &OfPolicy { name, policies: known.policies }).await
    }

    async fn unbind(&self, step: Step<'_>, binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        self.minter.unbind(&step, binding).await
    }

    /// A policy is ours alone: there is nothing at the vendor that could differ.
    fn announced(&self, _instance: &InstanceFacts, marker: &Marker) -> Announced {
        Announced { dashboard_url: Some(self.dashboard(&mark(marker))), ..Announced::default() }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        known(instance)?;
        Ok(Observation::Found { attributes: Map::new(), drift: Vec::new() })
    }

    async fn needs(&self) -> Vec<Need> {
        self.minter.tokens().client().needs(&[product()]).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let objects = self.marked_tokens().await.map_err(|error| error.while_asking(LISTING))?;
        Ok(Listing::Objects { bearers: Bearers::Bindings, objects })
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.tokens().client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &sutler_spec::Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: Parameters = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = minting::problems(&wanted);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

fn known(instance: &InstanceFacts) -> Result<Known, ProviderError> {
    recorded::remembered(instance.record.as_ref()).ok_or_else(|| ProviderError::Unavailable {
        description: "the creation of the token policy is not finished".to_owned(),
        retry_after: None,
        sent: Sent::No,
    })
}
