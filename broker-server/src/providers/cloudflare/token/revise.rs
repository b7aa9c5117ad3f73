//! Changing the policy: of later tokens at once, of those that exist one after the other.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sutler_catalog::cloudflare::token::Parameters;

use super::{
    super::{
        client::CallError,
        minting::{self, LISTING, Terms},
        recorded::{self, next},
    },
    Known, REVISE, Token, known,
};
use crate::providers::{Progress, ProviderError, ProvisionedInstance, Repeatability, Step, Usability};

/// A change of policy under way.
#[derive(Serialize, Deserialize)]
struct Revision {
    known: Known,
    /// The ids of the tokens that still have the old policy.
    remaining: Vec<String>,
}

impl Token {
    /// Makes the new policies and lists the tokens that have to get them.
    pub(super) async fn begin_revision(
        &self,
        step: &Step<'_>,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let before = known(step.instance)?;
        let present: Parameters = recorded::wanted(&step.instance.parameters)?;
        let known = self.resolve(wanted, before.mark.clone()).await?;
        let is_same = known.policies == before.policies && wanted.allowed_ips == present.allowed_ips;
        if is_same {
            return self.done(&known);
        }
        let tokens = self.tokens().find(|name| Self::is_of_instance(name, &known.mark)).await;
        let remaining = tokens.map_err(|error| error.while_trying_to(LISTING))?;
        self.go_on(Revision { known, remaining })
    }

    /// Gives one token the new policy; all else about it stays.
    pub(super) async fn revise(
        &self,
        step: &Step<'_>,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let mut revision: Revision = recorded::data(step.checkpoint)?;
        if let Some(id) = revision.remaining.pop() {
            let condition = minting::condition(wanted);
            match self.replace(&id, &revision.known, condition.as_ref()).await {
                Ok(Some(shown)) if !minting::is_condition(shown.condition.as_ref(), condition.as_ref()) => {
                    return Err(unrestricted());
                }
                // it was revoked meanwhile
                Ok(_) | Err(CallError::Missing { .. }) => {}
                Err(error) => return Err(error.while_completing("give a token the new policy")),
            }
        }
        self.go_on(revision)
    }

    /// Replaces the terms of a token, and says which it has then; one that has expired stays as it is.
    async fn replace(
        &self,
        id: &str,
        known: &Known,
        condition: Option<&Value>,
    ) -> Result<Option<Terms>, CallError> {
        let present = self.tokens().read(id).await?;
        if present.status.as_deref() == Some("expired") {
            return Ok(None);
        }
        let terms = Terms { policies: known.policies.clone(), condition: condition.cloned(), ..present };
        self.tokens().replace(id, &terms).await.map(Some)
    }

    fn go_on(&self, revision: Revision) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        if revision.remaining.is_empty() { self.done(&revision.known) } else { next(REVISE, &revision) }
    }
}

fn unrestricted() -> ProviderError {
    ProviderError::Failed {
        description:
            "Cloudflare did not restrict a token to the addresses asked for; unbind it, or update again"
                .to_owned(),
        usable: Usability::Usable,
        repeat: Repeatability::Repeatable,
    }
}
