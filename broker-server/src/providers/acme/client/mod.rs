//! The way to a certificate authority that speaks ACME (RFC 8555): one account, signed requests, limits on time and size.
//!
//! ```text
//! read, change ──▶ nonce, signature ──▶ exchange ──▶ answer: only one with a fresh nonce is the authority's
//!                       ▲── a bad nonce: once more ──┘
//! ```

mod config;
mod credential;
mod error;
mod jws;
mod renewal;
mod resource;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode, header};
use reqwest::Response;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

pub use config::{AcmeConfig, ConfigError, ExternalAccount};
pub(super) use error::{CallError, Problem, Unclear, failed_but_usable};
use jws::base64url;
pub(super) use resource::{Order, Status};

use crate::{
    budget::{AccountKey, Budget},
    faults,
    providers::{Account, Sent, egress},
};
use config::Target;
use jws::Signatory;
use resource::Directory;

/// The longest answer that is read: a chain of certificates has some ten thousand bytes.
const MAX_ANSWER: usize = 256 * 1024;
/// How often a request is made whose nonce the authority does not like; it was not carried out then.
const NONCES: u32 = 8;
/// How long the directory is believed.
const DIRECTORY_KEPT: Duration = Duration::from_secs(60 * 60);
/// The longest wait that is asked for and kept.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// A fresh nonce is in every answer to a signed request that the authority gives (RFC 8555 section 6.5).
const REPLAY_NONCE: &str = "replay-nonce";

/// Calls one authority for one account. Cheap to clone: all clones share the connections.
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
    directory: Mutex<Option<(Instant, Arc<Directory>)>>,
    /// The account's URL, once the authority has said it. It never changes.
    account_url: OnceCell<String>,
    nonce: Mutex<Option<String>>,
    /// What the authority has said about renewals.
    suggestions: renewal::Suggestions,
}

