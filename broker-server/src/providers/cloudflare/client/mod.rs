//! The way to Cloudflare: one account, one token, limits on time and size, and no address that is not ours.

mod call;
mod config;
mod cursor;
mod envelope;
mod error;
mod pages;
mod probe;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode, header};
use reqwest::Response;
use zeroize::Zeroizing;

pub(super) use call::{Call, Endpoint, Product};
pub use config::{CloudflareConfig, ConfigError};
pub(super) use cursor::Cursor;
pub(super) use envelope::Answer;
pub(super) use error::{CallError, Unclear};
pub(super) use probe::{Place, Probe};

use crate::{
    budget::{AccountKey, Budget},
    faults,
    providers::{Account, Sent, egress},
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
        // reqwest is built without cipher suites of its own; if somebody chose some already, those are used
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = url::Url::parse(&target.base).map_err(|_| ConfigError::BaseUrl)?;
        let http = egress::client(&base, target.call_timeout)?
            .build()
            .map_err(|error| ConfigError::Http(error.without_url()))?;
        let budget = Budget::new(config.calls_per_five_minutes, BUDGET_PERIOD);
        let account = Account::new(AccountKey::new("cloudflare", &target.account), budget);
        Ok(Self { inner: Arc::new(Inner { http, target }), account, poll_interval: POLL_INTERVAL })
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

    /// How long a call may be under way; after twice as long none of ours arrives any more.
    pub(super) fn call_timeout(&self) -> Duration {
        self.inner.target.call_timeout
    }

    /// The calls of one product, and no others.
    pub(super) fn of(&self, product: &'static Product) -> Api {
        Api { client: self.clone(), product }
    }
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
        let started = std::time::Instant::now();
        let outcome = match faults::half_request("B09", &url).await {
            Ok(()) => self.exchange(request, sent).await,
            Err(_injected) => Err(CallError::Unavailable { unclear: Unclear::Lost, retry_after: None, sent }),
        };
        note(call.endpoint, &outcome, started.elapsed());
        let received = outcome?;
        envelope::read(self.product, sent, &received)
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, sent: Sent) -> Result<Received, CallError> {
        let lost = |_injected| CallError::Unavailable { unclear: Unclear::Lost, retry_after: None, sent };
        let answered = faults::race("B10", request.send()).await.map_err(lost)?;
        let mut response = answered.map_err(|error| CallError::unsent(&error, sent))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        faults::pass("B11").await.map_err(lost)?;
        let body = body(&mut response, sent).await?;
        Ok(Received { status, retry_after, body })
    }
}

/// An answer as it arrived. Its body may hold a token: it is wiped when dropped.
struct Received {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Zeroizing<Vec<u8>>,
}

/// Reads the body up to the limit.
async fn body(response: &mut Response, sent: Sent) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let too_long = || CallError::Unavailable { unclear: Unclear::TooLong, retry_after: None, sent };
    let announced = response.content_length().unwrap_or(0);
    if announced > MAX_ANSWER as u64 {
        return Err(too_long());
    }
    let mut body = Zeroizing::new(Vec::with_capacity(usize::try_from(announced).unwrap_or(0)));
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => return Err(too_long()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) => return Err(CallError::cut_off(&error, sent)),
        }
    }
}

/// The seconds of `Retry-After`; Cloudflare sends no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.min(300)))
}

fn note(endpoint: &Endpoint, outcome: &Result<Received, CallError>, duration: Duration) {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (method, path) = (&endpoint.method, endpoint.template);
    match outcome {
        Ok(received) => {
            let status = received.status.as_u16();
            tracing::debug!(%method, path, status, milliseconds, "vendor call");
        }
        Err(error) => tracing::debug!(%method, path, %error, milliseconds, "vendor call without answer"),
    }
}
