//! When a certificate should be renewed (RFC 9773), as Let's Encrypt says it: one that was revoked, an hour ago.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sutler_broker_server::testing::pebble::Register;

use super::http::Answer;

/// Where the resource is.
const PATH: &str = "/renewal-info";

/// The directory, with the resource in it.
pub(super) fn offered(directory: Answer, gate: SocketAddr) -> Answer {
    let Ok(mut told) = serde_json::from_slice::<Value>(&directory.body) else { return directory };
    told["renewalInfo"] = json!(format!("https://{gate}{PATH}"));
    Answer { body: told.to_string().into_bytes(), ..directory }
}

/// The certificate that is asked about, if it is one that is asked about.
pub(super) fn certificate(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)?.strip_prefix('/')
}

/// What is said of a certificate; nothing when its register does not answer.
pub(super) async fn said(register: &Register, certificate: &str) -> Option<Answer> {
    let serial = certificate.split_once('.').and_then(|(_, serial)| URL_SAFE_NO_PAD.decode(serial).ok());
    let hex = |serial: &[u8]| serial.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let status = match &serial {
        Some(serial) => register.status(&hex(serial)).await.ok()?,
        None => None,
    };
    let hours = |hours: i64| Timestamp::now() + SignedDuration::from_hours(hours);
    Some(match status.as_deref() {
        Some("Revoked") => window(hours(-2), hours(-1)),
        Some(_) => window(hours(24), hours(48)),
        None => {
            let problem = json!({ "type": "urn:ietf:params:acme:error:malformed", "detail": "unknown" });
            answer(404, "application/problem+json", &problem)
        }
    })
}

fn window(start: Timestamp, end: Timestamp) -> Answer {
    answer(200, "application/json", &json!({ "suggestedWindow": { "start": start, "end": end } }))
}

fn answer(status: u16, kind: &str, body: &Value) -> Answer {
    let headers = [("content-type", kind), ("retry-after", "21600")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Answer { status, headers, body: body.to_string().into_bytes() }
}
