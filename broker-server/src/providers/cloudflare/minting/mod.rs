//! A token for each binding, for any service: made once, tried, handed over, and revoked with the binding.
//!
//! ```text
//! bind:   begin ──▶ mint ──▶ verify ──▶ done
//!                   │  ▲        └─▶ settle ─▶ done        (an attempt was in doubt: look for late twins)
//!   in doubt: ──▶ sweep (delete what carries our mark)
//!   no value, no condition, no use: ──▶ discard ──▶ failed
//! unbind: begin ──▶ revoke ──▶ revoke … ──▶ done
//!           └─▶ look_again                                (its making was never answered)
//! ```

mod mint;
mod policy;
mod revoke;
mod tokens;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sutler_catalog::cloudflare::token::Parameters;
use sutler_secrets::SecretString;

use super::{
    client::{CallError, Client, Product},
    recorded::{is_hexadecimal, unknown_step},
};
use crate::providers::{
    BEGIN, BindingFacts, CreatedBinding, MarkedObject, Marker, Progress, ProviderError, RecoveryClass, Step,
    StepName,
};
pub(super) use policy::{condition, is_condition, problems};
pub(super) use tokens::{Listed, MINTING, OF_TOKENS, PROBE, Terms, Tokens, VERIFICATION};

/// Makes the token.
pub(super) const MINT: &str = "mint";
/// Deletes a token whose value was lost.
pub(super) const SWEEP: &str = "sweep";
/// Makes sure that the token is what was asked for, and works.
pub(super) const VERIFY: &str = "verify";
/// Deletes tokens that arrived late.
pub(super) const SETTLE: &str = "settle";
/// Deletes a token that is not what was asked for.
pub(super) const DISCARD: &str = "discard";
/// Deletes a token.
pub(super) const REVOKE: &str = "revoke";
/// Looks for tokens that may have arrived late.
pub(super) const LOOK_AGAIN: &str = "look_again";

/// What users are told about looking.
pub(super) const LISTING: &str = "list the tokens of the account";

/// What the token of one binding is for.
#[async_trait]
pub(super) trait Purpose: Send + Sync {
    /// The token as it is to be. No vendor call.
    fn grant(&self, step: &Step<'_>) -> Result<Grant, ProviderError>;

    /// Whether the token does what it is for, asked with the token itself. A fresh one that is not accepted yet is given
    /// time: [`CallError::Credentials`] and [`CallError::Missing`] say so.
    async fn is_useful(&self, _token_id: &str, _token: &SecretString) -> Result<bool, CallError> {
        Ok(true)
    }

    /// What the binding gives.
    fn credentials(&self, token_id: &str, token: &SecretString) -> Map<String, Value>;
}

/// A token to be made.
pub(super) struct Grant {
    /// Its name: ends with the binding's mark, as [`name`] makes it.
    pub(super) name: String,
    /// What it may do, from where, and for how long: in the words of `cloudflare-token`.
    pub(super) wanted: Parameters,
    /// The policies in Cloudflare's form where they are known; they follow from `wanted` otherwise.
    pub(super) policies: Option<Value>,
}

/// The memory of a binding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Bound {
    pub(super) token_id: String,
}

/// Makes and revokes the tokens of bindings.
#[derive(Debug)]
pub(super) struct Minter {
    tokens: Tokens,
}

impl Minter {
    /// Tokens of the client's account, for a service whose bindings are tokens. Its calls are those of [`product`].
    pub(super) fn new(client: &Client) -> Self {
        Self { tokens: Tokens::for_minting(client) }
    }

    /// The same for a service that changes tokens too.
    pub(super) fn of(tokens: Tokens) -> Self {
        Self { tokens }
    }

    /// The tokens.
    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// How a step of a bind or unbind is resolved.
    pub(super) fn recovery(step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | VERIFY | LOOK_AGAIN => RecoveryClass::ReadOnly,
            MINT => RecoveryClass::ShownOnce,
            _ => RecoveryClass::Repeatable,
        }
    }

    /// A step of a bind.
    pub(super) async fn bind(
        &self,
        step: &Step<'_>,
        purpose: &impl Purpose,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        match step.name() {
            BEGIN => self.begin_binding(step).await,
            MINT => self.mint(step, &purpose.grant(step)?).await,
            SWEEP => self.sweep(step).await,
            VERIFY => self.verify(step, purpose).await,
            SETTLE => self.settle(step, purpose).await,
            DISCARD => self.discard(step).await,
            other => Err(unknown_step(other)),
        }
    }

    /// A step of an unbind.
    pub(super) async fn unbind(
        &self,
        step: &Step<'_>,
        binding: &BindingFacts,
    ) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => self.begin_unbinding(step, binding).await,
            LOOK_AGAIN => self.look_again(step).await,
            REVOKE => self.revoke(step).await,
            other => Err(unknown_step(other)),
        }
    }

    /// All tokens that [`name`] named for the word.
    pub(super) async fn marked(&self, word: &str) -> Result<Vec<MarkedObject>, CallError> {
        let all = self.tokens.all().await?.into_iter();
        let marked = all.filter_map(|Listed { id, name }| {
            let (before, mark) = name.rsplit_once('-')?;
            let is_of_word = before == word || before.ends_with(&format!("-{word}"));
            let is_marked = is_of_word && is_hexadecimal(mark, 24);
            is_marked.then(|| MarkedObject { id, mark: mark.to_owned(), name: name.clone() })
        });
        Ok(marked.collect())
    }
}

/// The name of a binding's token: for people, then a word that tells the service, then the binding's mark.
pub(super) fn name(hint: Option<&str>, word: &str, binding: &Marker) -> String {
    let digits = binding.hex(24);
    let named = binding.name(hint, 60);
    let slug = named.strip_suffix(&format!("-{digits}")).unwrap_or("osb");
    format!("{slug}-{word}-{digits}")
}

/// What may be asked of Cloudflare by any service whose bindings are tokens.
pub(super) fn product() -> &'static Product {
    &tokens::MINTING
}

/// What may be asked of Cloudflare by the service that changes tokens too.
pub(super) fn of_tokens() -> &'static Product {
    &tokens::TOKENS
}

/// Whether a token's name has the mark of a binding.
fn is_of_binding(name: &str, binding: &Marker) -> bool {
    name.ends_with(&format!("-{}", binding.hex(24)))
}
