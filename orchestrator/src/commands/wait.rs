//! `status --wait`: waits for what brokers have accepted, and records how it ended. Begins nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc::UnboundedSender, watch};

use super::events::deliver;
use super::failure::Failure;
use super::project::Project;
use crate::execute::{self, Context, Ended, Progress, Report, Stop};
use crate::exit::Exit;
use crate::sink::SinkSet;
use crate::state::{self, Begin, Holder, Session, StateError};

/// What came of waiting.
#[derive(Debug)]
pub struct Waited {
    /// What ended, and how; what still runs.
    pub report: Report,
}

impl Waited {
    /// The exit code: 0 nothing runs any more and nothing failed, 4 some of it, 1 none of it ended well.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let report = &self.report;
        match &report.ended {
            Ended::State(StateError::LockLost { .. }) => Exit::LockLost,
            Ended::State(_) => Exit::Failed,
            _ if report.is_complete() => Exit::Done,
            _ if report.done.is_empty() && !report.failed.is_empty() => Exit::Failed,
            _ => Exit::Partial,
        }
    }
}

/// How long to wait, and who listens.
#[derive(Debug)]
pub struct Waiting {
    /// For what runs; until it has ended when left out.
    pub limit: Option<Duration>,
    /// For somebody else's lock.
    pub patience: Duration,
    /// Is told what happens.
    pub events: UnboundedSender<Progress>,
    /// Says when to stop.
    pub stop: watch::Receiver<Stop>,
}

/// Waits for everything that is running. Takes the lock only when something is.
///
/// # Errors
/// When configuration, state or a broker cannot be used, or the lock is held.
pub async fn wait(project: &Project, waiting: Waiting) -> Result<Waited, Failure> {
    let state = project.backend.load().await?;
    if !state.records.iter().any(|record| execute::running(record).is_some()) {
        return Ok(Waited { report: Report::default() });
    }
    let runs_at = |broker: &crate::name::BrokerName| {
        state.records.iter().any(|record| &record.broker == broker && execute::running(record).is_some())
    };
    let brokers = Arc::new(project.connect_to(runs_at).await?);
    let session = state::begin(Arc::clone(&project.backend), claim(project, waiting.patience)).await?;
    if let Err(failure) = project.refuse_rollback(&session.state).await {
        // The failure is what there is to tell; a lock that stays ends by itself.
        let _lock = session.end().await;
        return Err(failure);
    }
    let lineage = session.state.lineage;
    let (limit, ended) = stop_in_time(&waiting);
    let config = Arc::clone(&project.config);
    let context = Context {
        brokers,
        backend: Arc::clone(&session.backend),
        lock: Arc::clone(&session.lock),
        vault: session.vault.clone(),
        sinks: Arc::new(SinkSet::new(&config, session.vault.ring())),
        config,
        options: options(project),
        durations: Arc::default(),
        events: waiting.events,
        stop: ended,
    };
    let report = execute::wait(session.state.records.clone(), context).await;
    limit.abort();
    end(session, &report).await?;
    if let Err(error) = project.remember(lineage).await {
        tracing::warn!(%error, "an older state put in place of this one would not be noticed");
    }
    for trouble in deliver(project).await {
        tracing::warn!(%trouble, "not everyone was told");
    }
    Ok(Waited { report })
}

/// Gives the lock back; one that was lost is somebody else's.
async fn end(session: Session, report: &Report) -> Result<(), StateError> {
    let ended = session.end().await;
    if matches!(report.ended, Ended::State(_)) { Ok(()) } else { ended }
}

/// Says stop when the time is over, or when whoever may says so.
fn stop_in_time(waiting: &Waiting) -> (tokio::task::JoinHandle<()>, watch::Receiver<Stop>) {
    let (sender, stopped) = watch::channel(Stop::Never);
    let (limit, mut asked) = (waiting.limit, waiting.stop.clone());
    let timer = tokio::spawn(async move {
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let told = async {
            if asked.wait_for(|stop| *stop != Stop::Never).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! { () = over => {} () = told => {} }
        sender.send_replace(Stop::Abandon);
        // Whoever looks later still finds the word.
        std::future::pending::<()>().await;
    });
    (timer, stopped)
}

fn claim(project: &Project, patience: Duration) -> Begin {
    Begin {
        keys: project.keys.clone(),
        holder: Holder::this_process(project.settings.user.clone(), "status --wait"),
        lease: project.settings.lease,
        patience,
        notice: project.settings.notice.clone(),
    }
}

fn options(project: &Project) -> execute::Options {
    let settings = &project.settings;
    execute::Options { lease: settings.lease, pacing: settings.pacing(), ..execute::Options::default() }
}
