//! `cloudflare-kv`: namespaces of Workers KV.

mod discovery;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::kv::{self, Parameters, output},
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    object::{Kind, Known, Next, Object, differs, marked},
    recorded::is_hexadecimal,
};
use crate::providers::{Discovery, FieldDrift, Listing, Marker, Sent};

static LIST: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/storage/kv/namespaces" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/storage/kv/namespaces/{namespace}" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static KEYS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/storage/kv/namespaces/{namespace}/keys" };

/// Workers KV: 10013 no such namespace, 10014 a namespace of that title exists.
static KV: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &DELETE, &KEYS],
    missing: &[10013],
    exists: &[10014],
    transient: &[],
    advice: &[(10012, "it does not accept a property; the broker may be too old")],
};

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &KV,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Workers KV Storage Write",
};

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 1_000;
/// The fewest keys that can be asked for.
const FEW: u32 = 10;

/// Provides `cloudflare-kv`.
pub type Kv = Object<Namespaces>;

impl Kv {
    /// Namespaces in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Namespaces { api: client.of(&KV) })
    }
}

/// All namespaces of the account.
#[derive(Debug)]
pub struct Namespaces {
    api: Api,
}

/// A namespace as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Namespace {
    id: String,
    title: String,
}

impl Namespaces {
    /// There is no filter: all pages are looked through.
    async fn all(&self) -> Result<Vec<Namespace>, CallError> {
        let list = || Call::new(&LIST, &[]).query("order", "id").query("direction", "asc");
        let rows = self.api.all(list, PER_PAGE).await?;
        let namespaces: Result<Vec<Namespace>, _> = rows.into_iter().map(serde_json::from_value).collect();
        namespaces.map_err(|_| CallError::incomplete(Sent::No))
    }

    async fn has_keys(&self, id: &str) -> Result<bool, CallError> {
        let answer = self.api.send(&Call::new(&KEYS, &[id]).query("limit", FEW)).await?;
        let keys: Vec<Value> = answer.into()?;
        Ok(!keys.is_empty())
    }
}

#[async_trait]
impl Kind for Namespaces {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Namespace;
    type Change = ();
    type Memory = ();

    const NOUN: &'static str = "namespace";
    const PRODUCT: &'static Product = &KV;

    fn offering() -> Offering {
        kv::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn is_id(id: &str) -> bool {
        is_hexadecimal(id, 32)
    }

    fn name_of(found: &Namespace) -> &str {
        &found.title
    }

    async fn find(&self, name: &str, _wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let named = self.all().await?.into_iter().filter(|namespace| namespace.title == name);
        Ok(named.map(|namespace| namespace.id).collect())
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let mut body = json!({ "title": name });
        if let Some(jurisdiction) = wanted.jurisdiction {
            body["jurisdiction"] = json!(jurisdiction);
        }
        let made: Namespace = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        Ok(made.id)
    }

    async fn read(&self, id: &str, _wanted: &Parameters) -> Result<Namespace, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    async fn change(&self, _id: &str, (): &(), _wanted: &Parameters) -> Result<(), CallError> {
        Ok(())
    }

    async fn delete(&self, id: &str, _wanted: &Parameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(drop)
    }

    /// Everything about a namespace is decided when it is made.
    fn next(_known: &Known<()>, _found: &Namespace, _wanted: &Parameters) -> Next<(), ()> {
        Next::Done
    }

    fn doing((): &()) -> String {
        "change the namespace".to_owned()
    }

    async fn hindrance(
        &self,
        _known: &Known<()>,
        found: &Namespace,
        wanted: &Parameters,
    ) -> Result<Option<String>, CallError> {
        let is_kept = wanted.protect && self.has_keys(&found.id).await?;
        Ok(is_kept.then(|| {
            "protect: the namespace has keys; update the instance with protect set to false, and deleting it deletes \
             them too"
                .to_owned()
        }))
    }

    fn attributes(&self, known: &Known<()>, _found: &Namespace, wanted: &Parameters) -> Map<String, Value> {
        let mut attributes = Map::new();
        attributes.insert(output::NAMESPACE_ID.to_owned(), json!(known.id));
        attributes.insert(output::NAMESPACE_TITLE.to_owned(), json!(known.name));
        if let Some(jurisdiction) = wanted.jurisdiction {
            attributes.insert(output::JURISDICTION.to_owned(), json!(jurisdiction));
        }
        attributes
    }

    /// The list does not say where data must stay.
    fn drift(known: &Known<()>, found: &Namespace, _wanted: &Parameters) -> Vec<FieldDrift> {
        differs(output::NAMESPACE_TITLE, json!(known.name), json!(found.title)).into_iter().collect()
    }

    fn credentials(&self, known: &Known<()>, found: &Namespace) -> Map<String, Value> {
        Map::from_iter([
            (output::ACCOUNT_ID.to_owned(), json!(self.client().account())),
            (output::NAMESPACE_ID.to_owned(), json!(found.id)),
            (output::NAMESPACE_TITLE.to_owned(), json!(known.name)),
        ])
    }

    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String {
        let list = format!("https://dash.cloudflare.com/{}/workers/kv/namespaces", self.client().account());
        id.map_or_else(|| format!("{list}#{}", marker.hex(24)), |id| format!("{list}/{id}"))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        Ok(marked(self.all().await?.into_iter().map(|namespace| (namespace.id, namespace.title))))
    }
}
