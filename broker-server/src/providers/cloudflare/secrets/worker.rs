//! The calls about a Worker's secrets.

use http::Method;
use serde_json::{Map, Value};

use super::super::client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product};
use crate::providers::Sent;

static LIST: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/workers/scripts/{script}/secrets" };
static CHANGE: Endpoint =
    Endpoint { method: Method::PATCH, template: "/accounts/{account}/workers/scripts/{script}/secrets-bulk" };

/// The newest version of the Worker is not the one that is deployed.
pub(super) const NOT_DEPLOYED: i64 = 10215;

/// Workers: 10007 and 10090 no such script. That a single secret is missing (10056) is never asked.
pub(super) static WORKERS: Product = Product {
    endpoints: &[&LIST, &CHANGE],
    missing: &[10007, 10090],
    exists: &[],
    transient: &["currently modifying"],
    advice: &[
        (NOT_DEPLOYED, "the newest version of the Worker is not deployed; deploy it and try again"),
        (10021, "a name or a value has a form that Cloudflare does not accept"),
    ],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &WORKERS,
    endpoint: &LIST,
    place: Place::Account(&["sutler-check"]),
    query: &[],
    headers: &[],
    permissions: "Workers Scripts Write",
};

/// All Workers of the account.
#[derive(Debug)]
pub(super) struct Workers {
    api: Api,
}

impl Workers {
    pub(super) fn new(client: &Client) -> Self {
        Self { api: client.of(&WORKERS) }
    }

    pub(super) fn client(&self) -> &Client {
        self.api.client()
    }

    /// The names of the secrets; values cannot be read.
    pub(super) async fn names(&self, script: &str) -> Result<Vec<String>, CallError> {
        let secrets: Vec<Value> = self.api.send(&Call::new(&LIST, &[script])).await?.into()?;
        let name = |secret: &Value| secret["name"].as_str().map(str::to_owned);
        secrets.iter().map(name).collect::<Option<_>>().ok_or_else(|| CallError::incomplete(Sent::No))
    }

    /// Sets and removes, all together or not at all. What is `None` is removed; what is not named stays.
    pub(super) async fn change(
        &self,
        script: &str,
        secrets: impl IntoIterator<Item = (&str, Option<&str>)> + Send,
    ) -> Result<(), CallError> {
        let entry = |(name, text): (&str, Option<&str>)| {
            let text =
                text.map(|text| serde_json::json!({ "name": name, "text": text, "type": "secret_text" }));
            (name.to_owned(), text.unwrap_or(Value::Null))
        };
        let entries: Map<String, Value> = secrets.into_iter().map(entry).collect();
        let body = serde_json::json!({ "secrets": entries });
        self.api.send(&Call::new(&CHANGE, &[script]).body(body)).await.map(|_| ())
    }
}
