//! The plan `dnsimple` of `domain-zone`: domains whose DNS is at DNSimple. A domain has no place for a mark: what was
//! there before is refused, and what is ours is known by its number. Nothing is registered here, and what is registered
//! is never deleted.

mod discovery;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::zone::{self, DnsimpleParameters, output},
};

use super::client::{Api, Call, CallError, Client, Endpoint, Table, WHOAMI};
use crate::providers::{
    Discovery, FieldDrift, InstanceFacts, Listing, Marker,
    object::{Kind, Known, Next, Object},
};

static READ: Endpoint = Endpoint { method: Method::GET, template: "/{account}/domains/{domain}" };
static DOMAINS: Endpoint = Endpoint { method: Method::GET, template: "/{account}/domains" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/{account}/domains" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static RECORDS: Endpoint = Endpoint { method: Method::GET, template: "/{account}/zones/{zone}/records" };
static DELEGATION: Endpoint =
    Endpoint { method: Method::GET, template: "/{account}/registrar/domains/{domain}/delegation" };

static TABLE: Table = Table {
    endpoints: &[&WHOAMI, &DOMAINS, &READ, &CREATE, &DELETE, &RECORDS, &DELEGATION],
    exists: &["already been taken", "already exists"],
    in_use: &["in use"],
    advice: &[(
        406,
        "it has to be proven first that the domain is the account's; DNSimple has written to the account's owner how",
    )],
};

/// DNSimple's word for a domain whose registrar is another.
const HOSTED: &str = "hosted";

/// Provides the plan `dnsimple` of `domain-zone`.
pub type DomainZone = Object<Domains>;

impl DomainZone {
    /// Zones in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Domains { api: client.of(&TABLE) })
    }
}

/// All domains of the account.
#[derive(Debug)]
pub struct Domains {
    api: Api,
}

/// A domain as DNSimple shows it.
#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    name: String,
    state: String,
}

/// A record, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: String,
    content: String,
    #[serde(default)]
    system_record: bool,
}

/// A domain with what its zone says.
#[derive(Debug)]
pub(crate) struct Domain {
    shown: Shown,
    name_servers: Vec<String>,
    /// Whether there are records that DNSimple did not make itself.
    has_records: bool,
    /// Where DNSimple is the registrar, it knows.
    delegated: Option<bool>,
}

impl Domains {
    async fn shown(&self, domain: &str) -> Result<Shown, CallError> {
        self.api.typed(&Call::new(&READ, &[domain])).await
    }

    async fn records(&self, zone: &str) -> Result<Vec<Record>, CallError> {
        let segments = [zone];
        let rows = self.api.all(|| Call::new(&RECORDS, &segments)).await?;
        let read =
            |row| serde_json::from_value(row).map_err(|_| CallError::incomplete(crate::providers::Sent::No));
        rows.into_iter().map(read).collect()
    }
}

#[async_trait]
impl Kind for Domains {
    type Client = Client;
    type Wanted = DnsimpleParameters;
    type Found = Domain;
    type Change = ();
    type Memory = ();

    const NOUN: &'static str = "zone";
    const PRODUCT: &'static Table = &TABLE;

