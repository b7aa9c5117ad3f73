//! The fake of Stripe as a process, and what it says exists.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use super::server::FakeServer;
use super::{Binaries, WorldError};
use crate::stripe::Entry;

/// The account of the fake.
pub const STRIPE_ACCOUNT: &str = "acct_1Sutler";

/// The fake, running. Nobody is let into its live mode.
#[derive(Debug)]
pub struct StripeProcess {
    server: FakeServer,
    ledger: PathBuf,
}

impl StripeProcess {
    /// Starts it on a free port, in the folder `stripe`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(binaries: &Binaries, root: &Path, test_key: &str) -> Result<Self, WorldError> {
        let failed = |error: std::io::Error| WorldError::new("starting the fake of Stripe", error);
        let folder = root.join("stripe");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        std::fs::write(folder.join("test.key"), test_key).map_err(failed)?;
        let ledger = folder.join("ledger.jsonl");
        let mut command = Command::new(binaries.stripe_fake());
        command.args(["--listen", "127.0.0.1:0", "--account", STRIPE_ACCOUNT, "--only-calls-of-providers"]);
        command.arg("--test-key-file").arg(folder.join("test.key")).arg("--ledger").arg(&ledger);
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

    /// Everything in test mode, what is out of use included, oldest first.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn objects(&self) -> Result<Vec<Value>, WorldError> {
        let state: Value = self.server.get("/__control/state").await?;
        Ok(state["test"].as_array().cloned().unwrap_or_default())
    }

    /// What is in use, by sort. Stripe keeps for ever what may have been sold or counted, and puts it out of use.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn in_use(&self) -> Result<Vec<Value>, WorldError> {
        Ok(self.objects().await?.into_iter().filter(is_in_use).collect())
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

/// Archived is `active: false`; a meter says it with a status.
fn is_in_use(object: &Value) -> bool {
    object["active"] != false && object["status"] != "inactive"
}
