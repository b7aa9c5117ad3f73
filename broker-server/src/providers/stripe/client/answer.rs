//! The form of Stripe's answers: what is a result, and what a refusal means.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use sutler_catalog::stripe::Mode;
use zeroize::Zeroizing;

use super::{
    CallError, Table, Unclear,
    error::{Cause, Reason},
};
use crate::{faults, providers::Sent};

/// An answer as it arrived. Its body may hold a signing secret: it is wiped when dropped.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    /// Stripe's own word on whether trying again helps (`Stripe-Should-Retry`).
    pub(super) should_retry: Option<bool>,
    /// It is the answer to an earlier call with the same key (`Idempotent-Replayed`).
    pub(super) replayed: bool,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Judges an answer by its HTTP status and by what it says itself.
pub(super) fn read(table: &Table, mode: Mode, sent: Sent, received: &Received) -> Result<Value, CallError> {
    let status = received.status.as_u16();
    let retry_after = received.retry_after;
    let unavailable = |unclear| CallError::Unavailable { unclear, retry_after, sent };
    if status == 429 {
        return Err(CallError::RateLimited { retry_after });
    }
    if status >= 500 && faults::mutant("server_error_means_absent") {
        return Err(CallError::Missing);
    }
    if status >= 500 || status == 408 || status == 424 {
        let is_final = received.replayed || received.should_retry == Some(false);
        let is_kept = is_final && sent == Sent::Perhaps && status != 408;
        return Err(if is_kept { CallError::KeyUsedUp } else { unavailable(Unclear::Failing(status)) });
    }
    let Ok(body @ Value::Object(_)) = serde_json::from_slice(&received.body) else {
        return Err(unavailable(Unclear::Foreign(status)));
    };
    if received.status.is_success() {
        return if is_result(&body) {
            own_mode(mode, body)
        } else {
            Err(unavailable(Unclear::Foreign(status)))
        };
    }
    let Some(error) = body.get("error").filter(|error| error.is_object()) else {
        return Err(unavailable(Unclear::Foreign(status)));
    };
    if received.should_retry == Some(true) && status != 409 {
        return Err(unavailable(Unclear::Failing(status)));
    }
    Err(refusal(table, (status, retry_after, sent), error))
}

/// An object, or a list of them; version 2 has lists without a type.
fn is_result(body: &Value) -> bool {
    body.get("object").is_some_and(Value::is_string) || body.get("data").is_some_and(Value::is_array)
}

/// What is of the other mode is not ours to know, let alone to change.
fn own_mode(mode: Mode, body: Value) -> Result<Value, CallError> {
    let is_other = |object: &Value| {
        object.get("livemode").and_then(Value::as_bool).is_some_and(|livemode| livemode != mode.is_live())
    };
    let listed = body.get("data").and_then(Value::as_array);
    if is_other(&body) || listed.is_some_and(|data| data.iter().any(is_other)) {
        return Err(CallError::WrongAccount);
    }
    Ok(body)
}

/// What a clear refusal means.
fn refusal(
    table: &Table,
    (status, retry_after, sent): (u16, Option<Duration>, Sent),
    error: &Value,
) -> CallError {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let (code, kind) = (text("code"), text("type"));
    // looked at, never shown
    let message = text("message").to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match status {
        401 | 403 => return CallError::Credentials(status),
        409 => return CallError::Unavailable { unclear: Unclear::Busy, retry_after, sent },
        404 if matches!(code, "resource_missing" | "not_found") => return CallError::Missing,
        _ => {}
    }
    if kind == "idempotency_error" || code == "idempotency_error" {
        return CallError::KeyUsedUp;
    }
    if matches!(code, "rate_limit" | "lock_timeout") {
        return CallError::RateLimited { retry_after };
    }
    if code == "resource_already_exists" || says(table.exists) {
        return CallError::Exists;
    }
    let cause = if says(table.limits) {
        Cause::Limit
    } else if says(table.in_use) {
        Cause::InUse
    } else {
        Cause::Other
    };
    CallError::Refused(Reason { status, code: word(code), parameter: word(text("param")), kind: cause })
}

/// A word of Stripe's that is fit to be told: short, and of the characters that its names are made of.
fn word(text: &str) -> Option<String> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_[]".contains(&byte));
    (!text.is_empty() && text.len() <= 80 && is_plain).then(|| text.to_owned())
}
