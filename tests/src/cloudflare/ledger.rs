//! What was asked and what became of it; only ever appended to.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Call;
use super::options::LedgerFile;

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 in the order the calls took effect.
    pub sequence: u64,
    /// When the call took effect.
    pub time: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The body, secrets included; a text when it was not JSON.
    pub request_body: Option<Value>,
    /// The operation of the contract, when there is one.
    pub operation: Option<String>,
    /// The HTTP status; none when the connection was closed before the work.
    pub status: Option<u16>,
    /// The codes of a refusal.
    pub error_codes: Vec<i64>,
    /// What was created, changed or deleted.
    pub outcome: Vec<Effect>,
    /// `master` or `token:<id>`.
    pub authenticated_as: Option<String>,
    /// What broke the contract.
    pub contract_violations: Vec<String>,
    /// The faults that struck this call.
    pub faults: Vec<String>,
    /// Whether an answer was sent; false when a fault closed the connection.
    pub answered: bool,
}

impl Entry {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            sequence: 0,
            time: Timestamp::now(),
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            request_body: call.payload.recorded(),
            operation: None,
            status: None,
            error_codes: Vec::new(),
            outcome: Vec::new(),
            authenticated_as: None,
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
    /// To what sort of object.
    pub kind: Kind,
    /// The vendor's id.
    pub id: String,
    /// The object's name; for a secret `SCRIPT/NAME`.
    pub name: String,
}

impl Effect {
    pub(crate) fn created(kind: Kind, id: &str, name: &str) -> Self {
        Self { action: EffectAction::Created, kind, id: id.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn changed(kind: Kind, id: &str, name: &str) -> Self {
        Self { action: EffectAction::Changed, ..Self::created(kind, id, name) }
    }

    pub(crate) fn deleted(kind: Kind, id: &str, name: &str) -> Self {
        Self { action: EffectAction::Deleted, ..Self::created(kind, id, name) }
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

/// The sorts of vendor objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A D1 database.
    #[serde(rename = "d1_database")]
    Database,
    /// An account token.
    Token,
    /// A secret of a Worker.
    WorkerSecret,
    /// A Pages project.
    PagesProject,
    /// A custom domain of a Pages project.
    PagesDomain,
    /// The tags of an object.
    Tags,
    /// A namespace of Workers KV.
    #[serde(rename = "kv_namespace")]
    Namespace,
    /// A queue.
    Queue,
    /// A Turnstile widget.
    Widget,
    /// A Hyperdrive configuration.
    Hyperdrive,
    /// A Vectorize index.
    VectorIndex,
    /// A zone.
    Zone,
    /// A DNS record.
    DnsRecord,
    /// A redirect rule of a zone.
    RedirectRule,
    /// A host name of a Worker.
    WorkerDomain,
    /// An R2 bucket.
    #[serde(rename = "r2_bucket")]
    Bucket,
    /// A domain that is registered.
    Registration,
    /// A domain in the registrar's sandbox.
    RehearsedRegistration,
    /// Money that was taken.
    Charge,
}

/// The list of calls, in memory and, if wanted, in a file.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    file: Option<(File, LedgerFile)>,
}

impl Ledger {
    /// Opens the file for appending.
    pub(crate) fn open(file: Option<&LedgerFile>) -> io::Result<Self> {
        let file = file
            .map(|wanted| {
                let opened = OpenOptions::new().create(true).append(true).open(&wanted.path)?;
                Ok::<_, io::Error>((opened, wanted.clone()))
            })
            .transpose()?;
        Ok(Self { entries: Vec::new(), file })
    }

    /// Appends a call. It is in the file when this returns.
    pub(crate) fn append(&mut self, mut entry: Entry) -> io::Result<()> {
        entry.sequence = self.entries.len() as u64 + 1;
        entry.time = Timestamp::now();
        if let Some((file, wanted)) = &mut self.file {
            let mut written = entry.clone();
            if !wanted.bodies {
                written.request_body = None;
            }
            let mut line = serde_json::to_vec(&written)?;
            line.push(b'\n');
            file.write_all(&line)?;
        }
        self.entries.push(entry);
        Ok(())
    }

    /// How many calls there were.
    pub(crate) fn length(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The calls after the first `skipped`.
    pub(crate) fn after(&self, skipped: u64) -> Vec<Entry> {
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped).cloned().collect()
    }
}
