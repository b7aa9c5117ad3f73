//! `cloudflare-hyperdrive`: ways to databases. Cloudflare tries the database before it says yes, and never shows its
//! password.

mod discovery;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use sutler_catalog::{
    Offering,
    cloudflare::hyperdrive::{self, Caching, Origin, Parameters, Scheme, output},
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    object::{Kind, Known, Next, Object, differs, marked},
    recorded::is_hexadecimal,
};
use crate::providers::{Discovery, FieldDrift, Listing, Marker, Sent};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/hyperdrive/configs" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/hyperdrive/configs/{hyperdrive}" };
static CHANGE: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };

/// Hyperdrive: 2006 no such configuration, 2017 one of that name exists.
static CONFIGURATIONS: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &CHANGE, &DELETE],
    missing: &[2006],
    exists: &[2017],
    transient: &[],
    advice: &[
        (2007, "it does not accept a property of the origin"),
        (2009, "the host is not a public one"),
        (2010, UNREACHABLE),
        (2011, UNREACHABLE),
        (2012, UNREACHABLE),
        (2013, UNREACHABLE),
        (2014, UNREACHABLE),
        (2015, UNREACHABLE),
        (2016, UNREACHABLE),
    ],
};

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &CONFIGURATIONS,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Hyperdrive Write",
};

const UNREACHABLE: &str =
    "it could not log in to the database; check host, port, database, user and password";

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 100;

/// Provides `cloudflare-hyperdrive`.
pub type Hyperdrive = Object<Configurations>;

impl Hyperdrive {
    /// Configurations in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Configurations { api: client.of(&CONFIGURATIONS) })
    }
}

/// All Hyperdrive configurations of the account.
#[derive(Debug)]
pub struct Configurations {
    api: Api,
}

/// A configuration as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Configuration {
    id: String,
    name: String,
    origin: ShownOrigin,
    #[serde(default)]
    caching: Option<ShownCaching>,
    #[serde(default)]
    origin_connection_limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct ShownOrigin {
    scheme: String,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    database: String,
    user: String,
}

/// What is not shown is as it is by default.
#[derive(Debug, Default, Deserialize)]
struct ShownCaching {
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    max_age: Option<u32>,
    #[serde(default)]
    stale_while_revalidate: Option<u32>,
}

/// Which password Cloudflare was told last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    password: String,
}

/// One change of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The database behind it.
    Origin,
    /// What is remembered of answers, and how many connections there are.
    Tuning,
}

/// Tells whether a password is the same as before. The key is the name, which holds the instance's mark; the record it
/// stands in is sealed.
fn digest(name: &str, origin: &Origin) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(name.as_bytes()).expect("HMAC takes keys of any length");
    hmac.update(origin.password.expose().as_bytes());
    hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// PostgreSQL has two names, and Cloudflare may show the other one.
fn protocol(scheme: &str) -> &str {
    if scheme == "postgresql" { "postgres" } else { scheme }
}

fn word(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Postgres | Scheme::Postgresql => "postgres",
        Scheme::Mysql => "mysql",
    }
}

fn origin(wanted: &Origin) -> Value {
    json!({
        "scheme": wanted.scheme,
        "host": wanted.host,
        "port": wanted.port(),
        "database": wanted.database,
        "user": wanted.user,
        "password": wanted.password.expose(),
    })
}

fn caching(wanted: &Caching) -> Value {
    if wanted.disabled {
        return json!({ "disabled": true });
    }
    json!({
        "disabled": false,
        "max_age": wanted.max_age,
        "stale_while_revalidate": wanted.stale_while_revalidate,
    })
}

impl Configuration {
    fn origin_differences(&self, wanted: &Origin) -> Vec<FieldDrift> {
        let found = &self.origin;
        let compared = [
            differs("origin.scheme", json!(word(wanted.scheme)), json!(protocol(&found.scheme))),
            differs("origin.host", json!(wanted.host), json!(found.host)),
            differs("origin.port", json!(wanted.port()), json!(found.port)),
            differs("origin.database", json!(wanted.database), json!(found.database)),
            differs("origin.user", json!(wanted.user), json!(found.user)),
        ];
        compared.into_iter().flatten().collect()
    }

    fn shown_caching(&self) -> Caching {
        let defaults = Caching::default();
        let shown = self.caching.as_ref();
        Caching {
            disabled: shown.is_some_and(|caching| caching.disabled),
            max_age: shown.and_then(|caching| caching.max_age).unwrap_or(defaults.max_age),
            stale_while_revalidate: shown
                .and_then(|caching| caching.stale_while_revalidate)
                .unwrap_or(defaults.stale_while_revalidate),
        }
    }

