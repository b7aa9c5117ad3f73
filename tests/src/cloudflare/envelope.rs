//! The envelope every answer comes in, and the pages a list is cut into.

use std::time::Duration;

use serde_json::{Value, json};

use super::ledger::Kind;
use crate::vendor::call::Call;
use crate::vendor::{answer, rate};

pub(crate) use crate::vendor::answer::Body;

/// An answer before it is sent.
pub(crate) type Answer = answer::Answer<Kind>;

impl Answer {
    /// HTTP 200 with this result.
    pub(crate) fn result(result: Value) -> Self {
        Self::json(200, json!({"success": true, "errors": [], "messages": [], "result": result}))
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

/// The answer while calls are refused.
pub(crate) fn too_many(left: Duration) -> Answer {
    let seconds = rate::seconds(left);
    Answer::from(Refusal::new(429, 971, "too many requests"))
        .header("retry-after", seconds)
        .header("ratelimit", format!("\"default\";r=0;t={seconds}"))
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
