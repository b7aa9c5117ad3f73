//! A configuration, a broker and a state to run in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sutler_broker_client::Pacing;
use sutler_secrets::KeyRing;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use wiremock::MockServer;

use super::Fake;
use crate::brokers::{BrokerSet, Connecting};
use crate::config::{self, Config, Format, Source};
use crate::execute::{self, Context, Options, Progress, Report, Stop, execute};
use crate::name::InstanceRef;
use crate::plan::{self, Intent, Plan, PlanInput, Undeclared};
use crate::sink::SinkSet;
use crate::state::record::InstanceRecord;
use crate::state::{
    Change, Claim, Entry, Extent, Holder, Lock, LockInfo, MemoryBackend, Revision, Snapshot, State,
    StateBackend, StateError, Vault,
};

/// Everything that a run needs.
pub(super) struct World {
    pub(super) fake: Fake,
    pub(super) backend: Arc<Fragile>,
    pub(super) ring: Arc<KeyRing>,
    pub(super) stop: watch::Sender<Stop>,
    pub(super) options: Options,
    /// What plans are about; everything when empty.
    pub(super) targets: Vec<&'static str>,
    server: MockServer,
    home: TempDir,
    instances: String,
}

impl World {
    /// A world with these instances declared, in YAML.
    pub(super) async fn new(instances: &str) -> Self {
        Self::with(instances, |_| Arc::new(MemoryBackend::new(stack()))).await
    }

    pub(super) async fn with(instances: &str, backend: impl Fn(&Path) -> Arc<dyn StateBackend>) -> Self {
        let fake = Fake::default();
        let home = tempfile::tempdir().unwrap();
        let pacing = Pacing {
            first: Duration::from_millis(1),
            minimum: Duration::from_millis(1),
            cap: Duration::from_millis(2),
            ..Pacing::default()
        };
        let options = Options { pacing, maximum_wait: Duration::from_secs(20), ..Options::default() };
        Self {
            backend: Arc::new(Fragile::new(backend(home.path()))),
            ring: Arc::new(KeyRing::generate(jiff::Timestamp::now())),
            stop: watch::Sender::new(Stop::Never),
            options,
            targets: Vec::new(),
            server: fake.serve().await,
            fake,
            home,
            instances: instances.to_owned(),
        }
    }

