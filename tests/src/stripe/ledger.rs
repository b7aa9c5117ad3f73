//! What was asked and what became of it; only ever appended to.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

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

/// The list of calls, in memory and, if wanted, in a file.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Ledger {
    /// Opens the file for appending.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let file = file.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(Self { entries: Vec::new(), file })
    }

    /// Appends a call. It is in the file when this returns.
    pub(crate) fn append(&mut self, entry: Entry) -> io::Result<()> {
        let entry = Entry { sequence: self.entries.len() as u64 + 1, ..entry };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.entries.push(entry);
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(&line))
    }

    /// The calls after the first `skipped`.
    pub(crate) fn after(&self, skipped: usize) -> Vec<Entry> {
        self.entries.iter().skip(skipped).cloned().collect()
    }
}