/// How often the authority is asked how far it is, at most.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// An answer of success.
pub(super) struct Answer {
    /// What the header `Location` says.
    pub(super) location: Option<String>,
    /// How long the authority asks to wait before the next look.
    pub(super) retry_after: Option<Duration>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Client {
    /// Checks the configuration; connects to nothing.
    ///
    /// # Errors
    /// When a part of the configuration cannot be used; the error names it and never shows a key.
    pub fn new(config: &AcmeConfig) -> Result<Self, ConfigError> {
        let mut target = Target::check(config)?;
        // reqwest is built without cipher suites of its own; if somebody chose some already, those are used
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots = std::mem::take(&mut target.roots);
        let http = egress::client(&target.directory, config.call_timeout)?
            .tls_certs_merge(roots)
            .build()
            .map_err(|error| ConfigError::Http(error.without_url()))?;
        let budget = Budget::new(config.calls_per_minute, Duration::from_secs(60));
        let name =
            format!("{}#{}", target.directory.host_str().unwrap_or_default(), target.signer.thumbprint());
        let account = Account::new(AccountKey::new("acme", &name), budget);
        let inner = Inner {
            http,
            target,
            directory: Mutex::default(),
            account_url: OnceCell::new(),
            nonce: Mutex::default(),
            suggestions: renewal::Suggestions::default(),
        };
        Ok(Self { inner: Arc::new(inner), account, poll_interval: POLL_INTERVAL })
    }

    /// Says how often to ask how far the authority is, at most; five seconds if not called.
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

    /// What has to stand in the TXT record of a challenge with this token.
    pub(super) fn dns_value(&self, token: &str) -> String {
        self.inner.target.signer.dns_value(token)
    }

    /// Where the authority takes what; asked for now and then.
    async fn directory(&self) -> Result<Arc<Directory>, CallError> {
        let kept = self.inner.directory.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, directory)) = kept
            && since.elapsed() < DIRECTORY_KEPT
        {
            return Ok(directory);
        }
        let url = self.inner.target.directory.clone();
        let (status, _, body) = self.exchange(self.inner.http.get(url.clone()), (&url, Sent::No)).await?;
        let directory = serde_json::from_slice(&body).ok().filter(|_| status.is_success());
        let foreign = || CallError::unavailable(Unclear::Foreign(status.as_u16()), Sent::No);
        let directory: Arc<Directory> = directory.map(Arc::new).ok_or_else(foreign)?;
        let kept = Some((Instant::now(), directory.clone()));
        *self.inner.directory.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(directory)
    }

    /// The account's URL; `Missing` when there is no account yet.
    async fn account_url(&self) -> Result<&str, CallError> {
        let asked = self.inner.account_url.get_or_try_init(|| self.ask_for_account());
        Ok(asked.await?.as_str())
    }

    /// A nonce that was not used yet: the one of the last answer, or a new one.
    async fn nonce(&self) -> Result<String, CallError> {
        let kept = self.inner.nonce.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(nonce) = kept {
            return Ok(nonce);
        }
        let url = self.own(&self.directory().await?.new_nonce)?;
        let (status, headers, _) = self.exchange(self.inner.http.head(url.clone()), (&url, Sent::No)).await?;
        match nonce(&headers) {
            Some(nonce) if status.is_success() => Ok(nonce),
            _ => Err(CallError::of((status.as_u16(), None), retry_after(&headers), Sent::No)),
        }
    }

    /// A URL that the authority gave, if it is at the directory's origin: nobody is led elsewhere.
    fn own(&self, url: &str) -> Result<Url, CallError> {
        let url = Url::parse(url).map_err(|_| CallError::Elsewhere)?;
        let is_own = url.origin() == self.inner.target.directory.origin();
        if is_own { Ok(url) } else { Err(CallError::Elsewhere) }
    }

    /// Reads what is at a URL of the authority's (POST-as-GET).
    async fn read(&self, url: &str) -> Result<Answer, CallError> {
        let account = self.account_url().await?;
        self.signed(url, Signatory::Account(account), (None, Sent::No)).await
    }

    /// Asks for a change.
    async fn change(&self, url: &str, payload: &Value) -> Result<Answer, CallError> {
        let account = self.account_url().await?;
        self.signed(url, Signatory::Account(account), (Some(payload), Sent::Perhaps)).await
    }

    /// Makes a signed request, again while the authority calls its nonce a bad one.
    async fn signed(
        &self,
        url: &str,
        signatory: Signatory<'_>,
        (payload, sent): (Option<&Value>, Sent),
    ) -> Result<Answer, CallError> {
        let url = self.own(url)?;
        for _ in 0..NONCES {
            let nonce = self.nonce().await?;
            let signer = &self.inner.target.signer;
            let signed = signer.sign((url.as_str(), &nonce), signatory, payload);
            let signed = signed.ok_or(CallError::unavailable(Unclear::Unsigned, Sent::No))?;
            let request =
                self.inner.http.post(url.clone()).header(header::CONTENT_TYPE, "application/jose+json");
            let request = request.body(signed.to_string());
            let (status, headers, body) = self.exchange(request, (&url, sent)).await?;
            match self.judge((status, &headers), body, sent) {
                Err(error) if error.word() == "badNonce" => {}
                judged => return judged,
            }
        }
        Err(CallError::unavailable(Unclear::Nonce, Sent::No))
    }

    fn judge(
        &self,
        (status, headers): (StatusCode, &HeaderMap),
        body: Vec<u8>,
        sent: Sent,
    ) -> Result<Answer, CallError> {
        let fresh = nonce(headers);
        let is_fresh = fresh.is_some();
        if is_fresh {
            *self.inner.nonce.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        let retry_after = retry_after(headers);
        match status.is_success() {
            true if is_fresh => {
                let location = headers.get(header::LOCATION).and_then(|url| url.to_str().ok());
                Ok(Answer { location: location.map(str::to_owned), retry_after, body })
            }
            // a success without a nonce is somebody else's
            true => Err(CallError::unavailable(Unclear::Foreign(status.as_u16()), sent)),
            false => Err(refusal((status, headers), &body, sent)),
        }
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        (url, sent): (&Url, Sent),
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), CallError> {
        self.account.count_call();
        let lost = |_injected| CallError::unavailable(Unclear::Lost, sent);
        faults::half_request("B09", url).await.map_err(lost)?;
        let answered = faults::race("B10", request.send()).await.map_err(lost)?;
        let mut response = answered.map_err(|error| CallError::unsent(&error, sent))?;
        faults::pass("B11").await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body(&mut response, sent).await?;
        tracing::debug!(path = url.path(), status = status.as_u16(), "vendor call");
        Ok((status, headers, body))
    }
}

/// What an answer that is not one of success says.
fn refusal((status, headers): (StatusCode, &HeaderMap), body: &[u8], sent: Sent) -> CallError {
    let problem = serde_json::from_slice::<Problem>(body).ok().filter(Problem::is_of_the_standard);
    CallError::of((status.as_u16(), problem), retry_after(headers), sent)
}

/// Reads the body up to the limit.
async fn body(response: &mut Response, sent: Sent) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                return Err(CallError::unavailable(Unclear::TooLong, sent));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(_) => return Err(CallError::unavailable(Unclear::Lost, sent)),
        }
    }
}

fn nonce(headers: &HeaderMap) -> Option<String> {
    headers.get(REPLAY_NONCE)?.to_str().ok().map(str::to_owned)
}

/// `Retry-After`, as far as it is kept.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    asked_wait(headers).map(|wait| wait.min(LONGEST_WAIT))
}

/// `Retry-After`: seconds or a date (RFC 9110 section 10.2.3).
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            let wait = date.duration_since(jiff::Timestamp::now());
            Duration::try_from(wait).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let told = |text: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
            retry_after(&headers)
        };
        assert_eq!(told("90"), Some(Duration::from_secs(90)));
        assert_eq!(told("999999"), Some(LONGEST_WAIT));
        assert_eq!(told("Thu, 01 Dec 1994 16:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(told("Tue, 01 Jan 2199 00:00:00 GMT"), Some(LONGEST_WAIT));
        assert_eq!(told("soon"), None);
    }
}
