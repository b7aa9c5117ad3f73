//! The fake of Cloudflare as a process, and what it says exists.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::server::FakeServer;
use super::{ACCOUNT, Binaries, Live, WorldError};
use crate::cloudflare::{BASE_PATH, Entry, S3_BASE_PATH, Snapshot};

/// The fake, running.
#[derive(Debug)]
pub struct FakeProcess {
    server: FakeServer,
    ledger: PathBuf,
}

/// What a vendor has before anybody asks a broker for anything.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// Workers, by name.
    pub scripts: &'static [&'static str],
    /// Pages projects, by name.
    pub projects: &'static [&'static str],
    /// How long a Pages domain takes from one state to the next.
    pub pages_delay: Duration,
}

impl Given {
    /// What the shop needs: a script and a project.
    #[must_use]
    pub fn for_the_shop(pages_delay: Duration) -> Self {
        Self { scripts: &["shop"], projects: &["shop-site"], pages_delay }
    }
}

impl FakeProcess {
    /// Starts it on a free port, in the folder `vendor`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(
        binaries: &Binaries,
        root: &Path,
        token: &str,
        given: Given,
    ) -> Result<Self, WorldError> {
        let failed = |error: std::io::Error| WorldError::new("starting the fake of Cloudflare", error);
        let folder = root.join("vendor");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        std::fs::write(folder.join("token"), token).map_err(failed)?;
        let ledger = folder.join("ledger.jsonl");
        let mut command = Command::new(binaries.fake());
        command.args(["--listen", "127.0.0.1:0", "--account", ACCOUNT, "--only-calls-of-providers"]);
        command.arg("--token-file").arg(folder.join("token")).arg("--ledger").arg(&ledger);
        command.args(["--pages-delay", &format!("{}ms", given.pages_delay.as_millis())]);
        command.args(given.scripts.iter().flat_map(|name| ["--script", name]));
        command.args(given.projects.iter().flat_map(|name| ["--project", name]));
        let server = FakeServer::start(&mut command, &folder.join("fake.log")).await?;
        Ok(Self { server, ledger })
    }

    /// The address that brokers are given.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// The address of R2's S3 interface that brokers are given.
    #[must_use]
    pub fn s3_base_url(&self) -> String {
        let origin = self.base_url().trim_end_matches(BASE_PATH);
        format!("{origin}{S3_BASE_PATH}")
    }

    /// Its ledger file: one JSON object for each call.
    #[must_use]
    pub fn ledger_file(&self) -> &Path {
        &self.ledger
    }

    /// What exists now.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn live(&self) -> Result<Live, WorldError> {
        self.server.get::<Snapshot>("/__control/state").await.map(Live::new)
    }

    /// Every call so far.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn ledger(&self) -> Result<Vec<Entry>, WorldError> {
        self.server.ledger().await
    }

    /// Tells the fake something over its control address.
    ///
    /// # Errors
    /// When the fake does not answer with success.
    pub async fn control(&self, path: &str, body: &Value) -> Result<Value, WorldError> {
        self.server.post(path, body).await
    }

    /// Nothing goes wrong at the vendor any more.
    ///
    /// # Errors
    /// When the fake does not answer with success.
    pub async fn clear_faults(&self) -> Result<(), WorldError> {
        self.server.delete("/__control/faults").await
    }

    /// Does something at the vendor that is not ours: an operation of the contract, as its owner would in the dashboard.
    ///
    /// # Errors
    /// When the fake does not answer with success.
    pub async fn somebody(
        &self,
        operation: &str,
        parameters: &Value,
        body: &Value,
    ) -> Result<Value, WorldError> {
        let wanted = json!({ "operation": operation, "parameters": parameters, "body": body });
        self.control("/__control/somebody", &wanted).await
    }

    /// Asks the vendor itself whether it accepts a token value.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn accepts_token(&self, value: &str) -> Result<bool, WorldError> {
        let url = format!("{}/accounts/{ACCOUNT}/tokens/verify", self.base_url());
        let answer = self.server.client().get(url).bearer_auth(value).send().await;
        answer
            .map(|answer| answer.status().is_success())
            .map_err(|error| WorldError::new("verifying a token", error))
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
