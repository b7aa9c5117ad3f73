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

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Response;
use serde_json::Value;
use sutler_catalog::stripe::Mode;
use zeroize::Zeroizing;

pub(super) use call::{Call, Endpoint, Key, Table};
pub use config::{ConfigError, StripeConfig};
pub(super) use error::{CallError, Unclear};

use crate::{
    budget::{AccountKey, Budget},
    faults,
    providers::{Account, Sent, egress},
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
        // reqwest is built without cipher suites of its own; if somebody chose some already, those are used
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = url::Url::parse(&target.base).map_err(|_| ConfigError::BaseUrl)?;
        let http = egress::client(&base, target.call_timeout)?
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
        let started = std::time::Instant::now();
        let outcome = match faults::half_request("B09", &url).await {
            Ok(()) => received(request, sent).await,
            Err(_injected) => Err(CallError::lost(sent)),
        };
        note(call.endpoint, &outcome, started.elapsed());
        answer::read(self.table, self.mode, sent, &outcome?)
    }
}

const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Adds body and key.
fn filled(request: reqwest::RequestBuilder, call: &Call<'_>) -> Option<reqwest::RequestBuilder> {
    let request = match &call.body {
        None => request,
        Some(body) if call.endpoint.is_json() => request.json(body),
        Some(body) => request.header(header::CONTENT_TYPE, FORM).body(form::encoded(body)),
    };
    match &call.key {
        None => Some(request),
        Some(key) => Some(request.header(IDEMPOTENCY_KEY, HeaderValue::from_str(key.as_str()).ok()?)),
    }
}

async fn received(request: reqwest::RequestBuilder, sent: Sent) -> Result<Received, CallError> {
    let answered = faults::race("B10", request.send()).await.map_err(|_injected| CallError::lost(sent))?;
    let mut response = answered.map_err(|error| CallError::unsent(&error, sent))?;
    let status = response.status();
    let headers = response.headers().clone();
    faults::pass("B11").await.map_err(|_injected| CallError::lost(sent))?;
    let body = body(&mut response, sent).await?;
    let says =
        |name: &str, word: &str| text(&headers, name).is_some_and(|value| value.eq_ignore_ascii_case(word));
    let should_retry = match (says("stripe-should-retry", "true"), says("stripe-should-retry", "false")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    if let Some(id) = text(&headers, "request-id").filter(|id| is_request_id(id)) {
        // the only thing that Stripe's support asks for
        tracing::debug!(vendor_request = id, status = status.as_u16(), "vendor answer");
    }
    let replayed = says("idempotent-replayed", "true");
    Ok(Received { status, retry_after: retry_after(&headers), should_retry, replayed, body })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn is_request_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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
            Err(_) => return Err(CallError::lost(sent)),
        }
    }
}

/// The seconds of `Retry-After`; Stripe sends no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = text(headers, "retry-after")?.trim().parse::<u64>().ok()?;
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
