//! `cloudflare-token`: an instance is a policy, each of its bindings a token that is shown once.
//!
//! ```text
//! bind:   begin ──▶ mint ──▶ verify ──▶ done
//!                   │  ▲        └─▶ settle ─▶ done        (an attempt was in doubt: look for late twins)
//!   in doubt: ──▶ sweep (delete what carries our mark)
//!   no value, no condition: ──▶ discard ──▶ failed
//! update: begin ──▶ revise ──▶ revise … ──▶ done          (one token at a time)
//! unbind, deprovision: begin ──▶ revoke ──▶ revoke … ──▶ done
//! ```

mod discovery;
mod mint;
mod policy;
mod revise;
mod revoke;
#[cfg(test)]
mod tests;
mod tokens;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sutler_catalog::{
    Offering,
    cloudflare::token::{self, Parameters},
};
use sutler_spec::PlanId;

use super::{
    client::Client,
    recorded::{self, is_hexadecimal, unknown_step},
};
use crate::providers::{
    Account, Announced, BEGIN, Bearers, BindingFacts, Change, CreatedBinding, Discovery, InstanceFacts,
    Listing, Marker, Observation, Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass,
    Refusal, Sent, Step, StepName, Work,
};
use tokens::Tokens;

/// Makes the token.
const MINT: &str = "mint";
/// Deletes a token whose value was lost.
const SWEEP: &str = "sweep";
/// Makes sure that the token is what was asked for, and works.
const VERIFY: &str = "verify";
/// Deletes tokens that arrived late.
const SETTLE: &str = "settle";
/// Deletes a token that is not what was asked for.
const DISCARD: &str = "discard";
/// Gives a token the new policy.
const REVISE: &str = "revise";
/// Deletes a token.
const REVOKE: &str = "revoke";
/// Looks for tokens that may have arrived late.
const LOOK_AGAIN: &str = "look_again";

/// What users are told about looking.
const LISTING: &str = "list the tokens of the account";

/// Provides `cloudflare-token`.
#[derive(Debug)]
pub struct Token {
    tokens: Tokens,
}

/// The provider's memory of a policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    /// The instance's mark, in the names of all its tokens.
    mark: String,
    /// In Cloudflare's form, with the ids of the permission groups.
    policies: Value,
}

/// The provider's memory of a binding.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bound {
    token_id: String,
}

impl Token {
    /// Tokens of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { tokens: Tokens::new(client) }
    }

    /// Whether a token's name has the mark of a binding.
    fn is_of_binding(name: &str, binding: &Marker) -> bool {
        name.ends_with(&format!("-{}", binding.hex(24)))
    }

    /// Whether a token's name has the mark of an instance before that of any binding.
    fn is_of_instance(name: &str, mark: &str) -> bool {
        let mut parts = name.rsplitn(3, '-');
        let binding = parts.next().is_some_and(|binding| is_hexadecimal(binding, 24));
        binding && parts.next() == Some(mark)
    }

    /// The name of a binding's token: for people, then for us.
    fn name(instance: &InstanceFacts, known: &Known, binding: &Marker) -> String {
        let digits = binding.hex(24);
        let named = binding.name(instance.name.as_deref(), 60);
        let slug = named.strip_suffix(&format!("-{digits}")).unwrap_or("osb");
        format!("{slug}-{}-{digits}", known.mark)
    }

    /// Asks which permission groups there are, and makes the policies.
    async fn resolve(&self, wanted: &Parameters, mark: String) -> Result<Known, ProviderError> {
        let groups = self.tokens.groups().await;
        let groups = groups.map_err(|error| error.while_trying_to("list the permission groups"))?;
        let account = self.tokens.client().account();
        let policies = policy::policies(wanted, account, &groups)
            .map_err(|problem| ProviderError::refused(Refusal::Unsupported, problem))?;
        Ok(Known { mark, policies })
    }

    /// The list of tokens, with the digits that stand in the name of each that belongs to the instance: a token has no
    /// page of its own, and an instance may have many (B-PROV-16).
    fn dashboard(&self, mark: &str) -> String {
        format!("https://dash.cloudflare.com/{}/api-tokens#{mark}", self.tokens.client().account())
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
    &tokens::TOKENS
}

#[async_trait]
impl Provider for Token {
    fn offering(&self) -> Offering {
        token::offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | VERIFY | LOOK_AGAIN => RecoveryClass::ReadOnly,
            MINT => RecoveryClass::ShownOnce,
            _ => RecoveryClass::Repeatable,
        }
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
            BEGIN => self.begin_deletion(&step).await,
            REVOKE => self.revoke(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_binding(&step).await,
            MINT => self.mint(&step).await,
            SWEEP => self.sweep(&step).await,
            VERIFY => self.verify(&step).await,
            SETTLE => self.settle(&step).await,
            DISCARD => self.discard(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn unbind(&self, step: Step<'_>, binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_unbinding(&step, binding).await,
            LOOK_AGAIN => self.look_again(&step).await,
            REVOKE => self.revoke(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    /// A policy is ours alone: there is nothing at the vendor that could differ.
    fn announced(&self, _instance: &InstanceFacts, marker: &Marker) -> Announced {
        Announced { dashboard_url: Some(self.dashboard(&mark(marker))), ..Announced::default() }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        known(instance)?;
        Ok(Observation::Found { attributes: Map::new(), drift: Vec::new() })
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let objects = self.tokens.marked().await.map_err(|error| error.while_asking(LISTING))?;
        Ok(Listing::Objects { bearers: Bearers::Bindings, objects })
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.tokens.client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &sutler_spec::Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: Parameters = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = policy::problems(&wanted);
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
