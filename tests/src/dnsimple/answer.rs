//! The envelope of every answer, the pages a list is cut into, and refusals in DNSimple's words.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::ledger::Kind;
use crate::vendor::call::Call;
use crate::vendor::{answer, rate};

/// An answer before it is sent.
pub(crate) type Answer = answer::Answer<Kind>;

impl Answer {
    /// This under `data`.
    pub(crate) fn data(status: u16, data: Value) -> Self {
        Self::json(status, json!({ "data": data }))
    }
}

/// A failure, in the vendor's words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    field: Option<(&'static str, &'static str)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), field: None }
    }

    /// What is asked for is not there.
    pub(crate) fn missing(what: &str, id: &str) -> Self {
        Self::new(404, format!("{what} `{id}` not found"))
    }

    /// A field is wrong.
    pub(crate) fn field(name: &'static str, problem: &'static str) -> Self {
        Self { field: Some((name, problem)), ..Self::new(400, "Validation failed") }
    }
}

impl From<Refusal> for Answer {
    fn from(Refusal { status, message, field }: Refusal) -> Self {
        let mut body = json!({ "message": message });
        if let Some((name, problem)) = field {
            body["errors"] = Value::Object(Map::from_iter([(name.to_owned(), json!([problem]))]));
        }
        Self::json(status, body)
    }
}

/// The answer while calls are refused. DNSimple gives the time of day at which they are let through again.
pub(crate) fn too_many(left: Duration) -> Answer {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let reset = u128::from(now.as_secs()) + rate::seconds(left);
    Answer::from(Refusal::new(429, "quota exceeded")).header("x-ratelimit-reset", reset)
}

/// The page of `items` that the call asks for.
pub(crate) fn page(call: &Call, items: Vec<Value>) -> Result<Answer, Refusal> {
    let page = number(call, "page", 1)?;
    let per_page = number(call, "per_page", 30)?.min(100);
    let total = items.len();
    let skipped = (page - 1).saturating_mul(per_page);
    let items: Vec<Value> = items.into_iter().skip(skipped).take(per_page).collect();
    let pages = total.div_ceil(per_page).max(1);
    let info = json!({
        "current_page": page, "per_page": per_page, "total_entries": total, "total_pages": pages,
    });
    Ok(Answer::json(200, json!({ "data": items, "pagination": info })))
}

fn number(call: &Call, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = call.query_value(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Refusal::new(400, format!("invalid query parameter: {name}")))
}
