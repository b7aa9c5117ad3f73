//! One world of the campaign: a vendor, a broker, a platform, and everybody who looks at them.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;
use sutler_broker_server::providers::Marker;
use sutler_spec::InstanceId;

use super::{
    broker::{Broker, BrokerOptions, TUNING},
    checks::{self, Captured, Moment},
    counts::Counts,
    disturbance::Disturbance,
    dump::StoreDump,
    evidence::{Answer, Call, Evidence, Exchange, Violation},
    platform::{End, Mode, Platform, Wish},
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
        let options_of_vendor = Options { table: Table::of_providers(), ..Options::new(ACCOUNT, &master) };
        let fake = CloudflareFake::start(options_of_vendor).await;
        let fake = fake.map_err(|error| WorldError::new("starting the vendor", error))?;
        let vendor = fake.control();
        let foreign = foreign_things(&vendor)?;
        let vendor_proxy = Proxy::start(fake.address()).await?;
        let broker = BrokerOptions {
            folder: options.broker_folder.unwrap_or_else(|| folder.path().join("broker")),
            store: "sqlite:broker.db".to_owned(),
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
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(25))
            // a connection to a broker that died says nothing about the next one
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| WorldError::new("a client", error))?;
        let url = format!("http://{}", broker_proxy.address());
        let platform = Platform::new(client.clone(), url, password.clone(), vendor.clone());
        let secrets = vec![("vendor token".to_owned(), master), ("platform password".to_owned(), password)];
        let mut lane = Self {
            _fake: fake,
            ledger_from: vendor.ledger_length(),
            vendor,
            foreign,
            vendor_proxy,
            broker_proxy,
            broker,
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
        self.disturbances.extend(Disturbance::begin(trouble, &self.broker));
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
            self.check(Moment::Instant);
            let plan = self.phases.pop_front().unwrap_or_default();
            self.broker.arm(&plan).map_err(|error| WorldError::new("arming", error))?;
            self.broker.spawn()?;
            self.counts.starts += 1;
            self.be_killed();
        }
        Err(WorldError::new("starting a broker again", self.broker.end_of_log()))
    }

    /// Asks until it is known how it ended, as a platform does that never gives up.
    ///
    /// # Errors
    /// When that does not end in time, or the broker does not come up.
    pub async fn settle(&mut self, wish: &Wish, mode: Mode) -> Result<End, WorldError> {
        let deadline = Instant::now() + self.bound;
        let mut doubts = 0;
        while Instant::now() < deadline {
            if doubts > 0 {
                self.stay_alive().await?;
            }
            doubts += 1;
            let answer = self.platform.ask(wish, mode).await;
            self.counts.requests += 1;
            let Answer::Came { status, body } = answer else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            match status {
                200 | 201 | 410 => return Ok(End::Done(body)),
                202 => {
                    let Some(operation) = body["operation"].as_str() else {
                        return Err(WorldError::new("reading a 202", body));
                    };
                    // at once again: the same operation has to be told
                    self.platform.ask(wish, mode).await;
                    if let Some(end) = self.follow(wish, operation, deadline).await? {
                        return Ok(end);
                    }
                }
                422 if body["error"] == "ConcurrencyError" => {}
                408 | 429 | 500.. => {}
                _ => return Ok(End::Refused(status, body)),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let what = format!("{:?} of {} did not end\n{}", wish.call, wish.instance, self.broker.end_of_log());
        self.found.push(Violation::new("I-14", what.clone()));
        Err(WorldError::new("waiting for an end", what))
    }

    async fn follow(
        &mut self,
        wish: &Wish,
        operation: &str,
        deadline: Instant,
    ) -> Result<Option<End>, WorldError> {
        let is_deletion = matches!(wish.call, Call::Deprovision | Call::Unbind);
        while Instant::now() < deadline {
            let answer = self.platform.poll(wish, operation).await;
            self.counts.requests += 1;
            match (answer.status(), answer.text("state")) {
                (Some(200), Some("succeeded")) => return Ok(Some(End::Done(json!({})))),
                (Some(200), Some("failed")) => {
                    let Answer::Came { body, .. } = answer else { continue };
                    return Ok(Some(End::Failed(body)));
                }
                (Some(410), _) if is_deletion => return Ok(Some(End::Done(json!({})))),
                (Some(404), _) => return Ok(None),
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.stay_alive().await?;
        }
        Ok(None)
    }

    /// Waits until nothing is in progress, and looks at everything.
    ///
    /// # Errors
    /// When that does not come in time.
    pub async fn become_quiet(&mut self) -> Result<(), WorldError> {
        let deadline = Instant::now() + self.bound;
        while !self.dump()?.is_quiet() {
            self.stay_alive().await?;
            if Instant::now() > deadline {
                self.check(Moment::Quiet);
                return Err(WorldError::new("waiting for quiet", self.broker.end_of_log()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.check(Moment::Quiet);
        Ok(())
    }

    /// Lets all checkers look.
    pub fn check(&mut self, moment: Moment) {
        self.counts.checks += 1;
        let store = match self.dump() {
            Ok(store) => store,
            // a store that was never made holds nothing
            Err(_) if self.platform.history.is_empty() => return,
            Err(error) => return self.found.push(Violation::new("I-26", error.to_string())),
        };
        let (ledger, vendor) = (self.vendor.ledger_after(self.ledger_from), self.vendor.state());
        let evidence = Evidence {
            ledger: &ledger,
            vendor: &vendor,
            foreign: &self.foreign,
            store: &store,
            history: &self.platform.history,
        };
        self.found.extend(checks::violations(&evidence, moment));
        for token in &vendor.tokens {
            if self.secrets.iter().all(|(_, value)| *value != token.value) {
                self.secrets.push((token.name.clone(), token.value.clone()));
            }
        }
    }

    /// The store, of which what belongs to earlier cases is left out.
    fn dump(&self) -> Result<StoreDump, WorldError> {
        let mut store = StoreDump::of_sqlite(&self.broker.folder().join("broker.db"))?;
        let is_of_case =
            |instance: &str| self.platform.history.iter().any(|exchange| exchange.asked.instance == instance);
        store.operations.retain(|row| is_of_case(&row.instance));
        store.events.retain(|row| is_of_case(&row.instance));
        Ok(store)
    }

    /// Lets somebody else make a database with the name that the one of this instance would get.
    ///
    /// # Errors
    /// When the store cannot be read, or the vendor refuses.
    pub fn put_in_the_way(&mut self, instance: &str) -> Result<(), WorldError> {
        let installation = self.dump()?.installation;
        let id = InstanceId::new(instance).map_err(|error| WorldError::new("an instance id", error))?;
        let name = Marker::for_instance(&installation, &id).name(None, 64);
        let made = self.vendor.somebody("d1.create", &[], json!({ "name": name }));
        made.map_err(|error| WorldError::new("making things of others", error))?;
        self.foreign = self.vendor.state();
        Ok(())
    }

    /// Ends a case: nothing of it may be left at the vendor. The next one begins with a clean slate.
    pub fn finish_case(&mut self) -> Vec<Violation> {
        let (ledger, vendor) = (self.vendor.ledger_after(self.ledger_from), self.vendor.state());
        self.counts.cases += 1;
        self.counts.vendor_calls += ledger.len() as u64;
        if vendor != self.foreign {
            self.found.push(Violation::new(
                "I-01",
                "after everything was deleted, something is left at the vendor",
            ));
        }
        let broken = ledger.iter().flat_map(|entry| &entry.contract_violations);
        self.found.extend(broken.map(|violation| Violation::new("S-62", violation)));
        self.last = (std::mem::take(&mut self.platform.history), self.ledger_from);
        self.ledger_from = self.vendor.ledger_length();
        self.phases.clear();
        std::mem::take(&mut self.found)
    }

    /// Remembers a secret that must be nowhere in clear.
    pub fn watch(&mut self, name: &str, value: &str) {
        self.secrets.push((name.to_owned(), value.to_owned()));
    }

    /// Looks for every secret in everything the broker wrote (I-28).
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn leaks(&self) -> std::io::Result<Vec<Violation>> {
        let mut captured = Vec::new();
        for file in ["broker.log", "broker.db", "broker.db-wal"] {
            let place = self.broker.folder().join(file);
            match std::fs::read(&place) {
                Ok(bytes) => captured.push(Captured { place, bytes }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(checks::leaks(&captured, &self.secrets))
    }

    /// Keeps everything that explains a failure in a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, folder: &Path, found: &[Violation]) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let write =
            |name: &str, value: &serde_json::Value| std::fs::write(folder.join(name), format!("{value:#}\n"));
        write("violations.json", &json!(found))?;
        let (history, ledger_from) = &self.last;
        write("history.json", &json!(history))?;
        write("ledger.json", &json!(self.vendor.ledger_after(*ledger_from)))?;
        write("vendor.json", &json!(self.vendor.state()))?;
        if let Ok(store) = StoreDump::of_sqlite(&self.broker.folder().join("broker.db")) {
            write("store.json", &json!(store))?;
        }
        for file in ["broker.log", "broker.db", "broker.db-wal", "faults.plan", "broker.yaml"] {
            // what was never made cannot be kept
            let _ = std::fs::copy(self.broker.folder().join(file), folder.join(file));
        }
        Ok(())
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A database and a token of somebody else, which nobody may touch.
fn foreign_things(vendor: &Control) -> Result<Snapshot, WorldError> {
    let failed = |error| WorldError::new("making things of others", error);
    vendor.somebody("d1.create", &[], json!({ "name": "somebody-elses" })).map_err(failed)?;
    let policies = json!([{
        "effect": "allow",
        "resources": { format!("com.cloudflare.api.account.{ACCOUNT}"): "*" },
        "permission_groups": [{ "id": "09b2857d1c31407795e75e3fed8617a1" }],
    }]);
    let token = json!({ "name": "somebody-elses", "policies": policies });
    vendor.somebody("tokens.create", &[], token).map_err(failed)?;
    Ok(vendor.state())
}