    pub(super) fn declare(&mut self, instances: &str) {
        instances.clone_into(&mut self.instances);
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(super) fn env(&self) -> PathBuf {
        self.home.path().join(".env")
    }

    pub(super) fn config(&self) -> Config {
        let url = self.server.uri();
        let text = format!(
            "stack: shop\nbrokers: {{ edge: {{ url: '{url}' }} }}\nstate: 'memory:'\n\
             sinks: {{ env: {{ dotenv: .env }} }}\ninstances:\n{}",
            self.instances
        );
        let source =
            Source { path: self.home.path().join("sutler.yaml"), text: text.into(), format: Format::Yaml };
        config::parse(&source).unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub(super) async fn brokers(&self) -> BrokerSet {
        BrokerSet::connect(&self.config(), &Connecting::default(), |_| true).await.expect("it is there")
    }

    pub(super) async fn state(&self) -> State {
        self.backend.load().await.unwrap()
    }

    pub(super) async fn record(&self, reference: &str) -> Option<InstanceRecord> {
        self.state().await.records.into_iter().find(|record| record.reference.as_str() == reference)
    }

    pub(super) async fn plan(&self, intent: Intent) -> Plan {
        let (config, state, brokers) = (self.config(), self.state().await, self.brokers().await);
        let targets = self.targets.iter().map(|name| InstanceRef::new(name).unwrap()).collect();
        let undeclared = Undeclared::Pruned;
        let options = plan::Options { targets, undeclared, intent, ..plan::Options::default() };
        let input = PlanInput {
            config: &config,
            records: &state.records,
            serial: state.serial,
            catalogs: &brokers.catalogs(),
            ring: &self.ring,
            now: jiff::Timestamp::now(),
            options,
        };
        plan::plan(&input).unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub(super) async fn apply(&self) -> Report {
        self.run(Intent::Apply).await.0
    }

    pub(super) async fn teardown(&self) -> Report {
        self.run(Intent::Teardown).await.0
    }

    /// Changes a record behind everybody's back.
    pub(super) async fn edit(&self, reference: &str, edit: impl FnOnce(&mut InstanceRecord)) {
        let (state, mut record) = (self.state().await, self.record(reference).await.unwrap());
        let vault = Vault::with_ring(Arc::clone(&self.ring), &state, "test").unwrap();
        let lock = self.lock(&vault).await;
        edit(&mut record);
        self.backend.commit(&lock, vec![Change::put(record, "edited")]).await.unwrap();
        self.backend.unlock(&lock).await.unwrap();
    }

    /// Waits for what runs, under a lock.
    pub(super) async fn wait(&self) -> Report {
        let state = self.state().await;
        let vault = Vault::with_ring(Arc::clone(&self.ring), &state, "test").unwrap();
        let lock = self.lock(&vault).await;
        let (events, _heard) = mpsc::unbounded_channel();
        let context = self.context((vault, Arc::clone(&lock)), events).await;
        let report = execute::wait(state.records, context).await;
        self.backend.unlock(&lock).await.unwrap();
        report
    }

    async fn lock(&self, vault: &Vault) -> Arc<Lock> {
        let claim = Claim {
            holder: Holder::this_process("ada", "test"),
            lease: self.options.lease,
            seed: vault.seed(),
        };
        Arc::new(self.backend.lock(&claim).await.unwrap())
    }

    async fn context(
        &self,
        (vault, lock): (Vault, Arc<Lock>),
        events: mpsc::UnboundedSender<Progress>,
    ) -> Context {
        let config = self.config();
        let sinks = SinkSet::new(&config, &self.ring);
        Context {
            brokers: Arc::new(self.brokers().await),
            backend: Arc::clone(&self.backend) as Arc<dyn StateBackend>,
            lock,
            vault,
            sinks: Arc::new(sinks),
            options: self.options.clone(),
            config: Arc::new(config),
            durations: Arc::default(),
            events,
            stop: self.stop.subscribe(),
        }
    }

    /// Plans and carries out, under a lock.
    pub(super) async fn run(&self, intent: Intent) -> (Report, Vec<Progress>) {
        let state = self.state().await;
        let vault = Vault::with_ring(Arc::clone(&self.ring), &state, "test").unwrap();
        let lock = self.lock(&vault).await;
        let plan = self.plan(intent).await;
        let (events, mut heard) = mpsc::unbounded_channel();
        let context = self.context((vault, Arc::clone(&lock)), events).await;
        let report = execute(&plan, state.records, context).await;
        self.backend.heal();
        self.backend.unlock(&lock).await.unwrap();
        let mut told = Vec::new();
        while let Ok(event) = heard.try_recv() {
            told.push(event);
        }
        (report, told)
    }

    /// The variables in the sink, opened.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let sinks = SinkSet::new(&self.config(), &self.ring);
        let sink = sinks.sinks().next().expect("there is a sink");
        let open = sink.open().unwrap();
        open.into_iter().map(|(name, value)| (name.to_string(), value.expose().clone())).collect()
    }

    /// What must hold after any run that ended well: what exists is what is recorded, once.
    pub(super) async fn is_consistent(&self) {
        let state = self.state().await;
        let mut recorded: Vec<_> = state.records.iter().map(|record| record.reference.to_string()).collect();
        recorded.sort();
        let mut existing: Vec<_> =
            self.fake.instances().into_iter().map(|(reference, _)| reference).collect();
        existing.sort();
        assert_eq!(existing, recorded, "orphans or twins");
        let mut bound: Vec<_> = state.records.iter().filter(|record| record.binding.is_some()).collect();
        bound.sort_by(|a, b| a.reference.cmp(&b.reference));
        let bound: Vec<_> = bound.iter().map(|record| record.reference.to_string()).collect();
        assert_eq!(self.fake.bindings(), bound, "orphaned or twin bindings");
        self.backend.verify(Extent::Everything).await.unwrap();
    }

    /// A further run has nothing to do.
    pub(super) async fn has_nothing_to_do(&self) {
        let serial = self.state().await.serial;
        self.fake.asked();
        let report = self.apply().await;
        assert!(report.is_complete() && report.done.is_empty(), "{report:#?}");
        assert_eq!((self.fake.asked(), self.state().await.serial), (Vec::new(), serial));
    }
}

pub(super) fn stack() -> crate::name::StackName {
    crate::name::StackName::new("shop").unwrap()
}

/// Storage that can be told to break at the n-th commit: before it happens, or after.
#[derive(Debug)]
pub(super) struct Fragile {
    inner: Arc<dyn StateBackend>,
    left: AtomicUsize,
    after: std::sync::atomic::AtomicBool,
    once: std::sync::atomic::AtomicBool,
}

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    BeforeCommit,
    AfterCommit,
}

impl Fragile {
    fn new(inner: Arc<dyn StateBackend>) -> Self {
        Self { inner, left: AtomicUsize::new(usize::MAX), after: false.into(), once: false.into() }
    }

