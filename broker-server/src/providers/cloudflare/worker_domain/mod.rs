//! `cloudflare-worker-domain`: host names of Workers. They have no place for a mark: what was there before is refused,
//! and what is ours is known by its id.

mod discovery;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::worker_domain::{self, Parameters, output},
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    object::{Kind, Known, Next, Object, differs},
};
use crate::providers::{Discovery, FieldDrift, InstanceFacts, Listing, Marker};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/workers/domains" };
static ATTACH: Endpoint = Endpoint { method: Method::PUT, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/workers/domains/{domain}" };
static DETACH: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };

/// Domains of Workers: 100114 no such domain, 100116 the host name is in use.
static DOMAINS: Product = Product {
    endpoints: &[&LIST, &ATTACH, &READ, &DETACH],
    missing: &[100_114],
    exists: &[100_116],
    transient: &[],
    advice: &[(10007, "script: there is no such Worker; create it first")],
};

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &DOMAINS,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[],
    headers: &[],
    permissions: "Workers Scripts Write",
};

/// Provides `cloudflare-worker-domain`.
pub type WorkerDomain = Object<Domains>;

impl WorkerDomain {
    /// Domains in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Domains { api: client.of(&DOMAINS) })
    }
}

/// All domains of Workers of the account.
#[derive(Debug)]
pub struct Domains {
    api: Api,
}

/// A domain as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Domain {
    id: String,
    hostname: String,
    service: String,
    zone_id: String,
}

fn body(wanted: &Parameters) -> Value {
    json!({ "hostname": wanted.hostname, "service": wanted.script, "zone_id": wanted.zone_id })
}

#[async_trait]
impl Kind for Domains {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Domain;
    type Change = ();
    type Memory = ();

    const NOUN: &'static str = "domain";
    const PRODUCT: &'static Product = &DOMAINS;

    fn offering() -> Offering {
        worker_domain::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn name(_instance: &InstanceFacts, _marker: &Marker, wanted: &Parameters) -> String {
        wanted.hostname.clone()
    }

    /// An id has no documented form; it is a part of a path, and no more.
    fn is_id(id: &str) -> bool {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    fn is_ours(found: &Domain, known: &Known<()>, _marker: &Marker) -> bool {
        known.id.as_ref() == Some(&found.id)
    }

    fn name_of(found: &Domain) -> &str {
        &found.hostname
    }

    async fn find(&self, name: &str, _wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let answer = self.api.send(&Call::new(&LIST, &[]).query("hostname", name)).await?;
        let found: Vec<Domain> = answer.into()?;
        Ok(found.into_iter().filter(|domain| domain.hostname == name).map(|domain| domain.id).collect())
    }

    /// Cloudflare refuses a host name that another Worker or a DNS record has: it is never told to override that.
    async fn create(&self, _name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let made: Domain = self.api.send(&Call::new(&ATTACH, &[]).body(body(wanted))).await?.into()?;
        Ok(made.id)
    }

    async fn read(&self, id: &str, _wanted: &Parameters) -> Result<Domain, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    /// The domain was looked at just before and is ours, so it may be taken from the Worker that has it.
    async fn change(&self, _id: &str, (): &(), wanted: &Parameters) -> Result<(), CallError> {
        let mut body = body(wanted);
        body["override_existing_origin"] = json!(true);
        self.api.send(&Call::new(&ATTACH, &[]).body(body)).await.map(drop)
    }

    async fn delete(&self, id: &str, _wanted: &Parameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DETACH, &[id])).await.map(drop)
    }

    fn next(_known: &Known<()>, found: &Domain, wanted: &Parameters) -> Next<(), ()> {
        if found.service == wanted.script { Next::Done } else { Next::Change((), ()) }
    }

    fn doing((): &()) -> String {
        "give the host name to the other Worker".to_owned()
    }

    fn attributes(&self, known: &Known<()>, found: &Domain, _wanted: &Parameters) -> Map<String, Value> {
        Map::from_iter([
            (output::DOMAIN_ID.to_owned(), json!(known.id)),
            (output::HOSTNAME.to_owned(), json!(known.name)),
            (output::SCRIPT.to_owned(), json!(found.service)),
        ])
    }

    fn drift(_known: &Known<()>, found: &Domain, wanted: &Parameters) -> Vec<FieldDrift> {
        let compared = [
            differs("script", json!(wanted.script), json!(found.service)),
            differs("zone_id", json!(wanted.zone_id), json!(found.zone_id)),
        ];
        compared.into_iter().flatten().collect()
    }

    fn dashboard(&self, _id: Option<&str>, marker: &Marker) -> String {
        format!(
            "https://dash.cloudflare.com/{}/workers-and-pages#{}",
            self.client().account(),
            marker.hex(24)
        )
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        let why = "the domain of a Worker has no place for a mark; it is known by its id";
        Ok(Listing::NotPossible(why.to_owned()))
    }
}
