//! All configured sinks. Edits that wait together are written together, since each write replaces a whole file.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use sutler_secrets::KeyRing;
use tokio::sync::oneshot;

use super::dotenv::Dotenv;
use super::{CommandSink, Edits, Json, Kubernetes, Sink, SinkError};
use crate::config::{Config, SinkConfig, SinkKind};
use crate::name::{StackName, VariableName};

/// All configured sinks.
#[derive(Debug, Default)]
pub struct SinkSet {
    outlets: Vec<Outlet>,
}

/// One sink, and who waits for it.
#[derive(Debug)]
struct Outlet {
    sink: Arc<dyn Sink>,
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    edits: Edits,
    done: oneshot::Sender<Result<(), SinkError>>,
}

impl SinkSet {
    /// The sinks of a configuration. Opens nothing.
    #[must_use]
    pub fn new(config: &Config, ring: &Arc<KeyRing>) -> Self {
        Self::of(config.sinks.iter().map(|sink| one(&config.stack, sink, Arc::clone(ring))))
    }

    /// These sinks.
    pub fn of(sinks: impl IntoIterator<Item = Arc<dyn Sink>>) -> Self {
        let outlet = |sink| Outlet { sink, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() };
        Self { outlets: sinks.into_iter().map(outlet).collect() }
    }

    /// Each sink.
    pub fn sinks(&self) -> impl Iterator<Item = &Arc<dyn Sink>> {
        self.outlets.iter().map(|outlet| &outlet.sink)
    }

    /// Whether every sink could take these variables. Blocks; writes nothing.
    ///
    /// # Errors
    /// Every variable that could not, sink by sink.
    pub fn check(&self, variables: &[VariableName]) -> Result<(), Vec<SinkError>> {
        let errors: Vec<SinkError> =
            self.sinks().filter_map(|sink| sink.check(variables).err()).flatten().collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The variables that every sink still holds as it should. Blocks.
    ///
    /// # Errors
    /// When a sink cannot be read.
    pub fn held(&self) -> Result<BTreeSet<VariableName>, SinkError> {
        let mut all: Option<BTreeSet<VariableName>> = None;
        for sink in self.sinks() {
            let held = sink.current()?;
            all = Some(all.map_or(held.clone(), |all| all.intersection(&held).cloned().collect()));
        }
        Ok(all.unwrap_or_default())
    }

    /// Makes the edits in every sink.
    ///
    /// # Errors
    /// The first sink's that could not; repeating the call makes up for it.
    pub async fn write(&self, edits: Edits) -> Result<(), SinkError> {
        if edits.is_empty() {
            return Ok(());
        }
        let Some((last, others)) = self.outlets.split_last() else { return Ok(()) };
        for outlet in others {
            outlet.write(edits.duplicate()).await?;
        }
        last.write(edits).await
    }
}

fn one(
    stack: &StackName,
    SinkConfig { name, kind, sealing }: &SinkConfig,
    ring: Arc<KeyRing>,
) -> Arc<dyn Sink> {
    let of = (stack, name.as_str());
    match kind.clone() {
        SinkKind::Dotenv { path, dialect } => {
            Arc::new(Dotenv::new(of, path, (dialect, sealing.clone()), ring))
        }
        SinkKind::Json { path } => Arc::new(Json::new(of, path, sealing.clone(), ring)),
        SinkKind::Kubernetes { path, secret } => Arc::new(Kubernetes::new(of, path, secret, ring)),
        SinkKind::Command { words, folder, patience, ledger } => {
            Arc::new(CommandSink::new(of, (words, folder, patience), ledger, ring))
        }
    }
}

impl SinkSet {
    /// Removes every variable that we wrote and that is not among these.
    ///
    /// # Errors
    /// The first sink's that could not.
    pub async fn keep_only(&self, claimed: HashSet<VariableName>) -> Result<(), SinkError> {
        let claimed = Arc::new(claimed);
        for outlet in &self.outlets {
            let (sink, claimed) = (Arc::clone(&outlet.sink), Arc::clone(&claimed));
            let held = tokio::task::spawn_blocking(move || sink.variables()).await;
            let held = held.map_err(|_| SinkError::Interrupted { sink: outlet.sink.name().to_owned() })??;
            let remove: Vec<_> = held.into_iter().filter(|variable| !claimed.contains(variable)).collect();
            if !remove.is_empty() {
                outlet.write(Edits { put: Vec::new(), remove }).await?;
            }
        }
        Ok(())
    }
}

impl Edits {
    fn duplicate(&self) -> Self {
        let put = self.put.iter().map(|(variable, value)| (variable.clone(), value.duplicate()));
        Self { put: put.collect(), remove: self.remove.clone() }
    }
}

impl Outlet {
    /// Queues the edits; whoever gets the turn writes for everyone who waits.
    async fn write(&self, edits: Edits) -> Result<(), SinkError> {
        let (done, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { edits, done });
        let turn = self.turn.lock().await;
        let group = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if !group.is_empty() {
            let sink = Arc::clone(&self.sink);
            let _ = tokio::task::spawn_blocking(move || serve(&*sink, group)).await;
        }
        drop(turn);
        let interrupted = || SinkError::Interrupted { sink: self.sink.name().to_owned() };
        answer.await.map_err(|_| interrupted())?
    }
}

/// Writes everything at once; when that fails, each by itself, so that an error hits only whom it concerns.
fn serve(sink: &dyn Sink, group: Vec<Waiting>) {
    let (edits, mut answers): (Vec<_>, Vec<_>) = group.into_iter().map(|one| (one.edits, one.done)).unzip();
    match sink.write(&edits) {
        Ok(()) => answers.into_iter().for_each(|answer| drop(answer.send(Ok(())))),
        Err(error) if edits.len() == 1 => {
            answers.pop().into_iter().zip([error]).for_each(|(answer, error)| drop(answer.send(Err(error))));
        }
        Err(_) => {
            for (edits, answer) in edits.iter().zip(answers) {
                let _ = answer.send(sink.write(std::slice::from_ref(edits)));
            }
        }
    }
}
