//! What every world begins with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{
    Binaries, BrokerProcess, BrokerSpec, CLOUDFLARE_TOKEN, FakeProcess, Folder, Given, World, WorldError,
    WorldOptions, secret,
};

impl World {
    /// The fake of Cloudflare in a folder of its own.
    pub(super) async fn without_brokers(options: WorldOptions, given: Given) -> Result<Self, WorldError> {
        // The first world of a process installs it; the next ones find it there.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let binaries = Binaries::build().map_err(|error| WorldError::new("building the binaries", error))?;
        let folder = match &options.folder {
            Some(path) => Folder::Given(path.clone()),
            None => {
                Folder::Temporary(tempfile::tempdir().map_err(|e| WorldError::new("a temporary folder", e))?)
            }
        };
        let token = secret("cf")?;
        let fake = FakeProcess::start(&binaries, folder.path(), &token, given).await?;
        let secrets = BTreeMap::from([(CLOUDFLARE_TOKEN.to_owned(), token)]);
        Ok(Self {
            binaries,
            options,
            fake,
            stripe: None,
            dnsimple: None,
            names: None,
            database: None,
            brokers: BTreeMap::new(),
            secrets,
            folder,
        })
    }

    /// A password for the platform at one broker.
    pub(super) fn new_password(&mut self, broker: &str) -> Result<String, WorldError> {
        let password = secret(&format!("pw-{broker}"))?;
        self.secrets.insert(format!("password of broker {broker}"), password.clone());
        Ok(password)
    }

    /// Short times.
    pub(super) fn tuning(&self) -> String {
        format!(
            "tuning: {{ inline_budget: {}, lease: 10s, call_timeout: 1s, poll_interval: 50ms, backoff_cap: 500ms }}\n",
            self.options.inline_budget
        )
    }

    /// Starts a broker; its name becomes that in the world.
    pub(super) async fn start_specified(&mut self, spec: BrokerSpec) -> Result<(), WorldError> {
        let name = spec.name.clone();
        let broker = BrokerProcess::start(spec).await?;
        self.brokers.insert(name, broker);
        Ok(())
    }

    /// Where a broker of this name has its files.
    pub(super) fn folder_of(&self, broker: &str) -> PathBuf {
        self.root().join(format!("broker-{broker}"))
    }
}
