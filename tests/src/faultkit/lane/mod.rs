//! One world of the campaign: a vendor, a broker, a platform, and everybody who looks at them.

mod asking;
mod foreign;
mod keys;
mod looking;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sutler_broker_server::testing::proxy::Cut;

use super::{
    broker::{Broker, BrokerOptions, TUNING},
    checks::Moment,
    counts::Counts,
    disturbance::Disturbance,
    evidence::{Exchange, Violation},
    memory::{Memory, StoreChoice},
    platform::Platform,
    proxy::Proxy,
    trouble::Trouble,
};
use crate::{
    cloudflare::{CloudflareFake, Control, Options, Snapshot, Table},
    world::{ACCOUNT, Binaries, WorldError, secret},
};

/// The longest time anything may take once faults have stopped (I-14 with the campaign's times, and a busy machine).
pub(super) const BOUND: Duration = Duration::from_secs(40);

/// How a lane is made.
#[derive(Debug, Clone, Default)]
pub struct LaneOptions {
    /// Which store its broker has.
    pub store: StoreChoice,
    /// The mistake its broker makes.
    pub mutant: Option<String>,
    /// Its broker's times instead of the usual ones.
    pub tuning: Option<String>,
    /// What happens at the first starts of its broker.
    pub first_plans: Vec<String>,
    /// The longest time anything may take, instead of the usual one.
    pub bound: Option<Duration>,
    /// Where its broker's files are, instead of in a folder of the lane.
    pub broker_folder: Option<PathBuf>,
}

/// See the module.
#[derive(Debug)]
pub struct Lane {
    _fake: CloudflareFake,
    /// The vendor, from behind.
    pub vendor: Control,
    foreign: Snapshot,
    /// What stands between broker and vendor.
    pub vendor_proxy: Proxy,
    /// What stands between platform and broker.
    pub broker_proxy: Proxy,
    /// The broker.
    pub broker: Broker,
    /// Where the broker keeps what it knows.
    pub(super) memory: Arc<Memory>,
    store: &'static str,
    /// The platform.
    pub platform: Platform,
    client: reqwest::Client,
    phases: VecDeque<String>,
    kill_after: VecDeque<Duration>,
    disturbances: Vec<Disturbance>,
    last: (Vec<Exchange>, u64),
    bound: Duration,
    ledger_from: u64,
    /// What was done.
    pub counts: Counts,
    /// What was found.
    pub found: Vec<Violation>,
    secrets: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

/// A vendor at which a call that no provider says it makes is found (S-62).
fn only_known_calls(master: &str) -> Options {
    Options { table: Table::of_cloudflare(), ..Options::new(ACCOUNT, master) }
}

impl Lane {
    /// A vendor with things of others, and a broker that is ready.
    ///
    /// # Errors
    /// When a process does not come up.
    pub async fn start(options: LaneOptions) -> Result<Self, WorldError> {
        // the first lane of a process installs it; the next ones find it there
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let binaries = Binaries::build().map_err(|error| WorldError::new("building the binaries", error))?;
        let folder = tempfile::tempdir().map_err(|error| WorldError::new("a temporary folder", error))?;
        let (master, password) = (secret("cf")?, secret("pw")?);
        let fake = start_vendor(&master).await?;
        let vendor = fake.control();
        let foreign = foreign::things(&vendor)?;
        let vendor_proxy = Proxy::start(fake.address()).await?;
        let home = options.broker_folder.unwrap_or_else(|| folder.path().join("broker"));
        let memory = Arc::new(Memory::new(&options.store, &home).await?);
        let (store, store_password) = memory.setting();
        let broker = BrokerOptions {
            folder: home,
            store,
            store_password: store_password.clone(),
            vendor_url: format!("http://{}/client/v4", vendor_proxy.address()),
            vendor_token: master.clone(),
            password: password.clone(),
            mutant: options.mutant,
            tuning: options.tuning.unwrap_or_else(|| TUNING.to_owned()),
        };
        let mut broker = Broker::prepare(&binaries, broker).await?;
        if let Some(plan) = options.first_plans.first() {
            broker.arm(plan).map_err(|error| WorldError::new("arming", error))?;
        }
        broker.spawn()?;
        let broker_proxy = Proxy::start(([127, 0, 0, 1], broker.port()).into()).await?;
        let client = client()?;
        let platform = Platform::new(client.clone(), &broker_proxy, password.clone(), vendor.clone());
        let mut secrets =
            vec![("vendor token".to_owned(), master), ("platform password".to_owned(), password)];
        secrets
            .extend((!store_password.is_empty()).then(|| ("database password".to_owned(), store_password)));
        let mut lane = Self {
            _fake: fake,
            ledger_from: vendor.ledger_length(),
            vendor,
            foreign,
            vendor_proxy,
            broker_proxy,
            broker,
            memory,
            store: options.store.word(),
            platform,
            client,
            phases: options.first_plans.into_iter().skip(1).collect(),
            kill_after: VecDeque::new(),
            disturbances: Vec::new(),
            last: (Vec::new(), 0),
            bound: options.bound.unwrap_or(BOUND),
            counts: Counts::default(),
            found: Vec::new(),
            secrets,
            folder,
        };
        lane.counts.starts += 1;
        lane.stay_alive().await?;
        Ok(lane)
    }

