//! A world to test in: the vendors' fakes, brokers and the CLI as real processes in a folder of their own.
//!
//! ```text
//! sutler ──HTTP──▶ sutler-broker (data) ──┬─HTTP──▶ cloudflare-fake ──▶ ledger
//!        └─HTTP──▶ sutler-broker (edge) ──┼─HTTP──▶ stripe-fake ──────▶ ledger
//!                                         ├─HTTP──▶ dnsimple-fake ────▶ ledger
//!                                         └─DNS, ACME──▶ BIND ◀── Pebble
//! ```
//! [`World::shop`] is small and fast, and has Cloudflare only; [`World::example`] starts an example as it stands.
//! Everything ends with the value that owns it: processes are killed and the folder is removed on drop.

mod binaries;
mod broker;
mod canary;
mod command;
mod dnsimple;
mod example;
mod fake;
mod live;
mod names;
mod options;
mod owner;
mod port;
mod server;
mod shop;
mod start;
mod stripe;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use binaries::{Binaries, BuildError};
pub use broker::{BrokerProcess, BrokerSpec, Program, ProgramKind};
pub use canary::{Canary, Finding};
pub use command::{Finished, Running};
pub use dnsimple::{DNSIMPLE_ACCOUNT, DnsimpleProcess};
pub use example::EXAMPLES;
pub use fake::{FakeProcess, Given};
pub use live::Live;
pub use names::Names;
pub use options::WorldOptions;
pub use port::free as free_port;
pub use stripe::{STRIPE_ACCOUNT, StripeProcess};
use sutler_broker_server::testing::postgres::Cluster;

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

/// The account of the fake.
pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// What the secret is called that brokers show to Cloudflare, in [`World::secrets`].
const CLOUDFLARE_TOKEN: &str = "vendor master token";
/// The same for Stripe.
const STRIPE_KEY: &str = "stripe test key";
/// The same for DNSimple.
const DNSIMPLE_TOKEN: &str = "dnsimple token";

/// The running world.
#[derive(Debug)]
pub struct World {
    binaries: Binaries,
    options: WorldOptions,
    fake: FakeProcess,
    stripe: Option<StripeProcess>,
    dnsimple: Option<DnsimpleProcess>,
    names: Option<Names>,
    database: Option<Cluster>,
    brokers: BTreeMap<String, BrokerProcess>,
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

    /// Whether this world has a Stripe.
    #[must_use]
    pub fn has_stripe(&self) -> bool {
        self.stripe.is_some()
    }

    /// Stripe.
    ///
    /// # Panics
    /// When the world has none.
    #[must_use]
    pub fn stripe(&self) -> &StripeProcess {
        self.stripe.as_ref().unwrap_or_else(|| panic!("this world has no Stripe"))
    }

    /// DNSimple, if this world has one.
    #[must_use]
    pub fn dnsimple(&self) -> Option<&DnsimpleProcess> {
        self.dnsimple.as_ref()
    }

    /// A name server and a certificate authority, if this world has them.
    #[must_use]
    pub fn names(&self) -> Option<&Names> {
        self.names.as_ref()
    }

    /// PostgreSQL.
    ///
    /// # Panics
    /// When the world has none.
    #[must_use]
    pub fn database(&self) -> &Cluster {
        self.database.as_ref().unwrap_or_else(|| panic!("this world has no PostgreSQL"))
    }

    /// A broker, by name.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn broker(&self, name: &str) -> &BrokerProcess {
        &self.brokers[name]
    }

    /// All brokers.
    pub fn brokers(&self) -> impl Iterator<Item = &BrokerProcess> {
        self.brokers.values()
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
        let variable = |(name, broker): (&String, &BrokerProcess)| {
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
        self.stripe.iter_mut().for_each(StripeProcess::let_go);
        self.dnsimple.iter_mut().for_each(DnsimpleProcess::let_go);
        // they end with the value
        std::mem::forget(self.names.take());
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
