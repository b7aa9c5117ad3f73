//! Sending traces: OTLP over HTTP with protobuf, to the one address that is configured.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use tokio::runtime::Handle;

use super::TelemetryError;
use crate::config::Otlp;

/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The path of the signal, under the endpoint.
const PATH: &str = "v1/traces";
/// The most of an answer that is read: it only tells which spans were not wanted.
const LARGEST_ANSWER: usize = 64 << 10;

/// Builds the exporter.
pub(super) fn build(otlp: &Otlp, runtime: &Handle) -> Result<SpanExporter, TelemetryError> {
    // reqwest is built without a choice of its own; a second installation changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        // S-28: nowhere else, whatever the receiver or the environment says
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(TelemetryError::Client)?;
    let headers =
        otlp.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/{PATH}", otlp.endpoint))
        .with_timeout(PATIENCE)
        .with_headers(headers)
        .with_http_client(Sender { client, runtime: runtime.clone() })
        .build()?;
    Ok(exporter)
}

/// Sends from the runtime: the exporter's own thread has none.
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(send(client, request)).await?
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let request = reqwest::Request::try_from(request).map_err(reqwest::Error::without_url)?;
    let mut answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err("the answer is too large".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body.into())?)
}
