//! `migrations skip`: the decision that a migration is not to be done here, with who decided it and why (B05).

use std::sync::Arc;
use std::time::Duration;

use super::{Named, actor, begin, chain, folder};
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::migrations::{Chain, Disagreement, MigrationId, Progress, progress};
use crate::state::{self, AppliedBy, Change, LedgerEntry, LedgerKey, LedgerOutcome, Session};

/// What to decide.
#[derive(Debug)]
pub struct Skipped {
    /// Where migrations are.
    pub folder: Named,
    /// Which one.
    pub migration: MigrationId,
    /// Why.
    pub reason: String,
    /// On which occasion.
    pub occasion: AppliedBy,
    /// How long to wait for somebody else's lock.
    pub patience: Duration,
}

/// Records the decision. What exists is not touched; the next migration begins where this one would have ended.
///
/// # Errors
/// When there is no such migration, it was done or decided already, or the reason is empty. Nothing was changed.
pub async fn skip(project: &Project, skipped: &Skipped) -> Result<LedgerEntry, Failure> {
    if skipped.reason.trim().is_empty() {
        return Err(Failure::usage("say why: --reason is empty"));
    }
    let folder = folder(project, skipped.folder.as_deref());
    let chain = chain(&folder)?;
    let begin = begin(project, ("migrations skip", skipped.patience));
    let session = state::begin(Arc::clone(&project.backend), begin).await?;
    let outcome = under_lock(project, &session, (&chain, skipped)).await;
    let lineage = session.state.lineage;
    let ended = session.end().await;
    let entry = outcome?;
    ended?;
    project.remember(lineage).await?;
    Ok(entry)
}

async fn under_lock(
    project: &Project,
    session: &Session,
    (chain, skipped): (&Chain, &Skipped),
) -> Result<LedgerEntry, Failure> {
    project.refuse_rollback(&session.state).await?;
    let id = &skipped.migration;
    let (rows, disagreements) = progress(chain, &session.state.ledger);
    // that one was left behind is what this may be decided about
    let gap = |one: &&Disagreement| !matches!(one, Disagreement::OutOfOrder { pending, .. } if pending == id);
    if let Some(disagreement) = disagreements.iter().find(gap) {
        return Err(Failure::Diverged {
            what: "the migrations and the ledger of this environment do not belong together".to_owned(),
            differences: vec![disagreement.to_string()],
        });
    }
    let row = rows.iter().find(|row| row.entry.id == *id).ok_or_else(|| {
        Failure::usage(format!("there is no migration {id}; sutler migrations status lists them"))
    })?;
    if !row.progress.is_open() {
        let word =
            if row.progress == Progress::Covered { "covered by a checkpoint" } else { row.progress.word() };
        return Err(Failure::usage(format!("{id} is {word} here already; there is nothing to decide")));
    }
    let now = jiff::Timestamp::now().to_string();
    let mut notes = vec![skipped.reason.trim().to_owned()];
    if row.progress == Progress::Begun {
        notes.push("it had been begun; what was done of it stays".to_owned());
    }
    let entry = LedgerEntry {
        key: LedgerKey::migration(id.ledger()),
        outcome: LedgerOutcome::Skipped,
        digest: row.entry.digest,
        started: now.clone(),
        finished: Some(now),
        duration_ms: 0,
        applied_by: skipped.occasion,
        actor: actor(project),
        notes,
    };
    let change = Change::enter(entry.clone(), format!("skipped: {}", skipped.reason.trim()));
    session.backend.commit(&session.lock, vec![change]).await?;
    Ok(entry)
}
