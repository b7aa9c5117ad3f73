//! The way to DNSimple: one account, one token, limits on time and size, and no address that is not ours.

mod answer;
mod call;
mod config;
mod credential;
mod error;
mod pages;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Method, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    budget::{AccountKey, Budget},
    providers::{Account, Sent, vendor},
};
use config::Target;

pub(super) use crate::providers::vendor::{Cursor, Endpoint, Unclear};
pub(super) use call::{Call, Table};
pub use config::{ConfigError, DnsimpleConfig};
pub(super) use error::CallError;

/// The longest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;
/// The period of DNSimple's limit on calls.
const BUDGET_PERIOD: Duration = Duration::from_secs(3_600);
/// How often DNSimple is asked how far it is, at most.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// Whose token it is; every provider may ask.
pub(super) static WHOAMI: Endpoint = Endpoint { method: Method::GET, template: "/whoami" };

/// Calls DNSimple for one account. Cheap to clone: all clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
    account: Account,
    poll_interval: Duration,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    target: Target,
    /// Whether the token is known to be of the account.
    verified: AtomicBool,
}

impl Client {
    /// Checks the configuration; connects to nothing.
    ///
    /// # Errors
    /// When a part of the configuration cannot be used; the error names it and never shows the token.
    pub fn new(config: &DnsimpleConfig) -> Result<Self, ConfigError> {
        let target = Target::check(config)?;
        let base = url::Url::parse(&target.base).map_err(|_| ConfigError::BaseUrl)?;
        let http = vendor::http_client(&base, target.call_timeout)?
            // a registration says nothing for a long time before it answers
            .read_timeout(target.call_timeout)
            .build()
            .map_err(|error| ConfigError::Http(error.without_url()))?;
        let budget = Budget::new(config.calls_per_hour, BUDGET_PERIOD);
        let account = Account::new(AccountKey::new("dnsimple", &target.account), budget);
        let inner = Inner { http, target, verified: AtomicBool::new(false) };
        Ok(Self { inner: Arc::new(inner), account, poll_interval: POLL_INTERVAL })
    }

    /// Says how often to ask how far DNSimple is, at most; five seconds if not called.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    pub(super) fn poll_interval(&self) -> Duration {
        self.poll_interval
    }

    /// What all calls of all clones count against.
    pub(super) fn budgeted(&self) -> &Account {
        &self.account
    }

    /// The account everything is done in.
    pub(super) fn account(&self) -> &str {
        &self.inner.target.account
    }

    /// How long a call may be under way; after twice as long none of ours arrives any more.
    pub(super) fn call_timeout(&self) -> Duration {
        self.inner.target.call_timeout
    }

    /// The calls of one table, and no others.
    pub(super) fn of(&self, table: &'static Table) -> Api {
        Api { client: self.clone(), table }
    }
}

/// What one provider may ask of DNSimple: the calls in its table (S-62).
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    table: &'static Table,
}

impl Api {
    /// The client behind it.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes one call and gives what it answers under `data`; `Null` when nothing.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Value, CallError> {
        Ok(self.whole(call).await?.data)
    }

    /// Makes one call and gives its answer as a type. A form we do not know is not an answer: what was done is unknown.
    pub(super) async fn typed<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, CallError> {
        let data = self.send(call).await?;
        serde_json::from_value(data).map_err(|_| CallError::incomplete(call.sent()))
    }

    /// Makes one call. Before the first one, DNSimple is asked whose token it is: in another account everything would
    /// seem to be gone.
    async fn whole(&self, call: &Call<'_>) -> Result<answer::Answer, CallError> {
        if !self.table.endpoints.contains(&call.endpoint) {
            tracing::error!(method = %call.endpoint.method, path = call.endpoint.template, "call not allowed");
            return Err(CallError::NotAllowed);
        }
        self.verify().await?;
        self.exchange(call).await
    }

    async fn verify(&self) -> Result<(), CallError> {
        let inner = &self.client.inner;
        if inner.verified.load(Ordering::Relaxed) {
            return Ok(());
        }
        let unsent = |error| match error {
            CallError::Unavailable { unclear, retry_after, .. } => {
                CallError::Unavailable { unclear, retry_after, sent: Sent::No }
            }
            // whoever has a token is somebody
            CallError::Missing => CallError::WrongAccount,
            other => other,
        };
        let whoami = self.exchange(&Call::new(&WHOAMI, &[])).await.map_err(unsent)?;
        let id = whoami.data.pointer("/account/id").and_then(Value::as_u64);
        if id.map(|id| id.to_string()).as_deref() != Some(self.client.account()) {
            return Err(CallError::WrongAccount);
        }
        inner.verified.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<answer::Answer, CallError> {
        let target = &self.client.inner.target;
        let url = call.url(&target.base, &target.account)?;
        let mut request = self
            .client
            .inner
            .http
            .request(call.endpoint.method.clone(), url.clone())
            .header(header::AUTHORIZATION, target.authorization.clone())
            .header(header::ACCEPT, "application/json");
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let sent = call.sent();
        self.client.account.count_call();
        let received = vendor::exchange(call.endpoint, request, (&url, MAX_ANSWER), sent).await;
        answer::read(self.table, sent, &received.map_err(CallError::unanswered)?)
    }
}
