//! `pull --reconcile`: state takes over what was found, under the lock, after a second look.
//!
//! ```text
//! look ─▶ show, ask ─▶ lock ─▶ look again ─▶ one commit: what was found both times
//! ```
//! Nothing is asked of a broker but to read. Killed anywhere, state is as it was or as it was to be.

use std::sync::Arc;
use std::time::Duration;

use super::fold::{Circumstances, Fold, all_missing, decide};
use super::{Pulled, selected};
use crate::brokers::{BrokerErrors, BrokerSet};
use crate::commands::events::deliver;
use crate::commands::failure::Failure;
use crate::commands::observe::{self, Observed, Patience, Verdict, Witness};
use crate::commands::project::Project;
use crate::exit::Exit;
use crate::name::InstanceRef;
use crate::plan::Protection;
use crate::state::record::InstanceRecord;
use crate::state::{self, Begin, Change, Holder, Session, Vault};

/// What state would take over, to be shown and approved.
#[derive(Debug)]
pub struct Reconciliation<'p> {
    project: &'p Project,
    brokers: BrokerSet,
    trouble: BrokerErrors,
    protection: Protection,
    patience: Patience,
    /// What was found.
    pub pulled: Pulled,
    /// What would be done, one line for each record.
    pub proposals: Vec<Line>,
    /// What would be kept although it is gone, one line for each record.
    pub kept: Vec<Line>,
}

/// Something about one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub reference: InstanceRef,
    /// What, for people.
    pub what: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Reconciled {
    /// The serial now; nothing when nothing was written.
    pub serial: Option<u64>,
    /// What was written, one line for each record.
    pub written: Vec<Line>,
    /// What was left as it is, and why.
    pub left: Vec<Line>,
    /// Notices.
    pub notes: Vec<String>,
    unknown: Exit,
}

impl Reconciled {
    /// 0 when state has taken over everything; 3 when something that is gone was kept, or moved on in between; 4 and 1 as
    /// for `pull` when some could not be asked.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.left.is_empty() { self.unknown } else { Exit::Pending }
    }
}

/// Looks, and says what state would take over. Writes nothing.
///
/// # Errors
/// As for `pull`.
pub async fn reconciliation<'p>(
    project: &'p Project,
    references: &[String],
    (protection, patience): (Protection, Patience),
) -> Result<Reconciliation<'p>, Failure> {
    let (state, vault) = project.read().await?;
    let records = selected(project, &state.records, references)?;
    let lives_at = |broker: &_| records.iter().any(|record| &record.broker == broker);
    let (brokers, trouble) = project.connect_what_answers(lives_at).await?;
    let config = &project.config;
    let witness =
        Witness { config, vault: &vault, brokers: &brokers, trouble: &trouble, patience: &patience };
    let observed = witness.observe(records.into_iter()).await;
    let (mut proposals, mut kept) = (Vec::new(), Vec::new());
    for one in &observed {
        let circumstances = circumstances(project, protection, (&observed, one));
        let line = |what: String| Line { reference: one.record.reference.clone(), what };
        match decide(one, circumstances) {
            Fold::Nothing => {}
            Fold::Forget => proposals.push(line(GONE.to_owned())),
            Fold::Take(taken) => proposals.push(line(taken.what())),
            Fold::Keep(why) => kept.push(line(why)),
        }
    }
    let pulled = Pulled { observed };
    Ok(Reconciliation { project, brokers, trouble, protection, patience, pulled, proposals, kept })
}

/// What the journal says of a record that goes.
const GONE: &str = "its broker says that it does not exist any more; its record is removed";

fn circumstances(
    project: &Project,
    protection: Protection,
    (observed, one): (&[Observed], &Observed),
) -> Circumstances {
    let declared = project.config.instances.get(&one.record.reference);
    Circumstances {
        protected: one.record.protected || declared.is_some_and(|declared| declared.protected),
        protection,
        all_missing: all_missing(observed, &one.record.reference),
    }
}

