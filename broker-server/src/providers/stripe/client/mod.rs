//! The way to Stripe: one account, a key for each mode, limits on time and size, and no address that is not ours.

mod answer;
mod call;
mod config;
mod credential;
mod error;
mod form;
mod pages;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use sutler_catalog::stripe::Mode;

pub(super) use call::{Call, Key, Table};
pub use config::{ConfigError, StripeConfig};
pub(super) use error::CallError;

pub(super) use crate::providers::vendor::{Endpoint, Unclear};

use crate::{
    budget::{AccountKey, Budget},
    providers::{Account, Sent, vendor},
};
use answer::Received;
use config::Target;

/// The version of Stripe's interface that this code was written for; every call asks for it.
pub(crate) const VERSION: &str = "2026-10-28.endive";
/// The longest answer that is read.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Which account a key belongs to; every provider may ask.
pub(super) static ACCOUNT: Endpoint = Endpoint { method: Method::GET, template: "/v1/account" };

/// Calls Stripe for one account. Cheap to clone: all clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
    account: Account,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    target: Target,
    /// Whether the key of test, and of live mode, is known to be of the account.
    verified: [AtomicBool; 2],
}

impl Client {
    /// Checks the configuration; connects to nothing.
    ///
    /// # Errors
    /// When a part of the configuration cannot be used; the error names it and never shows a key.
    pub fn new(config: &StripeConfig) -> Result<Self, ConfigError> {
        let target = Target::check(config)?;
        let base = url::Url::parse(&target.base).map_err(|_| ConfigError::BaseUrl)?;
        let http = vendor::http_client(&base, target.call_timeout)?
            .build()
            .map_err(|error| ConfigError::Http(error.without_url()))?;
        let budget = Budget::new(config.calls_per_second, Duration::from_secs(1));
        let account = Account::new(AccountKey::new("stripe", &target.account), budget);
        Ok(Self { inner: Arc::new(Inner { http, target, verified: Default::default() }), account })
    }

    /// The modes that there is a key for.
    pub(super) fn modes(&self) -> Vec<Mode> {
        self.inner.target.authorizations.iter().map(|(mode, _)| *mode).collect()
    }

    /// What all calls of all clones count against.
    pub(super) fn budgeted(&self) -> &Account {
        &self.account
    }

    /// How long a call may be under way; after twice as long none of ours arrives any more.
    pub(super) fn call_timeout(&self) -> Duration {
        self.inner.target.call_timeout
    }

    /// The calls of one table, in one mode, and no others.
    pub(super) fn of(&self, table: &'static Table, mode: Mode) -> Api {
        Api { client: self.clone(), table, mode }
    }
}

/// What one provider may ask of Stripe in one mode: the calls in its table (S-62).
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    table: &'static Table,
    mode: Mode,
}

impl Api {
    /// Makes one call and reads its answer. Before the first one, Stripe is asked which account the key is of: with the
    /// key of another account everything would seem to be gone.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Value, CallError> {
        if !self.table.endpoints.contains(&call.endpoint) {
            tracing::error!(method = %call.endpoint.method, path = call.endpoint.template, "call not allowed");
            return Err(CallError::NotAllowed);
        }
        self.verify().await?;
        self.exchange(call).await
    }

    async fn verify(&self) -> Result<(), CallError> {
        let verified = &self.client.inner.verified[usize::from(self.mode.is_live())];
        if verified.load(Ordering::Relaxed) {
            return Ok(());
        }
        let unknown = |error| match error {
            CallError::Unavailable { unclear, retry_after, .. } => {
                CallError::Unavailable { unclear, retry_after, sent: Sent::No }
            }
            // whoever has a key has an account
            CallError::Missing => CallError::WrongAccount,
            other => other,
        };
        let account = self.exchange(&Call::read(&ACCOUNT, &[])).await.map_err(unknown)?;
        if account.get("id").and_then(Value::as_str) != Some(self.client.inner.target.account.as_str()) {
            return Err(CallError::WrongAccount);
        }
        verified.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Value, CallError> {
        let target = &self.client.inner.target;
        let url = call.url(&target.base)?;
        let authorization = target.authorizations.iter().find(|(mode, _)| *mode == self.mode);
        let (_, authorization) = authorization.ok_or(CallError::WrongAccount)?;
        let request = self
            .client
            .inner
            .http
            .request(call.endpoint.method.clone(), url.clone())
            .header(header::AUTHORIZATION, authorization.clone())
            .header(header::ACCEPT, "application/json")
            .header(STRIPE_VERSION, VERSION);
        let sent = call.sent();
        let request = filled(request, call).ok_or(CallError::Unaddressable)?;
        self.client.account.count_call();
        let received = vendor::exchange(call.endpoint, request, (&url, MAX_ANSWER), sent).await;
        let received = Received::from(received.map_err(CallError::unanswered)?);
        answer::read(self.table, self.mode, sent, &received)
    }
}

const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Adds body and key.
fn filled(request: reqwest::RequestBuilder, call: &Call<'_>) -> Option<reqwest::RequestBuilder> {
    let request = match &call.body {
        None => request,
        Some(body) if call::is_json(call.endpoint) => request.json(body),
        Some(body) => request.header(header::CONTENT_TYPE, FORM).body(form::encoded(body)),
    };
    match &call.key {
        None => Some(request),
        Some(key) => Some(request.header(IDEMPOTENCY_KEY, HeaderValue::from_str(key.as_str()).ok()?)),
    }
}
