//! The form of Cloudflare's answers: what is a result, and what a refusal means.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CallError, Product, Received, Unclear};
use crate::{faults, providers::Sent};

/// The broker's token is not accepted, in whatever product.
const CREDENTIALS: &[i64] = &[10000, 9103, 9106, 9109, 6003, 6111];
/// The address means nothing to Cloudflare.
const MISROUTED: &[i64] = &[7000, 7003];
/// Slow down.
const THROTTLED: i64 = 971;

/// A result. Not printable: it may hold a token.
pub(crate) struct Answer {
    /// Whatever the product puts there; `Null` when nothing.
    pub(crate) result: Value,
    /// How many there are on all pages of a list, when that is said.
    pub(super) total: Option<u64>,
    /// Where the next page of a list begins, for products that say so; none after the last one.
    pub(crate) cursor: Option<String>,
    sent: Sent,
}

impl Answer {
    /// The result as a type. A form we do not know is not an answer: what was done is unknown.
    pub(crate) fn into<T: DeserializeOwned>(self) -> Result<T, CallError> {
        let sent = self.sent;
        serde_json::from_value(self.result).map_err(|_| CallError::incomplete(sent))
    }
}

/// Judges an answer by its HTTP status and by what it says itself.
pub(super) fn read(product: &Product, sent: Sent, received: &Received) -> Result<Answer, CallError> {
    let status = received.status.as_u16();
    let retry_after = received.retry_after;
    let unavailable = |unclear| CallError::Unavailable { unclear, retry_after, sent };
    if status == 429 {
        return Err(CallError::RateLimited { retry_after });
    }
    if status == 204 && received.body.is_empty() {
        return Ok(Answer { result: Value::Null, total: None, cursor: None, sent });
    }
    if status >= 500 && faults::mutant("server_error_means_absent") {
        return Err(CallError::Missing { code: 0 });
    }
    if status >= 500 || status == 408 {
        return Err(unavailable(Unclear::Failing(status)));
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&received.body) else {
        return Err(unavailable(Unclear::Foreign(status)));
    };
    let Some(success) = body.get("success").and_then(Value::as_bool) else {
        return Err(unavailable(Unclear::Foreign(status)));
    };
    let is_positive = received.status.is_success();
    if success && is_positive {
        let info = body.remove("result_info").unwrap_or(Value::Null);
        let total = info["total_count"].as_u64();
        let cursor = info["cursor"].as_str().filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        return Ok(Answer { result: body.remove("result").unwrap_or(Value::Null), total, cursor, sent });
    }
    let problems = Problems::of(body.get("errors"));
    let is_clear =
        !success && (received.status.is_client_error() || is_positive && problems.first().is_some());
    if !is_clear || problems.mention(product.transient) {
        return Err(unavailable(Unclear::Failing(status)));
    }
    Err(refusal(product, status, retry_after, &problems))
}

/// What a clear refusal means. The product's own codes come first: numbers repeat between products.
fn refusal(
    product: &Product,
    status: u16,
    retry_after: Option<std::time::Duration>,
    problems: &Problems<'_>,
) -> CallError {
    let code = problems.first();
    let known = product.advice.iter().find(|(known, _)| problems.any_of(&[*known]).is_some());
    let advice = known.map(|(_, advice)| *advice);
    let limit = problems.mention(&["limit", "quota", "maximum number"]);
    if let Some(code) = problems.any_of(product.missing) {
        CallError::Missing { code }
    } else if let Some(code) = problems.any_of(product.exists) {
        CallError::Exists { code }
    } else if problems.any_of(&[THROTTLED]).is_some() {
        CallError::RateLimited { retry_after }
    } else if status == 401 || problems.any_of(CREDENTIALS).is_some() {
        CallError::Credentials { status, code }
    } else if advice.is_some() {
        // such as a product that nobody has subscribed to: refused with 403, and no token would help
        CallError::Refused { status, code, advice, limit }
    } else if status == 403 {
        CallError::Credentials { status, code }
    } else if let Some(code) = problems.any_of(MISROUTED) {
        CallError::Misrouted { code }
    } else {
        CallError::Refused { status, code, advice, limit }
    }
}

/// The errors of an answer, and the errors behind them.
struct Problems<'a> {
    /// Code and message. The messages are looked at, never shown.
    found: Vec<(Option<i64>, &'a str)>,
}

impl<'a> Problems<'a> {
    fn of(errors: Option<&'a Value>) -> Self {
        let errors = errors.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let chains = errors.iter().filter_map(|error| error["error_chain"].as_array()).flatten();
        let all = errors.iter().chain(chains);
        Self {
            found: all
                .map(|error| (error["code"].as_i64(), error["message"].as_str().unwrap_or_default()))
                .collect(),
        }
    }

    fn first(&self) -> Option<i64> {
        self.found.iter().find_map(|(code, _)| *code)
    }

    fn any_of(&self, codes: &[i64]) -> Option<i64> {
        self.found.iter().filter_map(|(code, _)| *code).find(|code| codes.contains(code))
    }

    fn mention(&self, phrases: &[&str]) -> bool {
        self.found.iter().any(|(_, message)| {
            let message = message.to_lowercase();
            phrases.iter().any(|phrase| message.contains(phrase))
        })
    }
}
