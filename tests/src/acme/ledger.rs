//! What went through the gate: which calls, what they changed, which certificates there are.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::http::{Answer, Request};

/// A call as the authority was asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Whether it asked for a change.
    pub is_change: bool,
    /// The status that the authority answered.
    pub status: u16,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) calls: Vec<Seen>,
    /// The orders for which a certificate was issued, and the certificate once somebody has fetched it (DER in base64).
    issued: BTreeMap<String, Option<String>>,
    /// Which order a certificate's address belongs to.
    addresses: BTreeMap<String, String>,
}

impl Ledger {
    /// Writes down what the authority did.
    pub(super) fn enter(&mut self, request: &Request, answer: &Answer) {
        let payload = payload(request);
        let only_asks = payload.as_ref().is_some_and(|payload| payload["onlyReturnExisting"] == true);
        let is_change = payload.is_some() && !only_asks;
        let (method, path) = (request.method.clone(), request.path.clone());
        self.calls.push(Seen { method, path: path.clone(), is_change, status: answer.status });
        if !(200..300).contains(&answer.status) {
            return;
        }
        let id = path.rsplit('/').next().unwrap_or_default().to_owned();
        let told = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        let said =
            |name: &str| payload.as_ref().and_then(|payload| payload[name].as_str()).map(str::to_owned);
        if said("csr").is_some() {
            self.issued.entry(id).or_default();
        } else if let Some(certificate) = said("certificate") {
            let der = URL_SAFE_NO_PAD.decode(certificate).map(|der| STANDARD.encode(der)).ok();
            self.issued.retain(|_, issued| issued.is_none() || *issued != der);
        } else if let Some(url) = told["certificate"].as_str() {
            let certificate = url.rsplit('/').next().unwrap_or_default();
            self.addresses.insert(certificate.to_owned(), id);
        } else if let Some(issued) = self.addresses.get(&id).and_then(|order| self.issued.get_mut(order))
            && let Some(der) = first_certificate(&answer.body)
        {
            *issued = Some(der);
        }
    }

    /// What names the certificates that were issued and not revoked.
    pub(super) fn certificates(&self) -> Vec<String> {
        self.issued.keys().cloned().collect()
    }
}

/// What a signed request asks for; none if it only reads.
fn payload(request: &Request) -> Option<Value> {
    let signed: Value = serde_json::from_slice(&request.body).ok()?;
    let payload = URL_SAFE_NO_PAD.decode(signed["payload"].as_str()?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// The first certificate of a chain, DER in base64 without line breaks.
fn first_certificate(pem: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    Some(body.split_whitespace().collect())
}