    fn offering() -> Offering {
        zone::offering([zone::dnsimple()])
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn name(_instance: &InstanceFacts, _marker: &Marker, wanted: &DnsimpleParameters) -> String {
        wanted.name.clone()
    }

    fn is_id(id: &str) -> bool {
        !id.is_empty() && id.len() <= 18 && id.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn is_ours(found: &Domain, known: &Known<()>, _marker: &Marker) -> bool {
        known.id.as_deref() == Some(found.shown.id.to_string().as_str()) && known.name == found.shown.name
    }

    fn name_of(found: &Domain) -> &str {
        &found.shown.name
    }

    async fn find(&self, name: &str, _wanted: &DnsimpleParameters) -> Result<Vec<String>, CallError> {
        match self.shown(name).await {
            Ok(found) => Ok(vec![found.id.to_string()]),
            Err(CallError::Missing) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, name: &str, _wanted: &DnsimpleParameters) -> Result<String, CallError> {
        let made: Shown = self.api.typed(&Call::new(&CREATE, &[]).body(json!({ "name": name }))).await?;
        Ok(made.id.to_string())
    }

    async fn read(&self, id: &str, _wanted: &DnsimpleParameters) -> Result<Domain, CallError> {
        let shown = self.shown(id).await?;
        let records = self.records(&shown.name).await?;
        let (own, others): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| record.system_record);
        let is_server = |record: &Record| record.kind == "NS" && record.name.is_empty();
        let name_servers: Vec<String> =
            own.into_iter().filter(is_server).map(|record| record.content).collect();
        let delegated = if shown.state == HOSTED {
            None
        } else {
            let told: Vec<String> = self.api.typed(&Call::new(&DELEGATION, &[&shown.name])).await?;
            Some(is_delegated(&told, &name_servers))
        };
        Ok(Domain { shown, name_servers, has_records: !others.is_empty(), delegated })
    }

    async fn change(&self, _id: &str, (): &(), _wanted: &DnsimpleParameters) -> Result<(), CallError> {
        Ok(())
    }

    async fn delete(&self, id: &str, _wanted: &DnsimpleParameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(drop)
    }

    /// DNSimple's name servers answer at once; when the registrar names them is the registrar's matter.
    fn next(_known: &Known<()>, _found: &Domain, _wanted: &DnsimpleParameters) -> Next<(), ()> {
        Next::Done
    }

    fn doing((): &()) -> String {
        "change the zone".to_owned()
    }

    async fn hindrance(
        &self,
        _known: &Known<()>,
        found: &Domain,
        wanted: &DnsimpleParameters,
    ) -> Result<Option<String>, CallError> {
        let reason = if found.shown.state != HOSTED {
            Some(
                "the domain is registered at DNSimple, and deleting it there cannot be undone; transfer it to another \
                 registrar, or let go of the instance without deleting it",
            )
        } else if wanted.protect && found.has_records {
            Some(
                "protect: the zone has DNS records; update the instance with protect set to false, and deleting it \
                 deletes them too",
            )
        } else {
            None
        };
        Ok(reason.map(str::to_owned))
    }

    fn attributes(
        &self,
        _known: &Known<()>,
        found: &Domain,
        _wanted: &DnsimpleParameters,
    ) -> Map<String, Value> {
        let mut attributes = Map::from_iter([
            // DNSimple calls a zone by its name
            (output::ZONE_ID.to_owned(), json!(found.shown.name)),
            (output::NAME.to_owned(), json!(found.shown.name)),
            (output::STATUS.to_owned(), json!(found.shown.state)),
            (output::NAME_SERVERS.to_owned(), json!(found.name_servers)),
        ]);
        if let Some(delegated) = found.delegated {
            attributes.insert(output::DELEGATED.to_owned(), json!(delegated));
        }
        attributes
    }

    /// Nothing of it can be changed at DNSimple but what is in the zone.
    fn drift(_known: &Known<()>, _found: &Domain, _wanted: &DnsimpleParameters) -> Vec<FieldDrift> {
        Vec::new()
    }

    fn dashboard(&self, _id: Option<&str>, marker: &Marker) -> String {
        format!("https://dnsimple.com/a/{}/domains#{}", self.client().account(), marker.hex(24))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        Ok(Listing::NotPossible("a domain has no place for a mark; it is known by its number".to_owned()))
    }
}

/// Whether the registry is told name servers of the zone, and no others.
fn is_delegated(told: &[String], servers: &[String]) -> bool {
    !told.is_empty() && told.iter().all(|server| servers.contains(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_delegated_when_the_registry_names_its_servers_and_no_others() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let servers = names(&["a.ns", "b.ns"]);
        assert!(is_delegated(&names(&["b.ns"]), &servers));
        assert!(!is_delegated(&names(&["a.ns", "x.ns"]), &servers));
        assert!(!is_delegated(&[], &servers));
    }

    #[test]
    fn a_domain_of_the_same_name_that_was_added_anew_is_not_ours() {
        let known = |id: &str| Known {
            name: "example.com".to_owned(),
            id: Some(id.to_owned()),
            memory: (),
            adopted: false,
        };
        let shown = Shown { id: 7, name: "example.com".to_owned(), state: HOSTED.to_owned() };
        let found = Domain { shown, name_servers: Vec::new(), has_records: false, delegated: None };
        let marker = Marker::for_instance("installation", &sutler_spec::InstanceId::new("instance").unwrap());
        assert!(Domains::is_ours(&found, &known("7"), &marker));
        assert!(!Domains::is_ours(&found, &known("8"), &marker));
    }

    #[test]
    fn an_id_is_a_number() {
        for good in ["1", "181985"] {
            assert!(Domains::is_id(good));
        }
        for bad in ["", "x", "../1", "1234567890123456789"] {
            assert!(!Domains::is_id(bad), "{bad}");
        }
    }
}
