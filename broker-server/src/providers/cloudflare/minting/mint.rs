//! Binding: one token, whose value is seen once. What was lost is deleted and made anew.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sutler_secrets::SecretString;
use sutler_spec::{BindingBody, BindingMetadata};

use super::{
    super::{
        client::CallError,
        recorded::{self, at, next},
    },
    Bound, DISCARD, Grant, LISTING, MINT, Minter, Purpose, SETTLE, SWEEP, Terms, VERIFY, is_of_binding,
    policy,
};
use crate::{
    faults,
    providers::{Attempt, CreatedBinding, Progress, ProviderError, Refusal, Repeatability, Step, Usability},
};

/// How long a fresh token is given until it is accepted everywhere.
const FRESH: Duration = Duration::from_secs(30);

/// A token to be made.
#[derive(Serialize, Deserialize)]
struct Minting {
    /// An earlier attempt may have made a token that nobody has seen.
    doubt: bool,
}

/// A token that was made. Sealed like every checkpoint.
#[derive(Clone, Serialize, Deserialize)]
struct Fresh {
    token_id: String,
    token: String,
    expires_on: Option<String>,
    doubt: bool,
    looks: u32,
}

/// A token that is not what it should be.
#[derive(Serialize, Deserialize)]
struct Flawed {
    token_id: String,
    flaw: String,
}

