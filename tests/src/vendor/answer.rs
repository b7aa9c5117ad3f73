//! An answer before it is sent.

use serde_json::Value;

use super::ledger::Effect;

/// An answer before it is sent; `Kind` is what the vendor calls its sorts of objects.
#[derive(Debug, Clone)]
pub(crate) struct Answer<Kind> {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// What the call did, for the ledger.
    pub(crate) effects: Vec<Effect<Kind>>,
    /// A test asked for this very answer, so the contract does not judge it.
    pub(crate) deliberate: bool,
}

/// What an answer carries.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Json(Value),
    Text { content_type: String, text: String },
    Empty,
}

impl<Kind> Answer<Kind> {
    /// HTTP 204.
    pub(crate) fn nothing() -> Self {
        Self { body: Body::Empty, ..Self::json(204, Value::Null) }
    }

    /// Any status and document.
    pub(crate) fn json(status: u16, body: Value) -> Self {
        let body = Body::Json(body);
        Self { status, headers: Vec::new(), body, effects: Vec::new(), deliberate: false }
    }

    /// Adds what the call did.
    pub(crate) fn with(mut self, effect: Effect<Kind>) -> Self {
        self.effects.push(effect);
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The codes of a refusal, where a vendor numbers them.
    pub(crate) fn codes(&self) -> Vec<i64> {
        let Body::Json(body) = &self.body else { return Vec::new() };
        let errors = body["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["code"].as_i64()).collect()
    }
}
