//! One migration, done to what is there now.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, mpsc::UnboundedSender, watch};

use super::actor;
use super::migrate::MigrateOptions;
use super::outcome::{MigrationEvent, MigrationOutcome, Ran};
use crate::brokers::BrokerSet;
use crate::commands::apply::rename;
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::config::Config;
use crate::durations::Durations;
use crate::execute::{self, Context, Progress, Stop};
use crate::faults;
use crate::migrations::{Begun, Chain, Completion, Entry, Environment, MigrationId, Standing, standing};
use crate::plan::{Action, Plan};
use crate::sink::SinkSet;
use crate::state::{Change, Kind, LedgerEntry, LedgerKey, LedgerOutcome, Session, State};

/// A migration, and everything that it takes.
pub(super) struct One<'o> {
    pub(super) project: &'o Project,
    pub(super) options: &'o MigrateOptions,
    pub(super) brokers: &'o Arc<BrokerSet>,
    pub(super) session: &'o Session,
    pub(super) chain: &'o Chain,
    pub(super) entry: &'o Entry,
}

impl One<'_> {
    pub(super) async fn run(
        &self,
        events: &UnboundedSender<MigrationEvent>,
        stop: &watch::Receiver<Stop>,
    ) -> Result<Ran, Failure> {
        let Session { backend, lock, lease, .. } = self.session;
        backend.renew(lock, *lease).await?;
        let state = backend.load().await?;
        let begun = state.ledger.iter().find(|entry| entry.key == self.key()).cloned();
        let row = match &begun {
            Some(begun) => self.gone_on_with(begun),
            None => self.row(),
        };
        if self.stands_for_what_was_done(&state) {
            let notes = vec!["a checkpoint; everything that it stands for was done here".to_owned()];
            return self.enter_nothing(LedgerEntry { notes, ..row }).await;
        }
        let resumed = if begun.is_some() { Begun::Earlier } else { Begun::Never };
        let before = if self.entry.is_checkpoint() { BTreeMap::new() } else { self.chain.before(self.entry) };
        let environment = Environment {
            config: &self.project.config,
            records: &state.records,
            serial: state.serial,
            catalogs: &self.brokers.catalogs(),
            now: jiff::Timestamp::now(),
            ring: self.session.vault.ring(),
            protection: self.options.protection,
        };
        match standing((self.entry, &before), &environment, resumed) {
            Standing::There => {
                let mut row = row;
                if begun.is_none() {
                    row.notes.push("everything was as it is to be".to_owned());
                }
                self.enter_nothing(row).await
            }
            Standing::Diverged(differences) => {
                let id = &self.entry.id;
                let what = format!(
                    "this environment does not stand where {id} begins, and nothing of {id} was done; bring it there \
                     (sutler plan tells what differs), or decide against it (sutler migrations skip {id} --reason WHY)"
                );
                Err(Failure::Diverged { what, differences })
            }
            Standing::Before(work) => {
                let (plan, config) = *work;
                self.check_sinks(&config)?;
                if begun.is_none() {
                    let change = Change::enter(row.clone(), "begun");
                    backend.commit(lock, vec![change]).await?;
                }
                faults::pass("O19-begun").await;
                self.carry_out((plan, config), (state, row), (events, stop)).await
            }
        }
    }

    fn key(&self) -> LedgerKey {
        LedgerKey::migration(self.entry.id.ledger())
    }

    /// The entry of a migration that is about to begin.
    fn row(&self) -> LedgerEntry {
        LedgerEntry {
            key: self.key(),
            outcome: LedgerOutcome::Begun,
            digest: self.entry.digest,
            started: jiff::Timestamp::now().to_string(),
            finished: None,
            duration_ms: 0,
            applied_by: self.options.occasion,
            actor: actor(self.project),
            notes: Vec::new(),
        }
    }

    /// The entry of a migration that somebody began, and we finish.
    fn gone_on_with(&self, begun: &LedgerEntry) -> LedgerEntry {
        let (actor, occasion) = (actor(self.project), self.options.occasion);
        let mut entry = begun.clone();
        if (&entry.actor, entry.applied_by) != (&actor, occasion) {
            entry.notes.push(format!("gone on with by {actor} ({})", occasion.word()));
        }
        entry
    }

    /// Whether it is a checkpoint where everything that it stands for was done, one by one.
    fn stands_for_what_was_done(&self, state: &State) -> bool {
        let is_recorded = |id: &MigrationId| {
            let key = LedgerKey::migration(id.ledger());
            state.ledger.iter().any(|entry| entry.key == key)
        };
        self.entry.stands_for.iter().any(|covered| is_recorded(&covered.migration))
    }

    fn check_sinks(&self, config: &Config) -> Result<(), Failure> {
        let variables: Vec<_> =
            config.instances.values().flat_map(|declared| declared.bind.values().cloned()).collect();
        match SinkSet::new(config, self.session.vault.ring()).check(&variables) {
            Err(mut errors) if !errors.is_empty() => Err(Failure::Sink(errors.swap_remove(0))),
            _ => Ok(()),
        }
    }

    /// Enters a migration in the ledger that has nothing to do.
    async fn enter_nothing(&self, row: LedgerEntry) -> Result<Ran, Failure> {
        let Session { backend, lock, .. } = self.session;
        faults::pass("O19-before").await;
        let change = Change::enter(Completion::of_nothing(row), "applied; there was nothing to do");
        match backend.commit(lock, vec![change]).await {
            // nobody knows whether it was written: the ledger does (B11)
            Err(error) if error.kind() == Kind::Failed && self.is_entered().await => {
                tracing::debug!(%error, "the entry of a migration was written all the same");
            }
            committed => {
                committed?;
            }
        }
        faults::pass("O19-after").await;
        Ok(Ran { migration: self.entry.id.clone(), outcome: MigrationOutcome::WasThere })
    }

    async fn is_entered(&self) -> bool {
        let Ok(state) = self.session.backend.load().await else { return false };
        let ours = state.ledger.into_iter().find(|entry| entry.key == self.key());
        ours.is_some_and(|entry| entry.outcome == LedgerOutcome::Applied && entry.digest == self.entry.digest)
    }

    async fn carry_out(
        &self,
        (plan, config): (Plan, Config),
        (mut state, row): (State, LedgerEntry),
        (events, stop): (&UnboundedSender<MigrationEvent>, &watch::Receiver<Stop>),
    ) -> Result<Ran, Failure> {
        let migration = self.entry.id.clone();
        // Nobody may be listening.
        let _deaf =
            events.send(MigrationEvent::Begun { migration: migration.clone(), plan: Box::new(plan.clone()) });
        let (tell, mut heard) = mpsc::unbounded_channel();
        let outside = events.clone();
        let forward = tokio::spawn(async move {
            while let Some(progress) = heard.recv().await {
                let _deaf = outside.send(MigrationEvent::Step(progress));
            }
        });
        self.rename(&plan, &mut state, &row).await?;
        let context = self.context(config, row, (tell, stop.clone()));
        let report = execute::execute(&plan, state.records, context).await;
        let _ended = forward.await;
        // The ledger tells: the last change may have been written although its answer was lost (B11).
        let outcome = if self.is_entered().await {
            faults::pass("O19-after").await;
            MigrationOutcome::Applied(report)
        } else {
            MigrationOutcome::Unfinished(report)
        };
        Ok(Ran { migration, outcome })
    }

    /// Gives records their new refs. When nothing else is to be done, the entry of the ledger is written with the last.
    async fn rename(&self, plan: &Plan, state: &mut State, row: &LedgerEntry) -> Result<(), Failure> {
        let Session { backend, lock, vault, .. } = self.session;
        let is_all = plan.steps.iter().all(|step| step.action == Action::Keep);
        let entry = is_all.then(|| Change::enter(Completion::of_nothing(row.clone()), "applied"));
        rename((&plan.moves, entry), state, (backend, lock, vault)).await
    }

    fn context(
        &self,
        config: Config,
        row: LedgerEntry,
        (events, stop): (UnboundedSender<Progress>, watch::Receiver<Stop>),
    ) -> Context {
        let (config, session) = (Arc::new(config), self.session);
        let (ring, settings) = (session.vault.ring(), &self.project.settings);
        let with = (Arc::clone(&config), self.brokers.catalogs(), Arc::clone(ring));
        let folder = self.project.config.source.path.parent().unwrap_or(std::path::Path::new("."));
        Context {
            brokers: Arc::clone(self.brokers),
            backend: Arc::clone(&session.backend),
            lock: Arc::clone(&session.lock),
            vault: session.vault.clone(),
            sinks: Arc::new(SinkSet::new(&config, ring)),
            durations: Arc::new(Durations::load(&folder.join(".sutler/durations.json"))),
            options: execute::Options {
                parallelism: self.options.parallelism,
                lease: settings.lease,
                pacing: settings.pacing(),
                closing: Some(Arc::new(Completion::new(self.entry, with, row))),
                ..execute::Options::default()
            },
            config,
            events,
            stop,
        }
    }
}
