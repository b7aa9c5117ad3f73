//! An authority that does not hear, or hears and forgets, that a proof can be looked up.

use serde_json::json;

use super::http::{Answer, Request};

/// Where challenges are at Pebble.
const CHALLENGES: &str = "/chalZ/";

/// How the authority takes it to be told of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// It refuses (HTTP 400), and its own words hold this canary.
    Refuses(&'static str),
    /// It answers that all is well, and does nothing.
    Forgets,
}

/// How often it goes on so.
#[derive(Debug, Default)]
pub(super) struct Deafness {
    order: Option<(Hearing, u64)>,
    pub(super) struck: u64,
}

impl Deafness {
    pub(super) fn of(hearing: Hearing, times: u64) -> Self {
        Self { order: Some((hearing, times)), struck: 0 }
    }

    /// What happens to this call, if it tells of a proof.
    pub(super) fn strike(&mut self, request: &Request) -> Option<Hearing> {
        let (hearing, times) = self.order?;
        if !request.path.starts_with(CHALLENGES) || self.struck >= times {
            return None;
        }
        self.struck += 1;
        Some(hearing)
    }
}

/// The refusal of a call that is well-formed.
pub(super) fn refusal(canary: &str) -> Answer {
    let body = json!({ "type": "urn:ietf:params:acme:error:malformed", "detail": canary });
    let headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
    Answer { status: 400, headers, body: body.to_string().into_bytes() }
}

/// The challenge as it was, with a nonce without which nobody would believe it.
pub(super) fn forgotten(nonce: Option<String>) -> Answer {
    let body =
        json!({ "type": "dns-01", "url": "https://ca.example/forgotten", "status": "pending", "token": "t" });
    let nonce = nonce.map(|nonce| ("replay-nonce".to_owned(), nonce));
    let headers = nonce.into_iter().chain([("content-type".to_owned(), "application/json".to_owned())]);
    Answer { status: 200, headers: headers.collect(), body: body.to_string().into_bytes() }
}
