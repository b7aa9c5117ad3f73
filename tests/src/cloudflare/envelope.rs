//! The envelope every answer comes in, and the pages a list is cut into.

use serde_json::{Value, json};

use super::call::Call;
use super::ledger::Effect;

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// What the call did, for the ledger.
    pub(crate) effects: Vec<Effect>,
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

impl Answer {
    /// HTTP 200 with this result.
    pub(crate) fn result(result: Value) -> Self {
        Self::json(200, json!({"success": true, "errors": [], "messages": [], "result": result}))
    }

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
    pub(crate) fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

/// A failure, in the vendor's words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) chain: Option<(i64, &'static str)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: i64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), chain: None }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut problem = json!({"code": refusal.code, "message": refusal.message});
        if let Some((code, message)) = refusal.chain {
            problem["error_chain"] = json!([{"code": code, "message": message}]);
        }
        let body = json!({"success": false, "errors": [problem], "messages": [], "result": null});
        Self::json(refusal.status, body)
    }
}

/// The sizes a list may be cut into.
pub(crate) struct PageRule {
    pub(crate) default: usize,
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// Some products leave the number of pages out.
    pub(crate) counts_pages: bool,
    /// The product's code for a bad request.
    pub(crate) bad_request: i64,
}

impl PageRule {
    /// The page of `items` that the call asks for.
    pub(crate) fn cut(&self, call: &Call, items: Vec<Value>) -> Result<Answer, Refusal> {
        let page = self.number(call, "page", 1, 1..=usize::MAX)?;
        let per_page = self.number(call, "per_page", self.default, self.least..=self.most)?;
        let total = items.len();
        let skipped = (page - 1).saturating_mul(per_page);
        let items: Vec<Value> = items.into_iter().skip(skipped).take(per_page).collect();
        let mut info =
            json!({"page": page, "per_page": per_page, "count": items.len(), "total_count": total});
        if self.counts_pages {
            info["total_pages"] = json!(total.div_ceil(per_page));
        }
        let mut answer = Answer::result(Value::Array(items));
        if let Body::Json(body) = &mut answer.body {
            body["result_info"] = info;
        }
        Ok(answer)
    }

    fn number(
        &self,
        call: &Call,
        name: &str,
        default: usize,
        allowed: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, Refusal> {
        let Some(text) = call.query_value(name) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| allowed.contains(number))
            .ok_or_else(|| Refusal::new(400, self.bad_request, format!("invalid query parameter: {name}")))
    }
}
