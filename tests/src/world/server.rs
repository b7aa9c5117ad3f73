//! A vendor's fake as a process, and how it is asked what tests want to know.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::WorldError;

/// A fake, running.
#[derive(Debug)]
pub(super) struct FakeServer {
    child: Option<Child>,
    base_url: String,
    address: String,
    client: reqwest::Client,
}

impl FakeServer {
    /// Starts a fake that says in its first line where it listens. What it complains about goes into `log`.
    pub(super) async fn start(command: &mut Command, log: &Path) -> Result<Self, WorldError> {
        let step = "starting a vendor's fake";
        let failed = |error: std::io::Error| WorldError::new(step, error);
        let log = std::fs::File::create(log).map_err(failed)?;
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn();
        let mut child = child.map_err(failed)?;
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
        Ok(Self { child: Some(child), base_url, address, client })
    }

    /// The address that brokers are given.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whoever asks the vendor past our brokers.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// What its control interface tells.
    pub(super) async fn get<Told: DeserializeOwned>(&self, path: &str) -> Result<Told, WorldError> {
        let step = format!("GET {path}");
        let told = answer(&step, self.client.get(format!("{}{path}", self.address))).await?;
        serde_json::from_value(told).map_err(|error| WorldError::new(step, error))
    }

    /// Every call so far.
    pub(super) async fn ledger<Entry: DeserializeOwned>(&self) -> Result<Vec<Entry>, WorldError> {
        let document: Value = self.get("/__control/ledger").await?;
        serde_json::from_value(document["entries"].clone())
            .map_err(|error| WorldError::new("reading the ledger", error))
    }

    /// Tells it something over its control interface.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, WorldError> {
        let request = self.client.post(format!("{}{path}", self.address)).json(body);
        answer(&format!("POST {path}"), request).await
    }

    /// The same, to take something away.
    pub(super) async fn delete(&self, path: &str) -> Result<(), WorldError> {
        let request = self.client.delete(format!("{}{path}", self.address));
        answer(&format!("DELETE {path}"), request).await.map(drop)
    }

    pub(super) fn let_go(&mut self) {
        if let Some(child) = self.child.take() {
            // `kill_on_drop` belongs to the value: without the value, the process goes on.
            std::mem::forget(child);
        }
    }

    /// The process id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }
}

async fn answer(step: &str, request: reqwest::RequestBuilder) -> Result<Value, WorldError> {
    let failed = |error: reqwest::Error| WorldError::new(step, error);
    let answer = request.send().await.map_err(failed)?.error_for_status().map_err(failed)?;
    answer.json().await.map_err(failed)
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