    fn tuning_differences(&self, wanted: &Parameters) -> Vec<FieldDrift> {
        let found = self.shown_caching();
        let mut differences: Vec<FieldDrift> =
            differs("caching", caching(&wanted.caching), caching(&found)).into_iter().collect();
        if let Some(limit) = wanted.connection_limit {
            let found = json!(self.origin_connection_limit);
            differences.extend(differs("connection_limit", json!(limit), found));
        }
        differences
    }
}

fn tuning(wanted: &Parameters) -> Value {
    let mut body = json!({ "caching": caching(&wanted.caching) });
    if let Some(limit) = wanted.connection_limit {
        body["origin_connection_limit"] = json!(limit);
    }
    body
}

impl Configurations {
    /// There is no filter: all pages are looked through.
    async fn all(&self) -> Result<Vec<Configuration>, CallError> {
        let rows = self.api.all(|| Call::new(&LIST, &[]), PER_PAGE).await?;
        let found: Result<Vec<Configuration>, _> = rows.into_iter().map(serde_json::from_value).collect();
        found.map_err(|_| CallError::incomplete(Sent::No))
    }
}

#[async_trait]
impl Kind for Configurations {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Configuration;
    type Change = Change;
    type Memory = Memory;

    const NOUN: &'static str = "Hyperdrive configuration";
    const PRODUCT: &'static Product = &CONFIGURATIONS;

    fn offering() -> Offering {
        hyperdrive::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn is_id(id: &str) -> bool {
        is_hexadecimal(id, 32)
    }

    fn name_of(found: &Configuration) -> &str {
        &found.name
    }

    fn memory(name: &str, wanted: &Parameters) -> Memory {
        Memory { password: digest(name, &wanted.origin) }
    }

    async fn find(&self, name: &str, _wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let named = self.all().await?.into_iter().filter(|found| found.name == name);
        Ok(named.map(|found| found.id).collect())
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let mut body = tuning(wanted);
        body["name"] = json!(name);
        body["origin"] = origin(&wanted.origin);
        let made: Configuration = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        Ok(made.id)
    }

    async fn read(&self, id: &str, _wanted: &Parameters) -> Result<Configuration, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    async fn change(&self, id: &str, change: &Change, wanted: &Parameters) -> Result<(), CallError> {
        let body = match change {
            Change::Origin => json!({ "origin": origin(&wanted.origin) }),
            Change::Tuning => tuning(wanted),
        };
        self.api.send(&Call::new(&CHANGE, &[id]).body(body)).await.map(drop)
    }

    async fn delete(&self, id: &str, _wanted: &Parameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(drop)
    }

    fn next(known: &Known<Memory>, found: &Configuration, wanted: &Parameters) -> Next<Change, Memory> {
        let told = Memory { password: digest(&known.name, &wanted.origin) };
        if told != known.memory || !found.origin_differences(&wanted.origin).is_empty() {
            return Next::Change(Change::Origin, told);
        }
        if found.tuning_differences(wanted).is_empty() {
            return Next::Done;
        }
        Next::Change(Change::Tuning, told)
    }

    fn doing(change: &Change) -> String {
        match change {
            Change::Origin => "change the origin of the Hyperdrive configuration".to_owned(),
            Change::Tuning => "change caching and connections of the Hyperdrive configuration".to_owned(),
        }
    }

    fn attributes(
        &self,
        known: &Known<Memory>,
        _found: &Configuration,
        _wanted: &Parameters,
    ) -> Map<String, Value> {
        Map::from_iter([
            (output::HYPERDRIVE_ID.to_owned(), json!(known.id)),
            (output::HYPERDRIVE_NAME.to_owned(), json!(known.name)),
        ])
    }

    /// The password cannot be compared: Cloudflare never shows it.
    fn drift(known: &Known<Memory>, found: &Configuration, wanted: &Parameters) -> Vec<FieldDrift> {
        let name = differs(output::HYPERDRIVE_NAME, json!(known.name), json!(found.name));
        let origin = found.origin_differences(&wanted.origin);
        name.into_iter().chain(origin).chain(found.tuning_differences(wanted)).collect()
    }

    fn credentials(&self, _known: &Known<Memory>, found: &Configuration) -> Map<String, Value> {
        Map::from_iter([
            (output::ACCOUNT_ID.to_owned(), json!(self.client().account())),
            (output::HYPERDRIVE_ID.to_owned(), json!(found.id)),
        ])
    }

    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String {
        let list = format!("https://dash.cloudflare.com/{}/workers/hyperdrive", self.client().account());
        id.map_or_else(|| format!("{list}#{}", marker.hex(24)), |id| format!("{list}/{id}"))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        Ok(marked(self.all().await?.into_iter().map(|found| (found.id, found.name))))
    }
}
