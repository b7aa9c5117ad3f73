//! Revoking: every token that carries the mark, whether its id was recorded or not.

use serde::{Deserialize, Serialize};

use super::{
    super::recorded::{self, at, is_hexadecimal, next},
    Bound, LISTING, LOOK_AGAIN, Minter, REVOKE, is_of_binding,
};
use crate::providers::{BindingFacts, Progress, ProviderError, Step};

/// Tokens to be deleted.
#[derive(Serialize, Deserialize)]
struct Revocation {
    remaining: Vec<String>,
}

impl Minter {
    /// Finds the binding's token: the recorded one, and any that carries its mark.
    pub(super) async fn begin_unbinding(
        &self,
        step: &Step<'_>,
        binding: &BindingFacts,
    ) -> Result<Progress<()>, ProviderError> {
        let recorded: Option<Bound> = recorded::remembered(binding.record.as_ref());
        let recorded = recorded.map(|bound| bound.token_id).filter(|id| is_hexadecimal(id, 32));
        let is_certain = recorded.is_some();
        let mut remaining = self.named(|name| is_of_binding(name, step.marker)).await?;
        let unlisted = recorded.filter(|id| !remaining.contains(id));
        remaining.extend(unlisted);
        if remaining.is_empty() && !is_certain {
            return Ok(Progress::Pending {
                checkpoint: at(LOOK_AGAIN, &())?,
                after: self.tokens.client().call_timeout() * 2,
                description: "making sure that no token arrives late".to_owned(),
            });
        }
        go_on(Revocation { remaining })
    }

    /// The token that nobody has seen may have arrived after the first look.
    pub(super) async fn look_again(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let remaining = self.named(|name| is_of_binding(name, step.marker)).await?;
        go_on(Revocation { remaining })
    }

    /// Goes on with the deletion of every token whose name is accepted.
    pub(in super::super) async fn revoke_all(
        &self,
        is_it: impl Fn(&str) -> bool + Send,
    ) -> Result<Progress<()>, ProviderError> {
        go_on(Revocation { remaining: self.named(is_it).await? })
    }

    /// Deletes one token.
    pub(in super::super) async fn revoke(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let mut revocation: Revocation = recorded::data(step.checkpoint)?;
        if let Some(id) = revocation.remaining.pop() {
            let deleted = self.tokens.delete(&id).await;
            deleted.map_err(|error| error.while_trying_to("revoke the token"))?;
        }
        go_on(revocation)
    }

    async fn named(&self, is_it: impl Fn(&str) -> bool + Send) -> Result<Vec<String>, ProviderError> {
        self.tokens.find(is_it).await.map_err(|error| error.while_trying_to(LISTING))
    }
}

fn go_on(revocation: Revocation) -> Result<Progress<()>, ProviderError> {
    if revocation.remaining.is_empty() { Ok(Progress::Done(())) } else { next(REVOKE, &revocation) }
}