impl Reconciliation<'_> {
    /// The exit code when nothing is to be taken over.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.kept.is_empty() { self.unknown() } else { Exit::Pending }
    }

    /// What is left to say of those that could not be asked.
    fn unknown(&self) -> Exit {
        let verdict = |one: &Observed| match one.verdict {
            Verdict::Unknown => Verdict::Unknown,
            _ => Verdict::Live,
        };
        observe::exit(self.pulled.observed.iter().map(verdict))
    }

    /// Takes the lock, looks again, and writes down what was found both times.
    ///
    /// # Errors
    /// When the lock is held or lost, or state cannot be used. Nothing was changed.
    pub async fn carry_out(&self, patience: Duration) -> Result<Reconciled, Failure> {
        let project = self.project;
        let session = state::begin(Arc::clone(&project.backend), claim(project, patience)).await?;
        let lineage = session.state.lineage;
        let outcome = match project.refuse_rollback(&session.state).await {
            Ok(()) => self.under_lock(&session).await,
            Err(failure) => Err(failure),
        };
        let ended = session.end().await;
        let mut reconciled = outcome?;
        if let Err(error) = ended {
            reconciled.notes.push(format!("the lock could not be given back ({error}); it ends by itself"));
        }
        if let Err(error) = project.remember(lineage).await {
            reconciled
                .notes
                .push(format!("an older state put in place of this one would not be noticed: {error}"));
        }
        reconciled.notes.extend(deliver(project).await);
        Ok(reconciled)
    }

    async fn under_lock(&self, session: &Session) -> Result<Reconciled, Failure> {
        let (changes, left) = self.second_look(&session.state.records, &session.vault).await;
        let line = |change: &Change| {
            let reference = change.instance()?.clone();
            Some(Line { reference, what: change.what.clone() })
        };
        let written = changes.iter().filter_map(line).collect();
        let serial = if changes.is_empty() {
            None
        } else {
            // Looking may have taken as long as the lease.
            session.backend.renew(&session.lock, session.lease).await?;
            Some(session.backend.commit(&session.lock, changes).await?)
        };
        Ok(Reconciled { serial, written, left, notes: Vec::new(), unknown: self.unknown() })
    }

    /// What is written, and what is left as it is: what is not found again, or not the record that was shown.
    async fn second_look(&self, records: &[InstanceRecord], vault: &Vault) -> (Vec<Change>, Vec<Line>) {
        let shown =
            |line: &Line| self.pulled.observed.iter().find(|one| one.record.reference == line.reference);
        let (same, moved): (Vec<_>, Vec<_>) =
            self.proposals.iter().filter_map(shown).partition(|one| records.contains(&one.record));
        let left =
            |one: &Observed, what: &str| Line { reference: one.record.reference.clone(), what: what.into() };
        let mut leftovers: Vec<Line> =
            moved.into_iter().map(|one| left(one, "changed while you were asked; left as it is")).collect();
        leftovers.extend(self.kept.iter().cloned());
        // A broker that was about to change its mind gets a moment for it.
        tokio::time::sleep(self.project.settings.poll_interval).await;
        // Nobody renews the lock meanwhile: it is to be ours still when all is told.
        let patience = &self.patience.at_most(self.project.settings.lease / 2);
        let (config, brokers, trouble) = (&self.project.config, &self.brokers, &self.trouble);
        let witness = Witness { config, vault, brokers, trouble, patience };
        let again = witness.observe(same.iter().map(|one| &one.record)).await;
        let mut changes = Vec::new();
        for (first, second) in same.into_iter().zip(again) {
            let circumstances = circumstances(self.project, self.protection, (&self.pulled.observed, first));
            let fold = match (first.verdict, second.verdict) {
                (Verdict::Missing, Verdict::Missing) => decide(&second, circumstances),
                (Verdict::Missing, _) | (_, Verdict::Missing | Verdict::Unknown) => Fold::Keep(format!(
                    "found otherwise a moment later ({}); left as it is",
                    if second.detail.is_empty() { second.verdict.word() } else { &second.detail }
                )),
                _ => decide(&second, circumstances),
            };
            match fold {
                Fold::Nothing => {}
                Fold::Keep(why) => leftovers.push(left(first, &why)),
                Fold::Forget => changes.push(Change::remove(second.record.reference, GONE)),
                Fold::Take(taken) => {
                    let Some(broker) = self.brokers.get(&second.record.broker) else { continue };
                    let what = taken.what();
                    changes
                        .push(Change::put(taken.into_record(&second.record, (vault, &broker.index)), what));
                }
            }
        }
        (changes, leftovers)
    }
}

fn claim(project: &Project, patience: Duration) -> Begin {
    Begin {
        keys: project.keys.clone(),
        holder: Holder::this_process(project.settings.user.clone(), "pull --reconcile"),
        lease: project.settings.lease,
        patience,
        notice: project.settings.notice.clone(),
    }
}
