//! `apply` and `teardown`: a plan that is shown, approved, made again under the lock, and carried out.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc::UnboundedSender, watch};

use super::events::deliver;
use super::failure::Failure;
use super::plan::{PlanOptions, Planned, plan_for};
use super::project::Project;
use super::saved::SavedPlan;
use crate::brokers::BrokerSet;
use crate::config::OnAmbiguous;
use crate::durations::Durations;
use crate::execute::{self, Adoption, Context, Ended, Progress, Report, Stop, Until};
use crate::exit::Exit;
use crate::faults;
use crate::name::InstanceRef;
use crate::plan::{Action, Intent, Moved, Plan};
use crate::sink::SinkSet;
use crate::state::record::InstanceRecord;
use crate::state::{self, Begin, Change, Holder, Lock, Session, State, StateBackend, StateError, Vault};

/// How to carry out.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// What narrows or widens the plan.
    pub plan: PlanOptions,
    /// What the plan is for.
    pub intent: Intent,
    /// At most so many instances at once.
    pub parallelism: usize,
    /// How long to wait for somebody else's lock.
    pub patience: std::time::Duration,
    /// What is done about requests of which nobody knows what became; as each broker is configured when left out.
    pub on_ambiguous: Option<OnAmbiguous>,
    /// How far to go.
    pub until: Until,
    /// What is made from an object that exists.
    pub adoption: Option<Adoption>,
}

/// Who approved, and so whether a plan that turned out different may be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// `--yes`: whatever the configuration says.
    Given,
    /// A person saw a plan: that one, or none.
    ToThisPlan,
}

/// A plan that can be shown, approved, and carried out.
#[derive(Debug)]
pub struct Prepared<'a> {
    project: &'a Project,
    options: ApplyOptions,
    brokers: Arc<BrokerSet>,
    /// What would be done.
    pub planned: Planned,
    /// What has to be done exactly, when it was saved before.
    saved: Option<SavedPlan>,
    /// What earlier runs left to be deleted, by ref.
    pub orphans: Vec<InstanceRef>,
}

/// What came of it.
#[derive(Debug)]
pub struct Applied {
    /// The plan that was carried out, when it was not the one that was shown.
    pub replanned: Option<Plan>,
    /// What was done, and what was not.
    pub report: Report,
    /// Notices, such as a key ring that was made.
    pub notes: Vec<String>,
    /// What it was for.
    pub intent: Intent,
}

impl Applied {
    /// The exit code: 0 all done, 4 some of it, 1 none of it, 6 and 7 when state stopped it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let report = &self.report;
        match &report.ended {
            Ended::State(StateError::LockLost { .. }) => Exit::LockLost,
            Ended::State(_) => Exit::Failed,
            _ if report.is_complete() || report.is_under_way() => Exit::Done,
            _ if !report.paused.is_empty() => Exit::Partial,
            _ if self.did_nothing() => Exit::Failed,
            _ => Exit::Partial,
        }
    }

    /// Whether nothing is as it was to be.
    fn did_nothing(&self) -> bool {
        let report = &self.report;
        match self.intent {
            Intent::Upgrade(_) => report.done.iter().all(|done| done.action != Action::Upgrade),
            Intent::Rotate(_) => report.done.is_empty(),
            Intent::Apply | Intent::Teardown => report.done.is_empty() && report.kept == 0,
        }
    }
}

/// Reads everything and plans. Writes nothing, takes no lock.
///
/// # Errors
/// When configuration, state or a broker cannot be used, or the plan is impossible.
pub async fn prepare(project: &Project, options: ApplyOptions) -> Result<Prepared<'_>, Failure> {
    let options = ApplyOptions { plan: options.plan.fixed(), ..options };
    let brokers = match options.intent {
        Intent::Apply | Intent::Upgrade(_) | Intent::Rotate(_) => project.connect_to(|_| true).await?,
        Intent::Teardown => {
            let state = project.backend.load().await?;
            let left_over = state.records.iter().flat_map(InstanceRecord::left_over).map(|what| what.broker);
            let left_over: HashSet<_> = left_over.collect();
            let is_there = |broker: &_| state.records.iter().any(|record| &record.broker == broker);
            project.connect_to(|broker| is_there(broker) || left_over.contains(broker)).await?
        }
    };
    let (mut state, vault) = project.read().await?;
    project.notice_lost_variables(&mut state, &vault)?;
    let planned = plan_for(project, &brokers, (&state, &vault), (&options.plan, options.intent))?;
    let sinks = SinkSet::new(&project.config, vault.ring());
    let variables: Vec<_> =
        project.config.instances.values().flat_map(|declared| declared.bind.values().cloned()).collect();
    if options.intent != Intent::Teardown
        && let Err(mut errors) = sinks.check(&variables)
        && !errors.is_empty()
    {
        return Err(Failure::Sink(errors.swap_remove(0)));
    }
    let orphans = state.records.iter().filter(|record| !record.orphans.is_empty());
    let orphans = orphans.map(|record| record.reference.clone()).collect();
    Ok(Prepared { project, options, brokers: Arc::new(brokers), planned, orphans, saved: None })
}

