//! What comes back, as it is.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::finding::Finding;

/// Which endpoint a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Catalog,
    Provision,
    FetchInstance,
    Update,
    Deprovision,
    PollInstance,
    Bind,
    FetchBinding,
    Unbind,
    PollBinding,
    Other,
}

impl Endpoint {
    pub(super) fn of(method: &Method, path: &str) -> Self {
        if path.split('/').any(|segment| sutler_spec::decode_segment(segment).is_err()) {
            // nothing has such a path
            return Self::Other;
        }
        let segments: Vec<&str> = path.trim_start_matches("/v2/").split('/').collect();
        match (segments.as_slice(), method.as_str()) {
            (["catalog"], "GET") => Self::Catalog,
            (["service_instances", _], "PUT") => Self::Provision,
            (["service_instances", _], "GET") => Self::FetchInstance,
            (["service_instances", _], "PATCH") => Self::Update,
            (["service_instances", _], "DELETE") => Self::Deprovision,
            (["service_instances", _, "last_operation"], "GET") => Self::PollInstance,
            (["service_instances", _, "service_bindings", _], "PUT") => Self::Bind,
            (["service_instances", _, "service_bindings", _], "GET") => Self::FetchBinding,
            (["service_instances", _, "service_bindings", _], "DELETE") => Self::Unbind,
            (["service_instances", _, "service_bindings", _, "last_operation"], "GET") => Self::PollBinding,
            _ => Self::Other,
        }
    }
}

/// An answer, and what it answers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) endpoint: Endpoint,
    /// Method and path, for people. Query values and bodies are left out.
    pub(super) call: String,
    pub(super) query: Vec<(String, String)>,
    /// The request identity that was sent.
    pub(super) identity: Option<String>,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) json: Option<Value>,
    pub(super) took: Duration,
}

impl Answer {
    /// The answer, if its status is one of these.
    pub(super) fn is(&self, expected: &[u16]) -> Result<&Self, Finding> {
        if expected.contains(&self.status) {
            return Ok(self);
        }
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        Err(Finding::fails(format!("{}, expected {}", self.said(), expected.join(" or "))))
    }

    /// The answer, if it is 422 with this error.
    pub(super) fn is_refused_as(&self, error: &str) -> Result<&Self, Finding> {
        self.is(&[422])?;
        match self.text("error") {
            Some(code) if code == error => Ok(self),
            code => Err(Finding::fails(format!(
                "{} with the error {}, expected {error}",
                self.said(),
                code.unwrap_or("left out")
            ))),
        }
    }

    /// The body, if it is a JSON object.
    pub(super) fn object(&self) -> Result<&Map<String, Value>, Finding> {
        self.json
            .as_ref()
            .and_then(Value::as_object)
            .ok_or_else(|| Finding::fails(format!("{}, whose body is no JSON object", self.said())))
    }

    /// A text of the body.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.json.as_ref()?.get(key)?.as_str()
    }

    /// A member of the body.
    pub(super) fn member(&self, key: &str) -> Option<&Value> {
        self.json.as_ref()?.get(key)
    }

    /// The operation that a 202 hands out.
    pub(super) fn operation(&self) -> Option<&str> {
        self.text("operation")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Call and status, and for errors the description. Bodies of successes can hold secrets and are never shown.
    pub(super) fn said(&self) -> String {
        let reason = (self.status >= 400).then(|| self.text("description")).flatten();
        let reason: String = reason.unwrap_or_default().chars().take(160).collect();
        let reason = if reason.is_empty() { reason } else { format!(" “{reason}”") };
        format!("{} answered {}{reason}", self.call, self.status)
    }
}
