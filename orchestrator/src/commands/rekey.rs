//! `state rekey`: a new key, everything sealed anew with it, the old one forgotten once nothing needs it (S-35).
//!
//! ```text
//! all opens ─▶ new key saved ─▶ records, some at a time ─▶ sinks ─▶ nothing needs the old key ─▶ it is forgotten
//! ```
//!
//! At each instant the saved ring opens everything (I-30). What was begun and not ended is gone on with: the records
//! themselves tell how far it came.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sutler_secrets::{KeyId, KeyRing, Sealed};

use super::anchor::Anchor;
use super::failure::Failure;
use super::project::Project;
use crate::faults;
use crate::name::LedgerId;
use crate::sink::{Edits, SinkSet};
use crate::state::record::InstanceRecord;
use crate::state::{
    self, Begin, Change, Hash, Holder, LedgerEntry, LedgerKey, LedgerKind, LedgerOutcome, Session,
    StateError, Vault,
};

/// So many records are sealed anew in one commit.
const AT_ONCE: usize = 8;

/// What came of it.
#[derive(Debug, Default)]
pub struct Rekeyed {
    /// The key that everything is sealed with now.
    pub key: Option<KeyId>,
    /// How many records were sealed anew.
    pub records: usize,
    /// How many records there are.
    pub all: usize,
    /// Sinks that were written anew.
    pub sinks: Vec<String>,
    /// Keys that were forgotten.
    pub forgotten: Vec<KeyId>,
    /// Why keys were not forgotten, and what else is worth knowing.
    pub notes: Vec<String>,
}

/// Exchanges the key.
///
/// # Errors
/// When state or a sink cannot be used, or something in it does not open: then nothing was written.
pub async fn rekey(project: &Project, patience: Duration) -> Result<Rekeyed, Failure> {
    let begin = Begin {
        keys: project.keys.clone(),
        holder: Holder::this_process(project.settings.user.clone(), "rekey"),
        lease: project.settings.lease,
        patience,
        notice: project.settings.notice.clone(),
    };
    let state = project.backend.load().await?;
    if state.is_new() {
        return Err(Failure::usage("there is no state yet, so there is nothing to seal anew"));
    }
    Vault::open_to_read(&project.keys, &state, &project.backend.location())?;
    let session = state::begin(Arc::clone(&project.backend), begin).await?;
    let outcome = under_lock(project, &session).await;
    let (backend, stack, lineage) =
        (Arc::clone(&session.backend), session.state.stack.to_string(), session.state.lineage);
    let ended = session.end().await;
    let mut rekeyed = outcome?;
    ended?;
    let mut anchor = project.anchor()?;
    anchor.remember(backend.as_ref(), (&stack, lineage), rekeyed.key).await?;
    faults::pass("O21-forget").await;
    forget(project, &anchor, &mut rekeyed).await?;
    faults::pass("O21-after").await;
    Ok(rekeyed)
}

async fn under_lock(project: &Project, session: &Session) -> Result<Rekeyed, Failure> {
    project.refuse_rollback(&session.state).await?;
    let begun = jiff::Timestamp::now();
    // All of it has to open before any of it is written.
    for record in &session.state.records {
        session.vault.reseal(record)?;
    }
    let sinks = SinkSet::new(&project.config, session.vault.ring());
    for sink in sinks.sinks().filter(|sink| sink.is_sealed()) {
        sink.open()?;
    }
    faults::pass("O21-before").await;
    let ring = Arc::new(ring(project)?);
    faults::pass("O21-ring").await;
    let vault = Vault::with_ring(Arc::clone(&ring), &session.state, &session.backend.location())?;
    let mut rekeyed =
        Rekeyed { key: Some(ring.current()), all: session.state.records.len(), ..Rekeyed::default() };
    rekeyed.records = records(session, &vault).await?;
    faults::pass("O21-records").await;
    let sinks = SinkSet::new(&project.config, &ring);
    for sink in sinks.sinks().filter(|sink| sink.is_sealed()) {
        if sink.current()? != sink.variables()? {
            sink.write(&[Edits { put: sink.open()?, remove: Vec::new() }])?;
            rekeyed.sinks.push(sink.name().to_owned());
        }
    }
    session
        .backend
        .commit(&session.lock, vec![Change::enter(row(project, (&rekeyed, begun)), "sealed anew")])
        .await?;
    faults::pass("O21-sinks").await;
    // Older revisions are sealed with older keys; only the one of now stays.
    session.backend.compact(&session.lock, 1).await?;
    Ok(rekeyed)
}

