//! The way to Cloudflare: one account, one token, limits on time and size, and no address that is not ours.

mod call;
mod config;
mod envelope;
mod error;
mod pages;
mod probe;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use http::header;

pub(super) use call::{Call, Product};
pub use config::{CloudflareConfig, ConfigError};
pub(super) use envelope::Answer;
pub(super) use error::CallError;
pub(super) use probe::{Place, Probe};

pub(super) use crate::providers::vendor::{Cursor, Endpoint, Unclear};

use crate::{
    budget::{AccountKey, Budget},
    providers::{Account, Sent, vendor},
};
use config::Target;

/// The longest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;

/// Calls Cloudflare for one account. Cheap to clone: all clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
    account: Account,
    poll_interval: Duration,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    /// For the S3 interface, where it is not Cloudflare's own.
    s3_http: Option<reqwest::Client>,
    target: Target,
}

/// How often Cloudflare is asked how far it is, at most: the account has four calls a second for everything.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The period of Cloudflare's limit on calls.
const BUDGET_PERIOD: Duration = Duration::from_secs(300);

impl Client {
    /// Checks the configuration; connects to nothing.
    ///
    /// # Errors
    /// When a part of the configuration cannot be used; the error names it and never shows the token.
    pub fn new(config: &CloudflareConfig) -> Result<Self, ConfigError> {
        let target = Target::check(config)?;
        let http = http(&target.base, target.call_timeout, ConfigError::BaseUrl)?;
        let s3_http = target.s3_base.as_deref();
        let s3_http =
            s3_http.map(|base| self::http(base, target.call_timeout, ConfigError::S3BaseUrl)).transpose()?;
        let budget = Budget::new(config.calls_per_five_minutes, BUDGET_PERIOD);
        let account = Account::new(AccountKey::new("cloudflare", &target.account), budget);
        Ok(Self { inner: Arc::new(Inner { http, s3_http, target }), account, poll_interval: POLL_INTERVAL })
    }

    /// Says how often to ask how far Cloudflare is, at most; five seconds if not called.
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

    /// Where R2's S3 interface is for buckets of a jurisdiction, in Cloudflare's word for it.
    pub(super) fn s3_endpoint(&self, jurisdiction: &str) -> String {
        let (account, base) = (self.account(), self.inner.target.s3_base.as_deref());
        match (base, jurisdiction) {
            (Some(base), _) => format!("{base}/{account}/{jurisdiction}"),
            (None, "default") => format!("https://{account}.r2.cloudflarestorage.com"),
            (None, _) => format!("https://{account}.{jurisdiction}.r2.cloudflarestorage.com"),
        }
    }

    /// What goes there.
    pub(super) fn s3_http(&self) -> &reqwest::Client {
        self.inner.s3_http.as_ref().unwrap_or(&self.inner.http)
    }

    /// How long a call may be under way; after twice as long none of ours arrives any more.
    pub(super) fn call_timeout(&self) -> Duration {
        self.inner.target.call_timeout
    }

    /// The calls of one product, and no others.
    pub(super) fn of(&self, product: &'static Product) -> Api {
        Api { client: self.clone(), product }
    }
}

/// A client for a root.
fn http(base: &str, call_timeout: Duration, otherwise: ConfigError) -> Result<reqwest::Client, ConfigError> {
    let base = url::Url::parse(base).map_err(|_| otherwise)?;
    let client = vendor::http_client(&base, call_timeout)?;
    client.build().map_err(|error| ConfigError::Http(error.without_url()))
}

/// What one provider may ask of Cloudflare: the calls in its product's table (S-62).
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    product: &'static Product,
}

impl Api {
    /// The table of its calls.
    pub(super) fn product(&self) -> &'static Product {
        self.product
    }

    /// The client behind it.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes one call and reads its answer.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        if !self.product.endpoints.contains(&call.endpoint) {
            tracing::error!(method = %call.endpoint.method, path = call.endpoint.template, "call not allowed");
            return Err(CallError::NotAllowed);
        }
        let target = &self.client.inner.target;
        let url = call.url(&target.base, &target.account)?;
        let authorization = match call.token {
            None => target.authorization.clone(),
            Some(token) => config::authorization(token).ok_or(CallError::incomplete(Sent::No))?,
        };
        let http = &self.client.inner.http;
        let mut request = http
            .request(call.endpoint.method.clone(), url.clone())
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json");
        for (name, value) in &call.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let sent = call.sent();
        self.client.account.count_call();
        let received = vendor::exchange(call.endpoint, request, (&url, MAX_ANSWER), sent).await;
        envelope::read(self.product, sent, &received.map_err(CallError::unanswered)?)
    }
}
