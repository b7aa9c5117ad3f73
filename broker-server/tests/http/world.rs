//! A broker on a free port, a script for its provider, and a client.

use std::{path::Path, time::Duration};

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use sutler_broker_server::{
    Config, Server, ServerError, ServerHandle,
    config::{DeletedLastOperation, Tuning},
    providers::{
        Probe,
        scripted::{SERVICE, STANDARD, Script, Scripted},
    },
};
use tempfile::TempDir;

pub(crate) const USER: &str = "platform";
pub(crate) const PASSWORD: &str = "a-long-enough-password-1234";

/// How long the probe takes for what is slow.
const SLOW: Duration = Duration::from_millis(50);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn operation(&self) -> String {
        self.body["operation"].as_str().expect("an operation").to_owned()
    }

    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub(crate) fn description(&self) -> &str {
        self.body["description"].as_str().unwrap_or_default()
    }
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) script: Script,
    pub(crate) client: reqwest::Client,
    handle: Option<ServerHandle>,
    change: fn(&mut Config),
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose configuration is a little different.
    pub(crate) async fn with(change: fn(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self { folder, script: Script::default(), client, handle: None, change };
        world.serve().await;
        world
    }

    /// Serves what is in the folder. What an earlier server holds is let go a moment after its end.
    pub(crate) async fn serve(&mut self) {
        let server = loop {
            let mut config = Config::on_loopback(self.folder.path(), USER, PASSWORD.into());
            config.tuning = Tuning {
                inline_budget: Duration::from_millis(300),
                sync_limit: Duration::from_secs(5),
                lease: Duration::from_secs(2),
                call_timeout: Duration::from_secs(1),
                poll_interval: Duration::from_millis(10),
                backoff_cap: Duration::from_millis(10),
                fetch_cache: Duration::ZERO,
                ..Tuning::default()
            };
            config.deleted_last_operation = DeletedLastOperation::Succeeded;
            (self.change)(&mut config);
            let builder = Server::builder(config).provider(Scripted { script: self.script.clone() });
            let builder =
                Probe::all(SLOW).into_iter().fold(builder, |builder, probe| builder.shared_provider(probe));
            match builder.build() {
                Ok(server) => break server,
                Err(ServerError::Store(sutler_broker_server::store::StoreError::InUse { .. })) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        };
        self.handle = Some(server.start().await.unwrap());
    }

    /// Ends the server as a crash would.
    pub(crate) async fn kill(&mut self) {
        self.handle.take().unwrap().kill().await;
    }

    /// Ends the server gracefully.
    pub(crate) async fn stop(&mut self) {
        self.handle.take().unwrap().stop().await.unwrap();
    }

    pub(crate) fn handle(&self) -> &ServerHandle {
        self.handle.as_ref().unwrap()
    }

    pub(crate) fn database(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.handle().address())
    }

    /// A request with credentials and version.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, self.url(path))
            .basic_auth(USER, Some(PASSWORD))
            .header("X-Broker-API-Version", "2.17")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Polls until the operation has ended.
    pub(crate) async fn settle(&self, path: &str, operation: &str) -> Answer {
        let path = format!("{path}/last_operation?operation={operation}");
        for _ in 0..1_000 {
            let answer = self.get(&path).await;
            if answer.status != 200 || answer.body["state"] != "in progress" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{path} did not end");
    }

    /// Provisions an instance that is ready at once.
    pub(crate) async fn ready(&self, path: &str) {
        assert_eq!(self.put(path, &wanted(json!({}))).await.status, 201);
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Answer { status, headers, body }
}

/// A provision request with these parameters.
pub(crate) fn wanted(parameters: Value) -> Value {
    on_plan(STANDARD, parameters)
}

/// The same on another plan.
pub(crate) fn on_plan(plan: &str, parameters: Value) -> Value {
    json!({
        "service_id": SERVICE, "plan_id": plan, "organization_guid": "org", "space_guid": "space",
        "parameters": parameters,
    })
}

/// The query that every deletion has.
pub(crate) fn ids() -> String {
    format!("service_id={SERVICE}&plan_id={STANDARD}")
}
