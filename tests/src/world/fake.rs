//! The vendor fake as a process, and what it says exists.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{ACCOUNT, Binaries, Live, WorldError};
use crate::cloudflare::Entry;

/// The fake, running.
#[derive(Debug)]
pub struct FakeProcess {
    child: Option<Child>,
    base_url: String,
    address: String,
    ledger: PathBuf,
    client: reqwest::Client,
}

impl FakeProcess {
    /// Starts it on a free port, with the script and the project that the shop needs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(
        binaries: &Binaries,
        root: &Path,
        token: &str,
        pages_delay: Duration,
    ) -> Result<Self, WorldError> {
        let step = "starting the vendor fake";
        let failed = |error: std::io::Error| WorldError::new(step, error);
        let folder = root.join("vendor");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        std::fs::write(folder.join("token"), token).map_err(failed)?;
        let ledger = folder.join("ledger.jsonl");
        let log = std::fs::File::create(folder.join("fake.log")).map_err(failed)?;
        let mut child = Command::new(binaries.fake())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--account",
                ACCOUNT,
                "--script",
                "shop",
                "--project",
                "shop-site",
            ])
            .arg("--token-file")
            .arg(folder.join("token"))
            .arg("--ledger")
            .arg(&ledger)
            .arg("--only-calls-of-providers")
            .args(["--pages-delay", &format!("{}ms", pages_delay.as_millis())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let said = first_line(&mut child).await?;
        let field = |name: &str| {
            said[name]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| WorldError::new(step, format!("no '{name}' in {said}")))
        };
        let (base_url, address) = (field("base_url")?, field("listening")?);
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .map_err(|error| WorldError::new(step, error))?;
        Ok(Self { child: Some(child), base_url, address, ledger, client })
    }

    /// The address that brokers are given.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
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
        let state = self.get("/__control/state").await?;
        serde_json::from_value(state)
            .map(Live::new)
            .map_err(|error| WorldError::new("reading the vendor's state", error))
    }

    /// Every call so far.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn ledger(&self) -> Result<Vec<Entry>, WorldError> {
        let document = self.get("/__control/ledger").await?;
        serde_json::from_value(document["entries"].clone())
            .map_err(|error| WorldError::new("reading the ledger", error))
    }

    /// Tells the fake something over its control address.
    ///
    /// # Errors
    /// When the fake does not answer with success.
    pub async fn control(&self, path: &str, body: &Value) -> Result<Value, WorldError> {
        let step = format!("POST {path}");
        let request = self.client.post(format!("{}{path}", self.address)).json(body);
        Self::answer(&step, request).await
    }

    /// Nothing goes wrong at the vendor any more.
    ///
    /// # Errors
    /// When the fake does not answer with success.
    pub async fn clear_faults(&self) -> Result<(), WorldError> {
        let request = self.client.delete(format!("{}/__control/faults", self.address));
        Self::answer("DELETE /__control/faults", request).await.map(drop)
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

    async fn get(&self, path: &str) -> Result<Value, WorldError> {
        let step = format!("GET {path}");
        let request = self.client.get(format!("{}{path}", self.address));
        Self::answer(&step, request).await
    }

    /// Asks the vendor itself whether it accepts a token value.
    ///
    /// # Errors
    /// When the fake does not answer.
    pub async fn accepts_token(&self, value: &str) -> Result<bool, WorldError> {
        let url = format!("{}/accounts/{ACCOUNT}/tokens/verify", self.base_url);
        let answer = self.client.get(url).bearer_auth(value).send().await;
        answer
            .map(|answer| answer.status().is_success())
            .map_err(|error| WorldError::new("verifying a token", error))
    }

    async fn answer(step: &str, request: reqwest::RequestBuilder) -> Result<Value, WorldError> {
        let failed = |error: reqwest::Error| WorldError::new(step, error);
        let answer = request.send().await.map_err(failed)?.error_for_status().map_err(failed)?;
        answer.json().await.map_err(failed)
    }

    pub(super) fn let_go(&mut self) {
        if let Some(child) = self.child.take() {
            // `kill_on_drop` belongs to the value: without the value, the process goes on.
            std::mem::forget(child);
        }
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }
}

/// The line in which the fake says where it listens.
async fn first_line(child: &mut Child) -> Result<Value, WorldError> {
    let step = "reading the fake's first line";
    let output = child.stdout.take().ok_or_else(|| WorldError::new(step, "no standard output"))?;
    let mut line = String::new();
    let mut reader = BufReader::new(output);
    let read = reader.read_line(&mut line);
    tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .map_err(|error| WorldError::new(step, error))?
        .map_err(|error| WorldError::new(step, error))?;
    serde_json::from_str(&line).map_err(|error| WorldError::new(step, format!("{error}: {line:?}")))
}