impl Minter {
    /// Nothing was made yet, unless earlier work left something: a token that has the binding's mark is foreign.
    pub(super) async fn begin_binding(
        &self,
        step: &Step<'_>,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        if self.of_binding(step).await?.is_empty() {
            return next(MINT, &Minting { doubt: false });
        }
        // an earlier bind came further than this and failed: nobody has its token's value any more
        if !step.checkpoint.data.is_null() {
            return next(SWEEP, &Minting { doubt: true });
        }
        let description = "a token with the name that this binding's token would get exists in the account and was not \
                           made by this broker; it is left alone";
        Err(ProviderError::refused(Refusal::Conflict, description))
    }

    /// Makes the token. If an attempt is in doubt, what it made is of no use: nobody knows the value.
    pub(super) async fn mint(
        &self,
        step: &Step<'_>,
        grant: &Grant,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let Minting { doubt } = recorded::data(step.checkpoint)?;
        let doubt = doubt || step.attempt == Attempt::Again;
        if step.attempt == Attempt::Again && !self.of_binding(step).await?.is_empty() {
            return next(SWEEP, &Minting { doubt });
        }
        let terms = self.terms(grant).await?;
        let minted = self.tokens.mint(&terms).await;
        let minted = minted.map_err(|error| error.while_trying_to("make the token"))?;
        let token_id = minted.id;
        match minted.value {
            None => next(DISCARD, &Flawed { token_id, flaw: "Cloudflare did not show its value".to_owned() }),
            Some(value) => {
                let (token, expires_on) = (value.into_inner(), terms.expires_on);
                next(VERIFY, &Fresh { token_id, token, expires_on, doubt, looks: 0 })
            }
        }
    }

    /// Deletes one token with the binding's mark, until there is none.
    pub(super) async fn sweep(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        match self.of_binding(step).await?.first() {
            None => next(MINT, &Minting { doubt: true }),
            Some(id) => {
                let deleted = self.tokens.delete(id).await;
                deleted.map_err(|error| error.while_trying_to("delete the token whose value was lost"))?;
                next(SWEEP, &Minting { doubt: true })
            }
        }
    }

    /// Looks whether the token is restricted as asked for, is accepted, and does what it is for.
    pub(super) async fn verify(
        &self,
        step: &Step<'_>,
        purpose: &impl Purpose,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let fresh: Fresh = recorded::data(step.checkpoint)?;
        let condition = policy::condition(&purpose.grant(step)?.wanted);
        let shown = match self.tokens.read(&fresh.token_id).await {
            Ok(shown) => shown,
            Err(CallError::Missing { .. }) => return self.wait(fresh),
            Err(error) => return Err(error.while_trying_to("look at the new token")),
        };
        if !policy::is_condition(shown.condition.as_ref(), condition.as_ref()) {
            return flawed(fresh, "Cloudflare did not restrict it to the addresses asked for");
        }
        if shown.expires_on.is_none() && fresh.expires_on.is_some() {
            return flawed(fresh, "Cloudflare did not limit its life");
        }
        // a token for other addresses cannot be tried from here
        if condition.is_none() {
            let token = SecretString::from(fresh.token.as_str());
            let tried = match self.tokens.is_active(&token).await {
                Ok(false) => return flawed(fresh, "it is not active"),
                Ok(true) => purpose.is_useful(&fresh.token_id, &token).await,
                Err(error) => Err(error),
            };
            match tried {
                Ok(true) => {}
                Ok(false) => return flawed(fresh, "it does not do what it is for"),
                Err(CallError::Credentials { .. } | CallError::Missing { .. }) => return self.wait(fresh),
                Err(error) => return Err(error.while_trying_to("try the new token")),
            }
        }
        if !fresh.doubt {
            return Ok(Progress::Done(bound(&fresh, purpose)?));
        }
        Ok(Progress::Pending {
            checkpoint: at(SETTLE, &fresh)?,
            after: self.tokens.client().call_timeout() * 2,
            description: "making sure that no second token arrives late".to_owned(),
        })
    }

    /// Deletes one token with the binding's mark that is not the one we know, until there is none.
    pub(super) async fn settle(
        &self,
        step: &Step<'_>,
        purpose: &impl Purpose,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let fresh: Fresh = recorded::data(step.checkpoint)?;
        match self.of_binding(step).await?.iter().find(|id| **id != fresh.token_id) {
            None => Ok(Progress::Done(bound(&fresh, purpose)?)),
            Some(_) if faults::mutant("twins_kept") => Ok(Progress::Done(bound(&fresh, purpose)?)),
            Some(twin) => {
                let deleted = self.tokens.delete(twin).await;
                deleted.map_err(|error| error.while_trying_to("delete a second token of the binding"))?;
                next(SETTLE, &fresh)
            }
        }
    }

    /// Deletes what must not be used.
    pub(super) async fn discard(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        let Flawed { token_id, flaw } = recorded::data(step.checkpoint)?;
        let deleted = self.tokens.delete(&token_id).await;
        deleted.map_err(|error| error.while_trying_to("delete the token that cannot be used"))?;
        Err(ProviderError::Failed {
            description: format!("the new token was deleted again: {flaw}. Try again with a new binding"),
            usable: Usability::Usable,
            repeat: Repeatability::Repeatable,
        })
    }

    /// A fresh token is not known everywhere at once.
    fn wait(&self, fresh: Fresh) -> Result<Progress<CreatedBinding>, ProviderError> {
        let interval = self.tokens.client().poll_interval();
        let most = FRESH.as_millis() / interval.as_millis().max(1);
        if u128::from(fresh.looks) >= most.clamp(3, 30) {
            return flawed(fresh, "Cloudflare did not accept it");
        }
        let looks = fresh.looks + 1;
        Ok(Progress::Pending {
            checkpoint: at(VERIFY, &Fresh { looks, ..fresh })?,
            after: interval,
            description: "waiting until the new token is accepted everywhere".to_owned(),
        })
    }

    async fn of_binding(&self, step: &Step<'_>) -> Result<Vec<String>, ProviderError> {
        let found = self.tokens.find(|name| is_of_binding(name, step.marker)).await;
        found.map_err(|error| error.while_trying_to(LISTING))
    }

    async fn terms(&self, grant: &Grant) -> Result<Terms, ProviderError> {
        let lives = grant.wanted.ttl_hours.map(|hours| SignedDuration::from_hours(i64::from(hours)));
        let policies = match &grant.policies {
            Some(policies) => policies.clone(),
            None => self.tokens.policies(&grant.wanted).await?,
        };
        Ok(Terms {
            name: grant.name.clone(),
            condition: policy::condition(&grant.wanted),
            policies,
            // to the second, or Cloudflare refuses it
            expires_on: lives
                .map(|lives| (Timestamp::now() + lives).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            not_before: None,
            status: None,
        })
    }
}

fn flawed(fresh: Fresh, flaw: &str) -> Result<Progress<CreatedBinding>, ProviderError> {
    next(DISCARD, &Flawed { token_id: fresh.token_id, flaw: flaw.to_owned() })
}

fn bound(fresh: &Fresh, purpose: &impl Purpose) -> Result<CreatedBinding, ProviderError> {
    let credentials = purpose.credentials(&fresh.token_id, &SecretString::from(fresh.token.as_str()));
    let expires_at = fresh.expires_on.as_deref().map(|time| time.replace('Z', ".0Z"));
    let expires_at = expires_at.and_then(|time| sutler_spec::Timestamp::new(time).ok());
    let metadata = expires_at.map(|at| BindingMetadata { expires_at: Some(at), renew_before: None });
    Ok(CreatedBinding {
        record: recorded::record(&Bound { token_id: fresh.token_id.clone() })?,
        body: BindingBody {
            metadata,
            credentials: Some(credentials.into_iter().collect()),
            ..BindingBody::default()
        },
    })
}
