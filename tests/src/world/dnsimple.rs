//! The fake of DNSimple as a process, and what it says exists.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use super::server::FakeServer;
use super::{Binaries, WorldError};
use crate::dnsimple::Entry;

/// The account of the fake.
pub const DNSIMPLE_ACCOUNT: u64 = 1010;

/// The fake, running.
#[derive(Debug)]
pub struct DnsimpleProcess {
    server: FakeServer,
    ledger: PathBuf,
}

impl DnsimpleProcess {
    /// Starts it on a free port, in the folder `dnsimple`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(binaries: &Binaries, root: &Path, token: &str) -> Result<Self, WorldError> {
        let failed = |error: std::io::Error| WorldError::new("starting the fake of DNSimple", error);
        let folder = root.join("dnsimple");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        std::fs::write(folder.join("token"), token).map_err(failed)?;
        let ledger = folder.join("ledger.jsonl");
        let mut command = Command::new(binaries.dnsimple_fake());
        command.args(["--listen", "127.0.0.1:0", "--account", &DNSIMPLE_ACCOUNT.to_string()]);
        command.args(["--distribution-reads", "2", "--only-calls-of-providers"]);
        command.arg("--token-file").arg(folder.join("token")).arg("--ledger").arg(&ledger);
        let server = FakeServer::start(&mut command, &folder.join("fake.log")).await?;
        Ok(Self { server, ledger })
    }

    /// The address that brokers are given.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// Its ledger file: one JSON object for each call.
    #[must_use]
    pub fn ledger_file(&self) -> &Path {
        &self.ledger
    }

    /// Every call so far.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn ledger(&self) -> Result<Vec<Entry>, WorldError> {
        self.server.ledger().await
    }

    /// Everything that exists, oldest first: `kind`, `id`, `name`, and how DNSimple shows it.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn things(&self) -> Result<Vec<Value>, WorldError> {
        let state: Value = self.server.get("/__control/state").await?;
        Ok(state["things"].as_array().cloned().unwrap_or_default())
    }

    pub(super) fn let_go(&mut self) {
        self.server.let_go();
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.server.id()
    }
}