/// Reads everything for a plan that was saved. Writes nothing, takes no lock.
///
/// # Errors
/// As [`prepare`], and [`Failure::Stale`] when anything it was made from moved.
pub async fn prepare_saved(
    project: &Project,
    saved: SavedPlan,
    options: ApplyOptions,
) -> Result<Prepared<'_>, Failure> {
    let options = ApplyOptions { plan: saved.options.clone(), intent: Intent::Apply, ..options };
    let prepared = prepare(project, options).await?;
    let (state, vault) = project.read().await?;
    let from = (project, &*prepared.brokers);
    let moved = saved.moved(from, (&state, &vault), &prepared.planned.plan)?;
    if moved.is_empty() {
        Ok(Prepared { saved: Some(saved), ..prepared })
    } else {
        Err(Failure::Stale(moved))
    }
}

impl Prepared<'_> {
    /// Takes the lock, plans again on what is there now, and carries it out.
    ///
    /// # Errors
    /// When the lock is held, state cannot be used, or the plan is not the approved one any more. Nothing was changed.
    pub async fn carry_out(
        &self,
        approval: Approval,
        events: UnboundedSender<Progress>,
        stop: watch::Receiver<Stop>,
    ) -> Result<Applied, Failure> {
        faults::pass("O01-before").await;
        let mut session = state::begin(Arc::clone(&self.project.backend), self.claim()).await?;
        faults::pass("O01-after").await;
        let (vault, lineage) = (session.vault.clone(), session.state.lineage);
        let seen = self.project.refuse_rollback(&session.state).await;
        let noticed = seen.and_then(|()| self.project.notice_lost_variables(&mut session.state, &vault));
        if let Err(failure) = noticed {
            // The failure is what there is to tell; a lock that stays ends by itself.
            let _lock = session.end().await;
            return Err(failure);
        }
        let outcome = self.under_lock(&mut session, approval, (events, stop)).await;
        let mut notes = Vec::new();
        if session.keys == sutler_secrets::Created::Yes {
            let keys = self.project.keys.display();
            notes.push(format!("made the key ring {keys}; keep a copy in a safe place: without it, state and sealed variables cannot be opened"));
        }
        let lost = matches!(&outcome, Ok((_, report)) if matches!(report.ended, Ended::State(_)));
        faults::pass("O13-before").await;
        let ended = session.end().await;
        faults::pass("O13-after").await;
        match ended {
            Err(error) if !lost => {
                notes.push(format!("the lock could not be given back ({error}); it ends by itself"))
            }
            _ => {}
        }
        if let Err(error) = self.project.remember(lineage).await {
            notes.push(format!("an older state put in place of this one would not be noticed: {error}"));
        }
        notes.extend(deliver(self.project).await);
        let (plan, report) = outcome?;
        self.learn(&plan, &report);
        let replanned = (!plan.does_as(&self.planned.plan)).then_some(plan);
        Ok(Applied { replanned, report, notes, intent: self.options.intent })
    }

    async fn under_lock(
        &self,
        session: &mut Session,
        approval: Approval,
        (events, stop): (UnboundedSender<Progress>, watch::Receiver<Stop>),
    ) -> Result<(Plan, Report), Failure> {
        let at_hand = (&session.state, &session.vault);
        let planned =
            plan_for(self.project, &self.brokers, at_hand, (&self.options.plan, self.options.intent))?;
        if let Some(saved) = &self.saved {
            let moved = saved.moved((self.project, &*self.brokers), at_hand, &planned.plan)?;
            if !moved.is_empty() {
                return Err(Failure::Stale(moved));
            }
        }
        if approval == Approval::ToThisPlan && !planned.plan.does_as(&self.planned.plan) {
            return Err(Failure::failed(
                "state changed while you were asked, and the plan is another one now; nothing was changed. Run the command again",
            ));
        }
        faults::pass("O02-after").await;
        let with = (&session.backend, &*session.lock, &session.vault);
        rename((&planned.plan.moves, None), &mut session.state, with).await?;
        let config = Arc::clone(&self.project.config);
        let sinks = Arc::new(SinkSet::new(&config, session.vault.ring()));
        let context = Context {
            brokers: Arc::clone(&self.brokers),
            backend: Arc::clone(&session.backend),
            lock: Arc::clone(&session.lock),
            vault: session.vault.clone(),
            options: self.how(),
            config,
            sinks,
            durations: Arc::new(Durations::load(&self.durations())),
            events,
            stop,
        };
        let mut report =
            execute::execute(&planned.plan, std::mem::take(&mut session.state.records), context).await;
        report.left.extend(planned.left);
        Ok((planned.plan, report))
    }

    fn claim(&self) -> Begin {
        let who = self.project.settings.user.clone();
        let purpose = match self.options.intent {
            Intent::Apply => "apply",
            Intent::Teardown => "teardown",
            Intent::Upgrade(_) => "upgrade",
            Intent::Rotate(_) => "rotate",
        };
        Begin {
            keys: self.project.keys.clone(),
            holder: Holder::this_process(who, purpose),
            lease: self.project.settings.lease,
            patience: self.options.patience,
            notice: self.project.settings.notice.clone(),
        }
    }

    /// Where it is remembered how long steps take. A hint: nothing depends on it but what begins first.
    fn durations(&self) -> PathBuf {
        let folder = self.project.config.source.path.parent().unwrap_or(Path::new("."));
        folder.join(".sutler/durations.json")
    }

    fn learn(&self, plan: &Plan, report: &Report) {
        if report.done.is_empty() {
            return;
        }
        let path = self.durations();
        let mut durations = Durations::load(&path);
        let of = |action: Action| action == Action::Retire;
        let steps: HashMap<_, _> =
            plan.steps.iter().map(|step| ((&step.reference, of(step.action)), step)).collect();
        for done in &report.done {
            if let Some(step) = steps.get(&(&done.reference, of(done.action))) {
                durations.learn(step, done.took);
            }
        }
        if let Err(error) = durations.save(&path) {
            tracing::debug!(%error, "durations are not remembered");
        }
    }

    fn how(&self) -> execute::Options {
        let settings = &self.project.settings;
        let pacing = settings.pacing();
        execute::Options {
            parallelism: self.options.parallelism,
            lease: settings.lease,
            pacing,
            on_ambiguous: self.options.on_ambiguous,
            until: self.options.until,
            adoption: self.options.adoption.clone(),
            grace: match self.options.intent {
                Intent::Rotate(rotate) => rotate.grace,
                _ => std::time::Duration::ZERO,
            },
            ..execute::Options::default()
        }
    }

    /// The exit code where nothing would be done.
    #[must_use]
    pub fn idle(&self) -> Exit {
        if self.planned.left.is_empty() { Exit::Done } else { Exit::Failed }
    }

    /// Whether anything would be done.
    #[must_use]
    pub fn does_something(&self) -> bool {
        self.changes_something() || !self.orphans.is_empty()
    }

    /// Whether anything that is declared or recorded would change: what has to be approved.
    #[must_use]
    pub fn changes_something(&self) -> bool {
        self.planned.plan.changes_anything()
    }
}

