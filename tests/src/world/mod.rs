//! A world to test in: the vendor fake, two brokers and the CLI as real processes in a folder of their own.
//!
//! ```text
//! sutler ──HTTP──▶ sutler-broker (data) ──┐
//!        └─HTTP──▶ sutler-broker (edge) ──┴─HTTP──▶ cloudflare-fake ──▶ ledger
//! ```
//! Everything ends with the value that owns it: processes are killed and the folder is removed on drop.

mod binaries;
mod broker;
mod canary;
mod command;
mod fake;
mod live;
mod port;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use binaries::{Binaries, BuildError};
pub use broker::{BrokerProcess, BrokerSpec};
pub use canary::{Canary, Finding};
pub use command::{Finished, Running};
pub use fake::FakeProcess;
pub use live::Live;
pub use port::free as free_port;

pub(crate) use broker::write_private;

/// Why a world could not be made or asked; tests and the demo print it and stop.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {why}")]
pub struct WorldError {
    /// What was being done.
    pub step: String,
    /// What went wrong.
    pub why: String,
}

impl WorldError {
    /// An error in a step.
    pub fn new(step: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self { step: step.into(), why: why.to_string() }
    }
}

/// What a world is made with.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// How long a Pages domain takes from one state to the next.
    pub pages_delay: Duration,
    /// How long brokers work on a request before they answer that they go on by themselves.
    pub inline_budget: &'static str,
    /// Our extensions of the protocol that brokers allow.
    pub extensions: &'static str,
    /// Log level of brokers and CLI.
    pub log_level: &'static str,
    /// Keep the folder and leave processes alone on drop.
    pub keep: bool,
    /// Where to put everything; a fresh temporary folder when left out.
    pub folder: Option<PathBuf>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            pages_delay: Duration::from_millis(60),
            inline_budget: "2s",
            extensions: "",
            log_level: "trace",
            keep: false,
            folder: None,
        }
    }
}

/// The account of the fake.
pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// The running world.
#[derive(Debug)]
pub struct World {
    binaries: Binaries,
    options: WorldOptions,
    fake: FakeProcess,
    brokers: BTreeMap<&'static str, BrokerProcess>,
    secrets: BTreeMap<String, String>,
    /// Last, so that processes end before their folder goes.
    folder: Folder,
}

#[derive(Debug)]
enum Folder {
    Temporary(tempfile::TempDir),
    Given(PathBuf),
}

impl World {
    /// The world of the shop example: broker `data` offers D1 and tokens, broker `edge` secrets and Pages domains.
    ///
    /// # Errors
    /// When a binary cannot be built, or a process does not come up.
    pub async fn shop(options: WorldOptions) -> Result<Self, WorldError> {
        // The first world of a process installs it; the next ones find it there.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let binaries = Binaries::build().map_err(|error| WorldError::new("building the binaries", error))?;
        let folder = match &options.folder {
            Some(path) => Folder::Given(path.clone()),
            None => {
                Folder::Temporary(tempfile::tempdir().map_err(|e| WorldError::new("a temporary folder", e))?)
            }
        };
        let root = folder.path().to_owned();
        let mut secrets = BTreeMap::new();
        secrets.insert("vendor master token".to_owned(), secret("cf")?);
        let fake = FakeProcess::start(&binaries, &root, &secrets["vendor master token"], options.pages_delay)
            .await?;
        let mut world = Self { binaries, options, fake, brokers: BTreeMap::new(), secrets, folder };
        let shares: [(&'static str, &'static [&'static str]); 2] = [
            ("data", &["cloudflare-d1", "cloudflare-token"]),
            ("edge", &["cloudflare-secrets", "cloudflare-pages-domain"]),
        ];
        for (name, offerings) in shares {
            world.start_broker(name, offerings).await?;
        }
        world.write_project()?;
        Ok(world)
    }

    /// Starts one more broker, with a password of its own.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_broker(
        &mut self,
        name: &'static str,
        offerings: &'static [&'static str],
    ) -> Result<(), WorldError> {
        let password = secret(&format!("pw-{name}"))?;
        self.secrets.insert(format!("password of broker {name}"), password.clone());
        let spec = BrokerSpec {
            name,
            offerings,
            folder: self.root().join(format!("broker-{name}")),
            password,
            vendor_url: self.fake.base_url().to_owned(),
            vendor_token: self.secrets["vendor master token"].clone(),
            inline_budget: self.options.inline_budget,
            extensions: self.options.extensions,
            log_level: self.options.log_level,
        };
        let broker = BrokerProcess::start(&self.binaries, spec).await?;
        self.brokers.insert(name, broker);
        Ok(())
    }

