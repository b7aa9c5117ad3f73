//! What writes: `restore`, `mv`, `rm`, `force-unlock`. Each says what it would do first, and does exactly that or nothing.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::find;
use super::look::snapshot;
use crate::commands::failure::Failure;
use crate::commands::new_reference;
use crate::commands::project::Project;
use crate::name::InstanceRef;
use crate::state::record::InstanceRecord;
use crate::state::{
    self, Begin, Change, Effect, Holder, LockInfo, Session, State, Vault, renaming, restoring,
};

/// What came of a change by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The serial now.
    pub serial: u64,
    /// What was written, one line for each record.
    pub changes: Vec<String>,
}

/// The records of a revision, to be those of now.
#[derive(Debug)]
pub struct Restoration {
    serial: u64,
    seen: u64,
    /// What would be done, one line for each record.
    pub changes: Vec<String>,
}

impl Restoration {
    /// Looks what restoring this revision would change.
    ///
    /// # Errors
    /// When state cannot be read, or has no such revision.
    pub async fn plan(project: &Project, serial: u64) -> Result<Self, Failure> {
        let now = project.backend.load().await?;
        let changes = told(&restoring((&now.records, &now.ledger), &snapshot(project, serial).await?));
        Ok(Self { serial, seen: now.serial, changes })
    }

    /// Restores: a new serial, journaled like any other change. No broker is asked.
    ///
    /// # Errors
    /// When the lock is held, or state is not what was seen any more. Nothing was changed.
    pub async fn carry_out(&self, project: &Project, patience: Duration) -> Result<Written, Failure> {
        let snapshot = snapshot(project, self.serial).await?;
        write(project, ("state restore", patience), |state, _| {
            if state.serial != self.seen {
                return Err(Failure::failed(
                    "state changed while you were asked; nothing was restored. Run the command again",
                ));
            }
            Ok(restoring((&state.records, &state.ledger), &snapshot))
        })
        .await
    }
}

/// A record that is to go by another ref.
#[derive(Debug)]
pub struct Rename {
    from: InstanceRef,
    to: InstanceRef,
}

impl Rename {
    /// From one ref to another.
    ///
    /// # Errors
    /// When one of them is no ref.
    pub fn new(from: &str, to: &str) -> Result<Self, Failure> {
        let from = InstanceRef::new(from).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { from, to: new_reference(to)? })
    }

    /// Renames it, and whatever needs it: what is sealed is sealed for its new place. No broker is asked.
    ///
    /// # Errors
    /// When there is no such record, the other ref is taken, or something of it is not finished. Nothing was changed.
    pub async fn carry_out(&self, project: &Project, patience: Duration) -> Result<Written, Failure> {
        let Self { from, to } = self;
        write(project, ("state mv", patience), |state, vault| {
            let record = find(&state.records, from.as_str())?;
            if state.records.iter().any(|record| &record.reference == to) {
                return Err(Failure::usage(format!(
                    "there is an instance '{to}' in state already; choose another ref"
                )));
            }
            if record.status.is_unresolved() || record.pending.is_some() {
                return Err(Failure::failed(format!(
                    "'{from}' has an unfinished change; run `sutler apply` first, then rename it"
                )));
            }
            Ok(renaming(&state.records, (record, to), vault)?)
        })
        .await
    }
}

/// A record that is to be forgotten, while what it stands for stays where it is.
#[derive(Debug)]
pub struct Removal {
    /// The record as it was seen.
    pub record: InstanceRecord,
    protection: Protection,
}

/// Whether a record that is protected or needed may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    Respected,
    Overridden,
}

impl Removal {
    /// Looks at what would be forgotten.
    ///
    /// # Errors
    /// When there is no such record.
    pub async fn plan(project: &Project, reference: &str, force: bool) -> Result<Self, Failure> {
        let state = project.backend.load().await?;
        let record = find(&state.records, reference)?.clone();
        let protection = if force { Protection::Overridden } else { Protection::Respected };
        let removal = Self { record, protection };
        removal.check(&state.records)?;
        Ok(removal)
    }

    /// I-05: forgetting is as bad as deleting, where something is protected or needed.
    fn check(&self, records: &[InstanceRecord]) -> Result<(), Failure> {
        let reference = &self.record.reference;
        if self.protection == Protection::Overridden {
            return Ok(());
        }
        if self.record.protected {
            return Err(Failure::failed(format!(
                "'{reference}' is protected; take `protected` away and apply, or use --force. Nothing was changed"
            )));
        }
        let consumers: Vec<&str> = records
            .iter()
            .filter(|record| record.needs.contains(reference))
            .map(|record| record.reference.as_str())
            .collect();
        if consumers.is_empty() {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "'{reference}' is needed by {}; remove those first, or use --force. Nothing was changed",
            consumers.join(", ")
        )))
    }

    /// Forgets it. No broker is asked.
    ///
    /// # Errors
    /// When the lock is held, or the record is not the one that was seen. Nothing was changed.
    pub async fn carry_out(&self, project: &Project, patience: Duration) -> Result<Written, Failure> {
        write(project, ("state rm", patience), |state, _| {
            let reference = &self.record.reference;
            if find(&state.records, reference.as_str())? != &self.record {
                return Err(Failure::failed(format!(
                    "'{reference}' changed while you were asked; nothing was removed. Run the command again"
                )));
            }
            self.check(&state.records)?;
            Ok(vec![Change::remove(
                reference.clone(),
                "removed from state by hand; it was left at its broker",
            )])
        })
        .await
    }
}

/// Takes the lock away from a run that is dead.
///
/// # Errors
/// When nobody holds it, or its id is another one.
pub async fn force_unlock(project: &Project, id: &str) -> Result<LockInfo, Failure> {
    let id = Uuid::try_parse(id).map_err(|_| {
        Failure::usage(
            "a lock's id is a UUID; `sutler status` and the message of the run that was refused show it",
        )
    })?;
    Ok(project.backend.force_unlock(id).await?)
}

/// One commit under the lock, decided on what is there then.
async fn write(
    project: &Project,
    (purpose, patience): (&str, Duration),
    decide: impl FnOnce(&State, &Vault) -> Result<Vec<Change>, Failure>,
) -> Result<Written, Failure> {
    let holder = Holder::this_process(project.settings.user.clone(), purpose);
    let (lease, notice) = (project.settings.lease, project.settings.notice.clone());
    let begin = Begin { keys: project.keys.clone(), holder, lease, patience, notice };
    let session = state::begin(Arc::clone(&project.backend), begin).await?;
    let lineage = session.state.lineage;
    let written = match project.refuse_rollback(&session.state).await {
        Ok(()) => commit(&session, decide).await,
        Err(failure) => Err(failure),
    };
    if let (Err(error), Ok(_)) = (session.end().await, &written) {
        tracing::warn!(%error, "the lock could not be given back; it ends by itself");
    }
    if written.is_ok()
        && let Err(error) = project.remember(lineage).await
    {
        tracing::warn!(%error, "an older state put in place of this one would not be noticed");
    }
    written
}

async fn commit(
    session: &Session,
    decide: impl FnOnce(&State, &Vault) -> Result<Vec<Change>, Failure>,
) -> Result<Written, Failure> {
    let changes = decide(&session.state, &session.vault)?;
    let told = told(&changes);
    let serial = session.backend.commit(&session.lock, changes).await?;
    Ok(Written { serial, changes: told })
}

fn told(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|change| {
            let sign = if matches!(change.effect, Effect::Remove(_) | Effect::Strike(_)) { '-' } else { '+' };
            format!("{sign} {}: {}", change.subject(), change.what)
        })
        .collect()
}