    /// From the n-th commit on nothing works.
    pub(super) fn break_at(&self, commits: usize, moment: Moment) {
        self.left.store(commits, Ordering::SeqCst);
        self.after.store(moment == Moment::AfterCommit, Ordering::SeqCst);
    }

    /// The n-th commit does not work; those after it do.
    pub(super) fn stumble_at(&self, commit: usize, moment: Moment) {
        self.break_at(commit, moment);
        self.once.store(true, Ordering::SeqCst);
    }

    /// Whether it broke.
    pub(super) fn is_broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    fn heal(&self) {
        if !self.is_broken() {
            self.left.store(usize::MAX, Ordering::SeqCst);
        }
    }

    fn broken(&self) -> StateError {
        StateError::Busy { location: self.location() }
    }
}

#[async_trait]
impl StateBackend for Fragile {
    fn location(&self) -> String {
        self.inner.location()
    }

    async fn load(&self) -> Result<State, StateError> {
        self.inner.load().await
    }

    async fn verify(&self, extent: Extent) -> Result<(), StateError> {
        self.inner.verify(extent).await
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        self.inner.lock(claim).await
    }

    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError> {
        self.inner.renew(lock, lease).await
    }

    async fn unlock(&self, lock: &Lock) -> Result<(), StateError> {
        self.inner.unlock(lock).await
    }

    async fn told(&self) -> Result<std::collections::BTreeMap<String, u64>, StateError> {
        self.inner.told().await
    }

    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError> {
        self.inner.tell(listener, sequence).await
    }

    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError> {
        self.inner.lock_holder().await
    }

    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError> {
        let take = |left: usize| match left {
            usize::MAX => Some(usize::MAX),
            0 => None,
            left => Some(left - 1),
        };
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        if self.is_broken() && self.once.load(Ordering::SeqCst) {
            self.left.store(usize::MAX, Ordering::SeqCst);
        }
        match left {
            Err(_) => Err(self.broken()),
            Ok(1) if self.after.load(Ordering::SeqCst) => {
                self.inner.commit(lock, changes).await?;
                Err(self.broken())
            }
            Ok(1) => Err(self.broken()),
            Ok(_) => self.inner.commit(lock, changes).await,
        }
    }

    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError> {
        self.inner.journal(after, limit).await
    }

    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError> {
        self.inner.history(reference, after, limit).await
    }

    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError> {
        self.inner.compact(lock, kept).await
    }

    async fn revisions(&self) -> Result<Vec<Revision>, StateError> {
        self.inner.revisions().await
    }

    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError> {
        self.inner.revision(serial).await
    }

    async fn force_unlock(&self, id: uuid::Uuid) -> Result<LockInfo, StateError> {
        self.inner.force_unlock(id).await
    }
}
