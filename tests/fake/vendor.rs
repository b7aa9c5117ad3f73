//! A fake and a client of it.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sutler_tests::cloudflare::{CloudflareFake, Control, Options};

/// The account of these tests.
pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// The token that may do everything.
pub(crate) const MASTER: &str = "master-token-of-these-tests";
/// The permission group that lets a token change D1 databases.
pub(crate) const D1_WRITE: &str = "09b2857d1c31407795e75e3fed8617a1";

/// An answer: the status and the document, `Null` when there is none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The result of a success.
    pub(crate) fn result(self) -> Value {
        assert_eq!(self.body["success"], true, "{self:?}");
        self.body["result"].clone()
    }

    /// The status and the first code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, i64) {
        assert_eq!(self.body["success"], false, "{self:?}");
        (self.status, self.body["errors"][0]["code"].as_i64().unwrap())
    }
}

/// A running fake and a client.
pub(crate) struct Vendor {
    pub(crate) fake: CloudflareFake,
    client: Client,
}

impl Vendor {
    /// A fake as it is set up by default.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A fake set up otherwise.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(ACCOUNT, MASTER);
        change(&mut options);
        Self { fake: CloudflareFake::start(options).await.unwrap(), client: client() }
    }

    pub(crate) fn control(&self) -> Control {
        self.fake.control()
    }

    /// A request below the account, with the master token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/accounts/{ACCOUNT}{path}", self.fake.base_url());
        self.client.request(method, url).bearer_auth(MASTER)
    }

    /// A request anywhere, without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.fake.origin()))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// Creates a database and gives its id.
    pub(crate) async fn database(&self, name: &str) -> String {
        let created = self.post("/d1/database", json!({"name": name})).await.result();
        created["uuid"].as_str().unwrap().to_owned()
    }

    /// Runs SQL in a database.
    pub(crate) async fn query(&self, uuid: &str, sql: &str) -> Answer {
        self.post(&format!("/d1/database/{uuid}/query"), json!({"sql": sql})).await
    }
}

/// A client with limits.
pub(crate) fn client() -> Client {
    // A second installation is refused, and that is fine: the first one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

/// Sends a request that must be answered.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}
