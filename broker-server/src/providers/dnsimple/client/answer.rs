//! The form of DNSimple's answers: what is a result, and what a refusal means.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{
    CallError, Table, Unclear,
    error::{Cause, Reason},
};
use crate::{
    faults,
    providers::{Sent, vendor::Received},
};

/// The longest wait that the limit on calls leads to: its whole period.
const LONGEST_WAIT: u64 = 3_600;

/// A success.
pub(super) struct Answer {
    /// What is under `data`; `Null` when nothing.
    pub(super) data: Value,
    /// How many there are on all pages of a list, when that is said.
    pub(super) total: Option<u64>,
}

/// Judges an answer by its HTTP status and by what it says itself.
pub(super) fn read(table: &Table, sent: Sent, received: &Received) -> Result<Answer, CallError> {
    let status = received.status.as_u16();
    let retry_after = received.retry_after();
    let unavailable = |unclear| CallError::Unavailable { unclear, retry_after, sent };
    if status == 429 {
        return Err(CallError::RateLimited { retry_after: retry_after.or_else(|| reset(received)) });
    }
    if status == 204 && received.body.is_empty() {
        return Ok(Answer { data: Value::Null, total: None });
    }
    if status >= 500 && faults::mutant("server_error_means_absent") {
        return Err(CallError::Missing);
    }
    if status >= 500 || status == 408 {
        return Err(unavailable(Unclear::Failing(status)));
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice(&received.body) else {
        return Err(unavailable(Unclear::Foreign(status)));
    };
    if received.status.is_success() {
        let total = body.get("pagination").and_then(|pages| pages["total_entries"].as_u64());
        let data = body.remove("data").ok_or_else(|| unavailable(Unclear::Foreign(status)))?;
        return Ok(Answer { data, total });
    }
    let message = body.get("message").and_then(Value::as_str);
    let Some(message) = message.filter(|_| received.status.is_client_error()) else {
        return Err(unavailable(Unclear::Foreign(status)));
    };
    Err(refusal(table, status, message, body.get("errors")))
}

/// When calls are let through again: DNSimple gives the time of day, in seconds.
fn reset(received: &Received) -> Option<Duration> {
    let at: u64 = received.header("x-ratelimit-reset")?.trim().parse().ok()?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(at.saturating_sub(now).clamp(1, LONGEST_WAIT)))
}

/// What a clear refusal means.
fn refusal(table: &Table, status: u16, message: &str, errors: Option<&Value>) -> CallError {
    match status {
        401 | 403 => return CallError::Credentials(status),
        402 => return CallError::Unpaid,
        404 => return CallError::Missing,
        _ => {}
    }
    let errors = errors.and_then(Value::as_object);
    let fields = errors.into_iter().flatten();
    // looked at, never shown
    let said: Vec<String> = fields.clone().map(|(_, said)| said.to_string().to_lowercase()).collect();
    let message = message.to_lowercase();
    let says = |phrases: &[&str]| {
        phrases.iter().any(|phrase| message.contains(phrase) || said.iter().any(|said| said.contains(phrase)))
    };
    if says(table.exists) {
        return CallError::Exists;
    }
    let cause = if says(table.in_use) {
        Cause::InUse
    } else if status == 412 {
        Cause::TooEarly
    } else {
        Cause::Other
    };
    let advice = table.advice.iter().find(|(known, _)| *known == status).map(|(_, advice)| *advice);
    let fields = fields.filter_map(|(name, _)| word(name)).take(5).collect();
    CallError::Refused(Reason { status, fields, cause, advice })
}

/// A name of DNSimple's that is fit to be told: short, and of the characters that its names are made of.
fn word(text: &str) -> Option<String> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    (!text.is_empty() && text.len() <= 60 && is_plain).then(|| text.to_owned())
}