    /// Copies the shop example into `project/`, with the addresses of this world.
    fn write_project(&self) -> Result<(), WorldError> {
        let step = "copying docs/examples/shop";
        let example = Binaries::workspace().join("docs/examples/shop/sutler.yaml");
        let text = std::fs::read_to_string(example).map_err(|error| WorldError::new(step, error))?;
        let text = text
            .replace("http://127.0.0.1:8080", &self.brokers["data"].url())
            .replace("http://127.0.0.1:8090", &self.brokers["edge"].url());
        std::fs::create_dir_all(self.project()).map_err(|error| WorldError::new(step, error))?;
        self.write_config(&text)
    }

    /// Replaces the configuration of the project.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_config(&self, text: &str) -> Result<(), WorldError> {
        std::fs::write(self.project().join("sutler.yaml"), text)
            .map_err(|error| WorldError::new("writing sutler.yaml", error))
    }

    /// The configuration of the project.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn config(&self) -> Result<String, WorldError> {
        std::fs::read_to_string(self.project().join("sutler.yaml"))
            .map_err(|error| WorldError::new("reading sutler.yaml", error))
    }

    /// Where the CLI runs: `sutler.yaml`, `.env`, `.sutler/`.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.root().join("project")
    }

    /// The folder of everything.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The vendor.
    #[must_use]
    pub fn fake(&self) -> &FakeProcess {
        &self.fake
    }

    /// A broker, by name.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn broker(&self, name: &str) -> &BrokerProcess {
        &self.brokers[name]
    }

    /// A broker, by name, to be killed or restarted.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn broker_mut(&mut self, name: &str) -> &mut BrokerProcess {
        self.brokers.get_mut(name).unwrap_or_else(|| panic!("no broker '{name}'"))
    }

    /// Every secret that this world was made with, by what it is.
    #[must_use]
    pub fn secrets(&self) -> &BTreeMap<String, String> {
        &self.secrets
    }

    /// The variables the project's configuration reads, and short waits.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let variable = |(name, broker): (&&str, &BrokerProcess)| {
            (format!("{}_BROKER_PASSWORD", name.to_uppercase()), broker.password().to_owned())
        };
        let mut variables: Vec<(String, String)> = self.brokers.iter().map(variable).collect();
        for (name, value) in [
            ("SUTLER_POLL_INTERVAL", "50ms"),
            ("SUTLER_BACKOFF_CAP", "500ms"),
            ("SUTLER_LOG", self.options.log_level),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        variables
    }

    /// Runs `sutler` in the project and waits for its end. Its output is kept for the canary.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn sutler(&self, arguments: &[&str]) -> Result<Finished, WorldError> {
        self.start_sutler(arguments)?.wait().await
    }

    /// Starts `sutler` in the project.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_sutler(&self, arguments: &[&str]) -> Result<Running, WorldError> {
        self.start_sutler_with(arguments, &[])
    }

    /// Starts `sutler` in the project, with more in its environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_sutler_with(
        &self,
        arguments: &[&str],
        more: &[(String, String)],
    ) -> Result<Running, WorldError> {
        self.start_program(self.binaries.sutler(), arguments, more)
    }

    /// Starts a program in the project, as `sutler` is started.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_program(
        &self,
        program: PathBuf,
        arguments: &[&str],
        more: &[(String, String)],
    ) -> Result<Running, WorldError> {
        let logs = self.root().join("cli-output");
        let environment: Vec<_> = self.environment().into_iter().chain(more.iter().cloned()).collect();
        Running::start(program, arguments, &self.project(), &environment, &logs)
    }

    /// The built binaries.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Lets go of everything: processes go on, the folder stays. Returns the folder.
    #[must_use]
    pub fn keep(mut self) -> PathBuf {
        self.fake.let_go();
        self.brokers.values_mut().for_each(BrokerProcess::let_go);
        match std::mem::replace(&mut self.folder, Folder::Given(PathBuf::new())) {
            Folder::Temporary(folder) => folder.keep(),
            Folder::Given(path) => path,
        }
    }
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Given(path) => path,
        }
    }
}

/// A fresh secret with a readable beginning, long enough for any rule.
pub(crate) fn secret(kind: &str) -> Result<String, WorldError> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| WorldError::new("random bytes", error))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{kind}-canary-{hex}"))
}
