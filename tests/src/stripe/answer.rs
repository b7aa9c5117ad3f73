//! Refusals in Stripe's words, lists in its form, and what a call did.

use serde_json::{Value, json};

use super::ledger::Effect;
use crate::vendor::answer;

/// An answer before it is sent.
pub(crate) type Answer = answer::Answer<String>;

/// What an operation comes to.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) body: Value,
    pub(crate) effects: Vec<Effect>,
}

impl From<Value> for Done {
    fn from(body: Value) -> Self {
        Self { body, effects: Vec::new() }
    }
}

impl Done {
    /// An object with what happened to it.
    pub(crate) fn with(body: Value, effect: Effect) -> Self {
        Self { body, effects: vec![effect] }
    }
}

/// A failure, in the vendor's words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    kind: &'static str,
    pub(crate) code: Option<&'static str>,
    param: Option<String>,
    pub(crate) message: String,
}

impl Refusal {
    /// A request that cannot be.
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, kind: "invalid_request_error", code: None, param: None, message: message.into() }
    }

    /// The object in the path is not there.
    pub(crate) fn missing(what: &str, id: &str) -> Self {
        Self::new(404, format!("No such {what}: '{id}'")).code("resource_missing").param("id")
    }

    /// A failure of the vendor's own.
    pub(crate) fn broken(status: u16) -> Self {
        Self { kind: "api_error", ..Self::new(status, "Sorry, something went wrong on our side.") }
    }

    /// A key that is used in another way.
    pub(crate) fn idempotency(status: u16, code: Option<&'static str>, message: &str) -> Self {
        Self { kind: "idempotency_error", code, ..Self::new(status, message) }
    }

    pub(crate) fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    pub(crate) fn param(self, param: &str) -> Self {
        Self { param: Some(param.to_owned()), ..self }
    }

    /// Whether the request was turned away before anything began; then no key keeps the answer.
    pub(crate) fn is_of_validation(&self) -> bool {
        matches!(self.status, 401 | 403 | 429)
            || self.code.is_some_and(|code| code.starts_with("parameter") || code == "url_invalid")
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, kind, code, param, message } = refusal;
        let mut error = json!({ "type": kind, "message": message });
        if let Some(code) = code {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!("https://stripe.com/docs/error-codes/{code}").replace('_', "-"));
        }
        if let Some(param) = param {
            error["param"] = json!(param);
        }
        Self::json(status, json!({ "error": error }))
    }
}