/// Gives records the refs by which they are declared now, one commit each: run again, the rest is renamed. What is to be
/// written with the last of them is.
pub(super) async fn rename(
    (moves, with_the_last): (&[Moved], Option<Change>),
    state: &mut State,
    (backend, lock, vault): (&Arc<dyn StateBackend>, &Lock, &Vault),
) -> Result<(), Failure> {
    // A chain of moves is carried out from its end: no ref is taken while it is still in use.
    let mut left: Vec<&Moved> = moves.iter().collect();
    while !left.is_empty() {
        let records = &state.records;
        let is_free = |to: &InstanceRef| records.iter().all(|record| record.reference != *to);
        let Some(at) = left.iter().position(|moved| is_free(&moved.to)) else {
            return Err(Failure::failed("the refs to rename are taken; `sutler state list` shows which"));
        };
        let Moved { from, to } = left.remove(at);
        let Some(record) = records.iter().find(|record| record.reference == *from) else { continue };
        let mut changes = state::renaming(records, (record, to), vault)?;
        changes.extend(with_the_last.clone().filter(|_| left.is_empty()));
        faults::pass("O25-before").await;
        backend.commit(lock, changes.clone()).await?;
        faults::pass("O25-after").await;
        state.take(changes);
    }
    Ok(())
}
