//! `migrate`: everything that is to be done here is done, in order, under the lock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc::UnboundedSender, watch};

use super::one::One;
use super::outcome::{MigrationEvent, MigrationOutcome, Ran};
use super::{Named, begin, chain, folder, rows};
use crate::brokers::BrokerSet;
use crate::commands::events::deliver;
use crate::commands::failure::Failure;
use crate::commands::project::Project;
use crate::execute::Stop;
use crate::exit::Exit;
use crate::faults;
use crate::migrations::{Entry, Folder, MigrationId, Progress};
use crate::plan::Protection;
use crate::state::{self, AppliedBy, Session};

/// How to migrate.
#[derive(Debug, Clone)]
pub struct MigrateOptions {
    /// Where migrations are.
    pub folder: Named,
    /// How long to wait for somebody else's lock.
    pub patience: Duration,
    /// On which occasion.
    pub occasion: AppliedBy,
    /// At most so many instances at once.
    pub parallelism: usize,
    /// Whether protected instances may go.
    pub protection: Protection,
}

/// What is to be done, as seen without a lock.
#[derive(Debug)]
pub struct Pending<'p> {
    project: &'p Project,
    options: MigrateOptions,
    folder: Folder,
    brokers: Arc<BrokerSet>,
    /// The migrations, in order.
    pub migrations: Vec<Entry>,
}

/// What came of it.
#[derive(Debug)]
pub struct Migrated {
    /// The migrations that were to be done, as far as it came.
    pub ran: Vec<Ran>,
    /// Why it went no further, when a migration could not begin.
    pub stopped: Option<Failure>,
    /// Notices.
    pub notes: Vec<String>,
}

impl Migrated {
    /// The exit code: that of what went wrong, if anything did.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match &self.stopped {
            Some(failure) => failure.exit(),
            None => self.ran.iter().map(Ran::exit).find(|exit| *exit != Exit::Done).unwrap_or(Exit::Done),
        }
    }
}

/// Looks what is to be done. Nothing is written and no lock is taken; without anything to do no broker is asked.
///
/// # Errors
/// When the migrations or state cannot be used, or the two do not belong together.
pub async fn prepare(project: &Project, options: MigrateOptions) -> Result<Pending<'_>, Failure> {
    let folder = folder(project, options.folder.as_deref());
    let chain = chain(&folder)?;
    let (state, _) = project.read().await?;
    let open = rows(&chain, &state.ledger)?.into_iter().filter(|row| row.progress.is_open());
    let migrations: Vec<Entry> = open.map(|row| row.entry.clone()).collect();
    let anything = !migrations.is_empty();
    let brokers = Arc::new(project.connect_to(|_| anything).await?);
    Ok(Pending { project, options, folder, brokers, migrations })
}

impl Pending<'_> {
    /// Takes the lock, looks again at what is to be done, and does it. What somebody else did meanwhile is told as such.
    ///
    /// # Errors
    /// When the lock is held, or nothing could begin. Nothing was changed.
    pub async fn carry_out(
        &self,
        events: UnboundedSender<MigrationEvent>,
        stop: watch::Receiver<Stop>,
    ) -> Result<Migrated, Failure> {
        let project = self.project;
        let begin = begin(project, ("migrate", self.options.patience));
        faults::pass("O01-before").await;
        let session = state::begin(Arc::clone(&project.backend), begin).await?;
        faults::pass("O01-after").await;
        let lineage = session.state.lineage;
        let mut migrated = Migrated { ran: Vec::new(), stopped: None, notes: Vec::new() };
        if session.keys == sutler_secrets::Created::Yes {
            let keys = project.keys.display();
            migrated.notes.push(format!("made the key ring {keys}; keep a copy in a safe place: without it, state and sealed variables cannot be opened"));
        }
        migrated.stopped = self.under_lock(&session, &mut migrated.ran, (&events, &stop)).await.err();
        if let Err(error) = session.end().await {
            migrated.notes.push(format!("the lock could not be given back ({error}); it ends by itself"));
        }
        if let Err(error) = project.remember(lineage).await {
            let what = "an older state put in place of this one would not be noticed";
            migrated.notes.push(format!("{what}: {error}"));
        }
        migrated.notes.extend(deliver(project).await);
        match migrated.stopped {
            Some(failure) if migrated.ran.is_empty() => Err(failure),
            stopped => Ok(Migrated { stopped, ..migrated }),
        }
    }

    async fn under_lock(
        &self,
        session: &Session,
        ran: &mut Vec<Ran>,
        (events, stop): (&UnboundedSender<MigrationEvent>, &watch::Receiver<Stop>),
    ) -> Result<(), Failure> {
        self.project.refuse_rollback(&session.state).await?;
        // read again, now that nobody else migrates: what is done is what is there now
        let chain = chain(&self.folder)?;
        let now = rows(&chain, &session.state.ledger)?;
        let by_another = |id: &MigrationId| {
            let row = now.iter().find(|row| row.entry.id == *id);
            row.filter(|row| row.progress == Progress::Applied).and_then(|row| row.recorded.cloned())
        };
        for seen in &self.migrations {
            if let Some(entry) = by_another(&seen.id) {
                let outcome = MigrationOutcome::AppliedByAnother { actor: entry.actor };
                ran.push(Ran { migration: seen.id.clone(), outcome });
            }
        }
        for row in now.iter().filter(|row| row.progress.is_open()) {
            if *stop.borrow() != Stop::Never {
                ran.push(Ran { migration: row.entry.id.clone(), outcome: MigrationOutcome::NotBegun });
                continue;
            }
            let one = One {
                project: self.project,
                options: &self.options,
                brokers: &self.brokers,
                session,
                chain: &chain,
                entry: row.entry,
            };
            let done = one.run(events, stop).await?;
            let is_done = done.exit() == Exit::Done;
            ran.push(done);
            if !is_done {
                break;
            }
        }
        Ok(())
    }
}
