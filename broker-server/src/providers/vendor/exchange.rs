//! One request and its answer as it arrived, within limits of time and size.

use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode, header};
use reqwest::{RequestBuilder, Response};
use url::Url;
use zeroize::Zeroizing;

use super::{Endpoint, Unclear};
use crate::{faults, providers::Sent};

/// The longest wait that a vendor may ask for; after it, it is asked again.
const LONGEST_WAIT: u64 = 300;

/// An answer as it arrived. Its body may hold a secret: it is wiped when dropped.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Received {
    /// A header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The seconds of `Retry-After`; none of our vendors sends dates.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(header::RETRY_AFTER.as_str())?.trim().parse::<u64>().ok()?;
        Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
    }
}

/// There was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    /// What happened.
    pub(crate) unclear: Unclear,
    /// Whether the call may have changed something.
    pub(crate) sent: Sent,
}

/// Sends a request and reads its answer, up to `limit` bytes of it. `sent` is what an answer that does not come means.
pub(crate) async fn exchange(
    endpoint: &Endpoint,
    request: RequestBuilder,
    (url, limit): (&Url, usize),
    sent: Sent,
) -> Result<Received, NoAnswer> {
    let started = Instant::now();
    let outcome = match faults::half_request("B09", url).await {
        Ok(()) => received(request, limit, sent).await,
        Err(_injected) => Err(NoAnswer { unclear: Unclear::Lost, sent }),
    };
    note(endpoint, &outcome, started.elapsed());
    outcome
}

async fn received(request: RequestBuilder, limit: usize, sent: Sent) -> Result<Received, NoAnswer> {
    let lost = NoAnswer { unclear: Unclear::Lost, sent };
    let answered = faults::race("B10", request.send()).await.map_err(|_injected| lost)?;
    let mut response = answered.map_err(|error| unsent(&error, sent))?;
    let (status, headers) = (response.status(), response.headers().clone());
    faults::pass("B11").await.map_err(|_injected| lost)?;
    let body = body(&mut response, limit, sent).await?;
    Ok(Received { status, headers, body })
}

/// Sending failed. Only what happened before a connection stood is certain not to have arrived.
fn unsent(error: &reqwest::Error, sent: Sent) -> NoAnswer {
    if error.is_connect() || error.is_builder() {
        NoAnswer { unclear: Unclear::Unreachable, sent: Sent::No }
    } else {
        NoAnswer { unclear: Unclear::Lost, sent }
    }
}

/// Reads the body up to the limit.
async fn body(response: &mut Response, limit: usize, sent: Sent) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
    let too_long = NoAnswer { unclear: Unclear::TooLong, sent };
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit {
        return Err(too_long);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(announced));
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_long),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(_cut_off) => return Err(NoAnswer { unclear: Unclear::Lost, sent }),
        }
    }
}

fn note(endpoint: &Endpoint, outcome: &Result<Received, NoAnswer>, duration: Duration) {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (method, path) = (&endpoint.method, endpoint.template);
    match outcome {
        Ok(received) => {
            let status = received.status.as_u16();
            tracing::debug!(%method, path, status, milliseconds, "vendor call");
        }
        Err(NoAnswer { unclear, .. }) => {
            tracing::debug!(%method, path, error = %unclear, milliseconds, "vendor call without answer");
        }
    }
}
