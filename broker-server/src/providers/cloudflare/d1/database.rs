//! The calls of D1, as they mean something to a database.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sutler_catalog::cloudflare::d1::{Parameters, ReadReplication};

use super::super::client::{Api, Call, CallError, Client, Cursor, Endpoint, Place, Probe, Product};
use crate::providers::{MarkedObject, Sent, mark_of_name};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/d1/database" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/accounts/{account}/d1/database" };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/d1/database/{database}" };
static CHANGE: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static QUERY: Endpoint =
    Endpoint { method: Method::POST, template: "/accounts/{account}/d1/database/{database}/query" };

/// D1: 7404 missing, 7502 exists, 7500 SQL error or an inner one.
pub(super) static D1: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &CHANGE, &DELETE, &QUERY],
    missing: &[7404],
    exists: &[7502],
    transient: &[
        "d1 db is overloaded",
        "network connection lost",
        "caused object to be reset",
        "transient issue on remote node",
        "its code was updated",
    ],
    advice: &[
        (7400, "it does not accept a property; the broker may be too old"),
        (7500, "the SQL is wrong or does not fit what is in the database"),
    ],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &D1,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "D1 Write",
};

/// The most rows of a list in one answer: some 250 KB.
const PER_PAGE: u32 = 1_000;

/// The most that is shown to a platform at once.
const SHOWN_AT_ONCE: u32 = 100;

/// A database as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Database {
    pub(super) uuid: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) jurisdiction: Option<String>,
    #[serde(default)]
    pub(super) read_replication: Option<Replication>,
}

/// How a database is copied.
#[derive(Debug, Deserialize)]
pub(super) struct Replication {
    pub(super) mode: String,
}

/// All D1 databases of the account.
#[derive(Clone, Debug)]
pub(super) struct Databases {
    api: Api,
}

impl Databases {
    pub(super) fn new(client: &Client) -> Self {
        Self { api: client.of(&D1) }
    }

    pub(super) fn client(&self) -> &Client {
        self.api.client()
    }

    /// The database with exactly this name. The vendor's filter is only a search.
    pub(super) async fn named(&self, name: &str) -> Result<Option<Database>, CallError> {
        let rows = self.api.all(|| Call::new(&LIST, &[]).query("name", name), PER_PAGE).await?;
        let found = rows.into_iter().find(|row| row["name"] == name);
        found.map(serde_json::from_value).transpose().map_err(|_| CallError::incomplete(Sent::No))
    }

    /// All databases whose name carries a mark.
    pub(super) async fn marked(&self) -> Result<Vec<MarkedObject>, CallError> {
        let rows = self.api.all(|| Call::new(&LIST, &[]), PER_PAGE).await?;
        let databases: Result<Vec<Database>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let databases = databases.map_err(|_| CallError::incomplete(Sent::No))?;
        let marked = databases.into_iter().filter_map(|Database { uuid: id, name, .. }| {
            let mark = mark_of_name(&name)?.to_owned();
            Some(MarkedObject { id, name, mark })
        });
        Ok(marked.collect())
    }

    /// A page of all databases, whoever made them.
    pub(super) async fn page(&self, cursor: Cursor) -> Result<(Vec<Database>, Option<Cursor>), CallError> {
        let (rows, next) = self.api.page(Call::new(&LIST, &[]), cursor, SHOWN_AT_ONCE).await?;
        let databases: Result<Vec<Database>, _> = rows.into_iter().map(serde_json::from_value).collect();
        Ok((databases.map_err(|_| CallError::incomplete(Sent::No))?, next))
    }

    pub(super) async fn create(&self, name: &str, wanted: &Parameters) -> Result<Database, CallError> {
        let mut body = json!({ "name": name });
        if let Some(hint) = wanted.primary_location_hint {
            body["primary_location_hint"] = json!(hint);
        }
        if let Some(jurisdiction) = wanted.jurisdiction {
            body["jurisdiction"] = json!(jurisdiction);
        }
        self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()
    }

    pub(super) async fn read(&self, id: &str) -> Result<Database, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    pub(super) async fn replicate(&self, id: &str, mode: ReadReplication) -> Result<(), CallError> {
        let body = json!({ "read_replication": { "mode": mode } });
        self.api.send(&Call::new(&CHANGE, &[id]).body(body)).await.map(|_| ())
    }

    pub(super) async fn delete(&self, id: &str) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(|_| ())
    }

    /// Carries out statements, all or none of them.
    pub(super) async fn execute(&self, id: &str, sql: &str) -> Result<(), CallError> {
        let results: Vec<Outcome> =
            self.api.send(&Call::new(&QUERY, &[id]).body(json!({ "sql": sql }))).await?.into()?;
        let all = results.iter().all(|result| result.success);
        if all { Ok(()) } else { Err(CallError::incomplete(Sent::Perhaps)) }
    }

    /// Whether one statement, which changes nothing, finds a row.
    pub(super) async fn has_row(&self, id: &str, sql: &str, value: &str) -> Result<bool, CallError> {
        let body = json!({ "sql": sql, "params": [value] });
        let results: Vec<Outcome> =
            self.api.send(&Call::new(&QUERY, &[id]).body(body).reading()).await?.into()?;
        match results.as_slice() {
            [Outcome { success: true, results }] => Ok(!results.is_empty()),
            _ => Err(CallError::incomplete(Sent::No)),
        }
    }
}

/// What became of one statement.
#[derive(Deserialize)]
struct Outcome {
    success: bool,
    #[serde(default)]
    results: Vec<Value>,
}
