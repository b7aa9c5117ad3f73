//! HTTP as it is: any request, however malformed, and whatever comes back. Everything is remembered for the checks
//! that look at all answers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use http::Method;
use serde_json::Value;
use sutler_secrets::SecretString;

use super::{
    ConformanceError, Options,
    answer::{Answer, Endpoint},
    finding::Finding,
    tls,
};

/// How the platform proves who it is.
#[derive(Debug)]
pub enum Authentication {
    /// HTTP Basic.
    Basic {
        /// The username.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A bearer token.
    Bearer(SecretString),
}

/// What a request shows as its proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// What the operator gave first.
    Right,
    /// What the operator gave second.
    Second,
    /// The right username, another password.
    WrongPassword,
    /// A word that names no mechanism.
    UnknownScheme,
    None,
}

/// The way to the broker.
pub(super) struct Wire {
    client: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    authentication: Vec<Authentication>,
    answers: Mutex<Vec<Arc<Answer>>>,
}

impl Wire {
    pub(super) fn new(options: &mut Options) -> Result<Self, ConformanceError> {
        let url = url::Url::parse(&options.url).map_err(|_| ConformanceError::Url(options.url.clone()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ConformanceError::Url(options.url.clone()));
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::configuration(options.authorities_pem.as_deref())?)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(options.request_timeout)
            .no_proxy()
            .build()
            .map_err(ConformanceError::Client)?;
        Ok(Self {
            client,
            base: options.url.trim_end_matches('/').to_owned(),
            authentication: std::mem::take(&mut options.authentication),
            answers: Mutex::default(),
        })
    }

    /// A request as a well-behaved platform sends it.
    pub(super) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call {
            wire: self,
            method,
            path: path.into(),
            query: Vec::new(),
            headers: vec![
                ("x-broker-api-version".to_owned(), "2.17".to_owned()),
                ("x-broker-api-request-identity".to_owned(), uuid::Uuid::new_v4().to_string()),
                ("accept".to_owned(), "application/json".to_owned()),
            ],
            body: None,
            proof: Proof::Right,
        }
    }

    /// Every answer so far.
    pub(super) fn answers(&self) -> Vec<Arc<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.base.starts_with("https://")
    }

    pub(super) fn authentication(&self) -> &[Authentication] {
        &self.authentication
    }

    /// The value of the header, if the proof is one.
    pub(super) fn authorization(&self, proof: Proof) -> Option<String> {
        use base64::Engine as _;
        let basic = |username: &str, password: &str| {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
            format!("Basic {text}")
        };
        let value = |authentication: &Authentication| match authentication {
            Authentication::Basic { username, password } => basic(username, password.expose()),
            Authentication::Bearer(token) => format!("Bearer {}", token.expose()),
        };
        match proof {
            Proof::Right => self.authentication.first().map(value),
            Proof::Second => self.authentication.get(1).map(value),
            Proof::WrongPassword => Some(match self.authentication.first() {
                Some(Authentication::Basic { username, .. }) => basic(username, "surely-not-the-password"),
                _ => "Bearer surely-not-the-token".to_owned(),
            }),
            Proof::UnknownScheme => Some("Sutler-Unknown surely-nothing".to_owned()),
            Proof::None => None,
        }
    }

    fn remember(&self, answer: &Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(answer.clone()));
    }
}

/// A request that is not sent yet.
#[derive(Clone)]
pub(super) struct Call<'a> {
    wire: &'a Wire,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) proof: Proof,
}

impl Call<'_> {
    pub(super) fn query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// Another value for a header.
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        let bytes = body.to_string().into_bytes();
        self.raw(bytes, Some("application/json"))
    }

    /// Any bytes, with any type or none.
    pub(super) fn raw(mut self, body: impl Into<Vec<u8>>, content_type: Option<&str>) -> Self {
        self.body = Some(body.into());
        match content_type {
            Some(content_type) => self.header("content-type", content_type),
            None => self.without("content-type"),
        }
    }

    pub(super) fn proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Path and query as they go over the wire.
    pub(super) fn target(&self) -> String {
        let mut target = self.path.clone();
        if !self.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&self.query);
            target = format!("{target}?{}", query.finish());
        }
        target
    }

    /// Sends it and reads the whole answer.
    pub(super) async fn send(self) -> Result<Answer, Finding> {
        let call = format!("{} {}", self.method, self.path);
        let endpoint = Endpoint::of(&self.method, &self.path);
        let mut request =
            self.wire.client.request(self.method.clone(), format!("{}{}", self.wire.base, self.target()));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(value) = self.wire.authorization(self.proof) {
            request = request.header("authorization", value);
        }
        if let Some(body) = self.body.clone() {
            request = request.body(body);
        }
        let unanswered = |error: reqwest::Error| {
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let last = causes.last().map(ToString::to_string).unwrap_or_default();
            Finding::fails(format!("{call} got no answer: {last}"))
        };
        let started = Instant::now();
        let response = request.send().await.map_err(unanswered)?;
        let took = started.elapsed();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(unanswered)?.to_vec();
        let identity = self.headers.iter().find(|(name, _)| name == "x-broker-api-request-identity");
        let answer = Answer {
            endpoint,
            identity: identity.map(|(_, value)| value.clone()),
            query: self.query,
            json: serde_json::from_slice(&body).ok(),
            call,
            status,
            headers,
            body,
            took,
        };
        self.wire.remember(&answer);
        Ok(answer)
    }
}
