//! Where traces go.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::Deserialize;
use serde_saphyr::Spanned;
use sutler_secrets::SecretString;

use super::{ConfigError, file::Meaning, secret::SecretSource};

/// Where traces are sent, by OTLP over HTTP.
#[derive(Debug)]
pub struct Otlp {
    /// The receiver, without a slash at the end; `/v1/traces` is added.
    pub endpoint: String,
    /// Headers of each request, such as `authorization`.
    pub headers: Vec<(String, SecretString)>,
    /// Which share of the requests is traced whose platform does not say, from 0 to 1.
    pub sample: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTelemetry {
    pub(super) otlp: Spanned<FileOtlp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileOtlp {
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, SecretSource>,
    sample: Option<f64>,
}

impl Meaning<'_> {
    pub(super) fn otlp(&mut self, otlp: Spanned<FileOtlp>, listen: SocketAddr) -> Result<Otlp, ConfigError> {
        let position = self.position(&otlp);
        let wrong = |message: String| ConfigError::Value { position: position.clone(), message };
        let FileOtlp { endpoint, headers, sample } = otlp.value;
        super::vendors::check_vendor_url(&endpoint).map_err(wrong)?;
        let sample = sample.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&sample) {
            return Err(wrong(format!("sample is {sample}; write a share from 0 to 1")));
        }
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let endpoint = endpoint.strip_suffix("/v1/traces").map_or(endpoint.clone(), str::to_owned);
        let mut read = Vec::new();
        for (name, source) in headers {
            if http::HeaderName::try_from(name.as_str()).is_err() {
                return Err(wrong(format!("'{name}' is no name of a header")));
            }
            read.push((name, self.secret(source, &position, listen)?));
        }
        Ok(Otlp { endpoint, headers: read, sample })
    }
}
