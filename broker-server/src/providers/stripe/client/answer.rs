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
use crate::{
    faults,
    providers::{Sent, vendor},
};

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

impl From<vendor::Received> for Received {
    fn from(received: vendor::Received) -> Self {
        let says = |name: &str, word: &str| {
            received.header(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        let should_retry = match (says("stripe-should-retry", "true"), says("stripe-should-retry", "false")) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        if let Some(id) = received.header("request-id").filter(|id| is_request_id(id)) {
            // the only thing that Stripe's support asks for
            tracing::debug!(vendor_request = id, status = received.status.as_u16(), "vendor answer");
        }
        let replayed = says("idempotent-replayed", "true");
        let retry_after = received.retry_after();
        Self { status: received.status, retry_after, should_retry, replayed, body: received.body }
    }
}

fn is_request_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static TABLE: Table = Table {
        endpoints: &[],
        exists: &["already uses that lookup key"],
        limits: &["reached the maximum of"],
        in_use: &["cannot be deleted because"],
    };

    fn received(status: u16, body: &Value) -> Received {
        Received {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            should_retry: None,
            replayed: false,
            body: Zeroizing::new(serde_json::to_vec(body).unwrap()),
        }
    }

    fn told(received: &Received) -> Result<Value, CallError> {
        read(&TABLE, Mode::Test, Sent::Perhaps, received)
    }

    fn error(status: u16, error: &Value) -> CallError {
        told(&received(status, &json!({ "error": error }))).unwrap_err()
    }

    fn is_unknown(error: &CallError) -> bool {
        matches!(error, CallError::Unavailable { sent: Sent::Perhaps, .. })
    }

    #[test]
    fn a_refusal_is_told_by_status_code_and_the_words_we_know() {
        let says = |message: &str| json!({ "type": "invalid_request_error", "message": message });
        let coded =
            |code: &str| json!({ "type": "invalid_request_error", "code": code, "message": "hunter2" });
        for (status, body, expected) in [
            (404, coded("resource_missing"), CallError::Missing),
            (404, coded("not_found"), CallError::Missing),
            (400, coded("resource_already_exists"), CallError::Exists),
            (400, says("A price (`price_1`) already uses that lookup key."), CallError::Exists),
            (401, says("Invalid API Key provided: sk_test_****"), CallError::Credentials(401)),
            (403, says("no"), CallError::Credentials(403)),
            (429, coded("lock_timeout"), CallError::RateLimited { retry_after: None }),
            (400, json!({ "type": "idempotency_error", "message": "no" }), CallError::KeyUsedUp),
        ] {
            assert_eq!(error(status, &body), expected, "{status} {body}");
        }
        for (message, cause) in [
            ("You have reached the maximum of 16 test webhook endpoints.", Cause::Limit),
            ("This product cannot be deleted because it has one or more user-created prices.", Cause::InUse),
            ("Unrecognized request URL (GET: /v1/nowhere).", Cause::Other),
        ] {
            let found = error(400, &says(message));
            assert!(matches!(&found, CallError::Refused(reason) if reason.kind == cause), "{found:?}");
        }
        assert!(is_unknown(&error(409, &coded("idempotency_key_in_use"))), "an earlier attempt is under way");
        assert!(is_unknown(&error(424, &coded("external_dependency_failed"))));
    }

    #[test]
    fn an_object_that_a_parameter_names_is_not_the_object_that_was_asked_for() {
        let body = json!({ "type": "invalid_request_error", "code": "resource_missing", "param": "product",
                           "message": "No such product: 'hunter2'" });
        let found = error(400, &body);
        assert!(matches!(found, CallError::Refused(_)), "{found:?}");
        let said = found.describe("make the price");
        assert!(
            said.contains("resource_missing") && said.contains("product") && !said.contains("hunter2"),
            "{said}"
        );
        let strange = json!({ "type": "x", "code": "Hunter 2", "param": "hunter2;", "message": "hunter2" });
        assert!(!error(400, &strange).describe("x").to_lowercase().contains("hunter"));
    }

    #[test]
    fn a_failure_that_is_repeated_uses_the_key_up_and_any_other_is_unknown() {
        let failure = json!({ "error": { "type": "api_error", "message": "oops" } });
        assert!(is_unknown(&told(&received(500, &failure)).unwrap_err()));
        let replayed = Received { replayed: true, ..received(500, &failure) };
        assert_eq!(told(&replayed).unwrap_err(), CallError::KeyUsedUp);
        let final_word = Received { should_retry: Some(false), ..received(500, &failure) };
        assert_eq!(told(&final_word).unwrap_err(), CallError::KeyUsedUp);
        let read_again = read(&TABLE, Mode::Test, Sent::No, &replayed).unwrap_err();
        assert!(matches!(read_again, CallError::Unavailable { sent: Sent::No, .. }), "a read has no key");
        let again = Received { should_retry: Some(true), ..received(400, &failure) };
        assert!(is_unknown(&told(&again).unwrap_err()), "Stripe's own word counts first");
    }

    #[test]
    fn what_is_not_the_interface_says_nothing() {
        for (status, body) in [
            (200, json!("a page")),
            (200, json!({ "success": true })),
            (404, json!({ "message": "no such page" })),
            (400, json!({ "error": "bad" })),
        ] {
            assert!(is_unknown(&told(&received(status, &body)).unwrap_err()), "{status} {body}");
        }
        let html = Received { body: Zeroizing::new(b"<html>".to_vec()), ..received(404, &json!(null)) };
        assert!(is_unknown(&told(&html).unwrap_err()));
    }

    #[test]
    fn an_object_of_the_other_mode_is_not_ours_alone_and_in_lists() {
        let object = |livemode: bool| json!({ "object": "product", "livemode": livemode });
        assert!(told(&received(200, &object(false))).is_ok());
        assert_eq!(told(&received(200, &object(true))).unwrap_err(), CallError::WrongAccount);
        let list = json!({ "object": "list", "data": [object(false), object(true)] });
        assert_eq!(told(&received(200, &list)).unwrap_err(), CallError::WrongAccount);
        assert!(told(&received(200, &json!({ "object": "product", "deleted": true }))).is_ok());
    }
}
