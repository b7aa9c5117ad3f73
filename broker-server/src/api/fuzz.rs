//! What parses the bytes of strangers, for fuzzing. Each takes anything; it must neither panic nor take long, and
//! what it promises is checked on the way (S-66).

use std::time::Duration;

use sutler_spec::{BindRequest, ProvisionRequest, UpdateRequest, instance_path};

use super::{auth::presented, call::Query, json, route::Route};
use crate::wire::{Framing, Pace, Rules};

const RULES: Rules = Rules {
    head: 2_000,
    target: 500,
    head_deadline: Duration::from_secs(1),
    keep_alive: Duration::from_secs(1),
    answer: Pace { total: Duration::from_secs(1), grace: Duration::from_secs(1), rate: 1 },
};

/// A stream of requests. However it is cut into pieces, the same requests are seen in it.
///
/// # Panics
/// When the pieces make a difference.
pub fn framing(bytes: &[u8]) {
    let whole = passed(bytes, bytes.len().max(1));
    for size in [1, 7] {
        assert_eq!(passed(bytes, size), whole, "in pieces of {size}");
    }
}

/// How many bytes are let through, or that something is refused.
fn passed(bytes: &[u8], size: usize) -> Option<usize> {
    let mut framing = Framing::new(RULES);
    let (mut passed, mut end) = (0, 0);
    while end < bytes.len() {
        end = (end + size).min(bytes.len());
        while passed < end {
            let unseen = &bytes[passed..end];
            let length = if framing.in_body() {
                framing.body(unseen).ok()?
            } else {
                match framing.head(unseen).ok()? {
                    Some(length) => length,
                    None => break,
                }
            };
            assert!(length > 0 && length <= unseen.len(), "it goes on");
            passed += length;
        }
    }
    Some(passed)
}

/// A request body. What is accepted is JSON for others, too, and a refusal is one line.
///
/// # Panics
/// When it is not.
pub fn body(bytes: &[u8]) {
    let accepted = [
        json::read::<ProvisionRequest>(bytes, &["service_id", "plan_id"]).map(drop),
        json::read::<UpdateRequest>(bytes, &["service_id"]).map(drop),
        json::read::<BindRequest>(bytes, &[]).map(drop),
    ];
    for outcome in accepted {
        match outcome {
            Ok(()) => assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_ok()),
            Err(message) => assert!(!message.chars().any(char::is_control), "{message:?}"),
        }
    }
}

/// A path. An id that is found in it leads back to the same id.
///
/// # Panics
/// When it leads elsewhere.
pub fn path(text: &str) {
    for method in ["GET", "PUT", "PATCH", "DELETE", "BREW"] {
        if let Ok(route) = Route::parse(method, text)
            && let (Some(id), None) = route.subject()
        {
            let again = Route::parse("GET", &instance_path(id));
            assert_eq!(again, Ok(Route::FetchInstance(id.clone())));
        }
    }
}

/// A query.
pub fn query(text: &str) {
    let query = Query::read(text);
    let _ = (query.asynchrony(), query.ids(), query.last_operation());
}

/// An `Authorization` header.
pub fn authorization(text: &str) {
    let _ = presented(text);
}
