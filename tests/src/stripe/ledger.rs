//! What was asked and what became of it; only ever appended to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Call;

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 in the order the calls took effect.
    pub sequence: u64,
    /// The HTTP method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The body, decoded.
    pub body: Value,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
    /// The operation of the contract, when there is one.
    pub operation: Option<String>,
    /// The HTTP status; none when the connection was closed before the work.
    pub status: Option<u16>,
    /// Whether the answer is one that was kept under the key.
    pub replayed: bool,
    /// What was created, changed or deleted.
    pub effects: Vec<Effect>,
    /// What broke the contract.
    pub contract_violations: Vec<String>,
    /// The faults that struck this call.
    pub faults: Vec<String>,
    /// Whether an answer was sent.
    pub answered: bool,
}

impl Entry {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            sequence: 0,
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            body: call.body.clone().unwrap_or(Value::Null),
            key: call.key.clone(),
            operation: None,
            status: None,
            replayed: false,
            effects: Vec::new(),
            contract_violations: Vec::new(),
            faults: Vec::new(),
            answered: true,
        }
    }
}

/// One change to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What happened.
    pub action: EffectAction,
    /// Stripe's word for the sort of object.
    pub object: String,
    /// Its id.
    pub id: String,
}

impl Effect {
    pub(crate) fn new(action: EffectAction, object: &str, id: &str) -> Self {
        Self { action, object: object.to_owned(), id: id.to_owned() }
    }
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectAction {
    /// It did not exist before.
    Created,
    /// It is another now.
    Changed,
    /// It no longer exists.
    Deleted,
}

/// The list of calls.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Vec<Entry>);

impl Ledger {
    pub(crate) fn append(&mut self, entry: Entry) {
        let sequence = self.0.len() as u64 + 1;
        self.0.push(Entry { sequence, ..entry });
    }

    /// The calls after the first `skipped`.
    pub(crate) fn after(&self, skipped: usize) -> Vec<Entry> {
        self.0.iter().skip(skipped).cloned().collect()
    }
}