    /// What happens from now on, life by life of the broker; nothing after the last plan.
    ///
    /// # Errors
    /// When the plan cannot be written.
    pub fn arm(&mut self, plans: &[String]) -> Result<(), WorldError> {
        self.phases = plans.iter().cloned().collect();
        let first = self.phases.pop_front().unwrap_or_default();
        self.broker.arm(&first).map_err(|error| WorldError::new("arming", error))
    }

    /// Kills the broker after the first time, the next one after the second, and so on.
    pub fn kill_after(&mut self, times: impl IntoIterator<Item = Duration>) {
        self.kill_after = times.into_iter().collect();
        self.be_killed();
    }

    fn be_killed(&mut self) {
        if let Some(after) = self.kill_after.pop_front() {
            self.disturb(&Trouble::Kill(vec![after]));
        }
    }

    /// Lets something happen to the broker after a while.
    pub fn disturb(&mut self, trouble: &Trouble) {
        self.disturbances.extend(Disturbance::begin(trouble, &self.broker, &self.memory));
    }

    /// Breaks the way to the database, where there is one.
    pub fn cut(&self, cut: Cut) {
        if let Some(proxy) = self.memory.proxy() {
            proxy.cut(cut);
        }
    }

    /// Whether the way to the database was broken as it was to be. It is not any more.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.memory.proxy().is_some_and(|proxy| !proxy.mend())
    }

    /// Waits until everything that was to happen has happened. How much of it did.
    pub async fn undisturbed(&mut self) -> usize {
        self.kill_after.clear();
        let mut struck = 0;
        for disturbance in std::mem::take(&mut self.disturbances) {
            if let Some(kind) = disturbance.end().await {
                self.counts.fault(kind);
                struck += 1;
            }
        }
        struck
    }

    /// How often its broker was found dead.
    #[must_use]
    pub fn deaths(&self) -> u64 {
        self.counts.faults.get("deaths").copied().unwrap_or_default()
    }

    /// Takes note of what struck since the last plan.
    pub fn note_struck(&mut self) -> usize {
        let struck = self.broker.struck();
        for point in &struck {
            self.counts.fault(point.clone());
        }
        struck.len()
    }

    /// Starts the broker again if it is dead, with the next plan, and looks at the remains before.
    ///
    /// # Errors
    /// When it does not come up although nothing hinders it.
    pub async fn stay_alive(&mut self) -> Result<usize, WorldError> {
        let mut struck = 0;
        for _ in 0..20 {
            if !self.broker.is_dead() && self.broker.is_ready(&self.client).await? {
                return Ok(struck);
            }
            struck += self.note_struck();
            self.counts.fault("deaths");
            self.check(Moment::Instant).await;
            let plan = self.phases.pop_front().unwrap_or_default();
            self.broker.arm(&plan).map_err(|error| WorldError::new("arming", error))?;
            self.broker.spawn()?;
            self.counts.starts += 1;
            self.be_killed();
        }
        Err(WorldError::new("starting a broker again", self.broker.end_of_log()))
    }

    /// Remembers a secret that must be nowhere in clear.
    pub fn watch(&mut self, name: &str, value: &str) {
        self.secrets.push((name.to_owned(), value.to_owned()));
    }

    /// Which store its broker has, as on the command line.
    #[must_use]
    pub fn store(&self) -> &'static str {
        self.store
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

async fn start_vendor(token: &str) -> Result<CloudflareFake, WorldError> {
    let fake = CloudflareFake::start(only_known_calls(token)).await;
    fake.map_err(|error| WorldError::new("starting the vendor", error))
}

/// How everybody outside talks to the broker.
fn client() -> Result<reqwest::Client, WorldError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(25))
        // a connection to a broker that died says nothing about the next one
        .pool_max_idle_per_host(0);
    client.build().map_err(|error| WorldError::new("a client", error))
}