/// What the ledger says of it: which key everything is sealed with since.
fn row(project: &Project, (rekeyed, begun): (&Rekeyed, jiff::Timestamp)) -> LedgerEntry {
    let key = rekeyed.key.map(|key| key.to_string()).unwrap_or_default();
    let now = jiff::Timestamp::now();
    LedgerEntry {
        digest: Hash::of(&[key.as_bytes()]),
        key: LedgerKey { kind: LedgerKind::StateRekey, id: LedgerId::new(&key).expect("a key's id is one") },
        outcome: LedgerOutcome::Applied,
        started: begun.to_string(),
        finished: Some(now.to_string()),
        duration_ms: u64::try_from(now.duration_since(begun).as_millis()).unwrap_or_default(),
        applied_by: project.settings.occasion,
        actor: super::migrations::actor(project),
        notes: vec![format!("{} of {} records sealed anew", rekeyed.records, rekeyed.all)],
    }
}

/// The ring with a new key, saved. With more than one key in it an exchange was begun and has not come to its end: then
/// the ring as it is.
fn ring(project: &Project) -> Result<KeyRing, Failure> {
    let keys = |error| Failure::State(StateError::Keys(error));
    let mut ring = KeyRing::load(&project.keys).map_err(keys)?;
    if ring.keys().len() == 1 {
        ring.rotate(jiff::Timestamp::now());
        ring.save(&project.keys).map_err(keys)?;
    }
    Ok(ring)
}

/// Seals the records anew that need it, some in each commit.
async fn records(session: &Session, vault: &Vault) -> Result<usize, Failure> {
    let (mut changes, mut count, mut renewed) = (Vec::new(), 0, Instant::now());
    let what = format!("sealed anew with {}", vault.ring().current());
    let mut left = session.state.records.iter().peekable();
    while let Some(record) = left.next() {
        if let Some(record) = vault.reseal(record)? {
            changes.push(Change::put(record, what.as_str()));
        }
        if changes.len() == AT_ONCE || left.peek().is_none() && !changes.is_empty() {
            count += changes.len();
            session.backend.commit(&session.lock, std::mem::take(&mut changes)).await?;
            if renewed.elapsed() > session.lease / 3 {
                session.backend.renew(&session.lock, session.lease).await?;
                renewed = Instant::now();
            }
        }
    }
    Ok(count)
}

/// Every key that something in these records is sealed with, found without knowing what a record is made of.
fn needed(records: &[InstanceRecord]) -> Result<BTreeSet<KeyId>, Failure> {
    let mut keys = BTreeSet::new();
    for record in records {
        let value = serde_json::to_value(record).map_err(|error| Failure::failed(error.to_string()))?;
        collect(&value, &mut keys);
    }
    Ok(keys)
}

fn collect(value: &Value, keys: &mut BTreeSet<KeyId>) {
    match value {
        Value::String(text) => keys.extend(Sealed::from_text(text).ok().map(|sealed| sealed.key_id())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        Value::Object(members) => members.values().for_each(|member| collect(member, keys)),
        _ => {}
    }
}

/// Forgets every key but the current one, if nothing that is known needs it: no record, no revision, no sink, and no
/// other state of the same ring.
async fn forget(project: &Project, anchor: &Anchor, rekeyed: &mut Rekeyed) -> Result<(), Failure> {
    let keys = |error| Failure::State(StateError::Keys(error));
    let mut ring = KeyRing::load(&project.keys).map_err(keys)?;
    let current = ring.current();
    let state = project.backend.load().await?;
    let mut reasons = Vec::new();
    if needed(&state.records)?.iter().any(|key| *key != current) {
        reasons.push("a record was sealed with an older key meanwhile".to_owned());
    }
    for revision in project.backend.revisions().await? {
        let snapshot = project.backend.revision(revision.serial).await?;
        if needed(&snapshot.map(|snapshot| snapshot.records).unwrap_or_default())?
            .iter()
            .any(|key| *key != current)
        {
            reasons.push(format!("revision {} needs an older key", revision.serial));
        }
    }
    let sinks = SinkSet::new(&project.config, &Arc::new(KeyRing::load(&project.keys).map_err(keys)?));
    for sink in sinks.sinks().filter(|sink| sink.is_sealed()) {
        if sink.current()? != sink.variables()? {
            reasons.push(format!("sink '{}' holds what is sealed with an older key", sink.name()));
        }
    }
    for seen in anchor.others_without(state.lineage, current) {
        let (stack, location) = (&seen.stack, &seen.location);
        reasons.push(format!(
            "the ring is also that of stack '{stack}' ({location}), which needs the same first"
        ));
    }
    if !reasons.is_empty() {
        let reasons = reasons.join("; ");
        rekeyed.notes.push(format!("older keys stay in the ring: {reasons}. Run it again then"));
        return Ok(());
    }
    for id in ring.key_ids().filter(|id| *id != current).collect::<Vec<_>>() {
        ring.forget(id).map_err(|error| Failure::failed(error.to_string()))?;
        rekeyed.forgotten.push(id);
    }
    if !rekeyed.forgotten.is_empty() {
        ring.save(&project.keys).map_err(keys)?;
    }
    Ok(())
}
