//! `cloudflare-zone`, and the plan `cloudflare` of `domain-zone`: domains whose DNS is at Cloudflare. A zone has no place for a mark: what was there before is
//! refused, and what is ours is known by its id. Each binding is a token for this zone's records alone.

#![expect(private_bounds, reason = "which offerings there are is decided in this crate")]

mod access;
mod discovery;
#[cfg(test)]
mod tests;
mod wishes;

use std::marker::PhantomData;

use async_trait::async_trait;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::zone::{Parameters, output},
    domain::zone::CloudflareParameters,
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    minting::{self, Minter},
    object::{Kind, Known, Next, Object, differs},
    recorded::is_hexadecimal,
    zones::{self, ZONES},
};
use crate::providers::{
    Bearers, BindingFacts, CreatedBinding, Discovery, FieldDrift, InstanceFacts, Listing, Marker, Progress,
    ProviderError, RecoveryClass, Step, StepName,
};
use access::ZoneAccess;
use wishes::Wishes;

static CREATE: Endpoint = Endpoint { method: Method::POST, template: ZONES.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: "/zones/{zone}" };
static RECORDS: Endpoint = Endpoint { method: Method::GET, template: "/zones/{zone}/dns_records" };

/// Zones: 1061 it exists already, here or in another account.
static PRODUCT: Product = Product {
    endpoints: &[&ZONES, &CREATE, &DELETE, &RECORDS],
    missing: &[],
    exists: &[1061],
    transient: &[],
    advice: &[
        (1002, "it is not a domain that Cloudflare takes"),
        (1052, "Cloudflare does not take it now; look at the account in the dashboard"),
        (1099, "the domain is not registered"),
        (1116, "it is below a registered domain, which only some accounts may add"),
    ],
};

/// What zones may ask of Cloudflare.
pub(super) fn product() -> &'static Product {
    &PRODUCT
}

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &PRODUCT,
    endpoint: &RECORDS,
    place: Place::Zone(&ZONES),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Zone Write, DNS Read",
};

/// A list of zones that does not hold the one that is looked for: an authentic no.
const NOT_LISTED: CallError = CallError::Missing { code: 404 };
/// About a day, at one look a minute.
const MAX_LOOKS: u32 = 1_500;
/// How often in a row a status may be one we do not know.
const MAX_UNKNOWN: u32 = 20;

/// Provides `cloudflare-zone`.
pub type Zone = Object<Zones<Parameters>>;
/// Provides the plan `cloudflare` of `domain-zone`.
pub type DomainZone = Object<Zones<CloudflareParameters>>;

impl<W: Wishes> Object<Zones<W>> {
    /// Zones in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Zones { api: client.of(&PRODUCT), minter: Minter::new(client), wishes: PhantomData })
    }
}

/// All zones of the account, for an offering that asks for them with `W`.
#[derive(Debug)]
pub struct Zones<W> {
    api: Api,
    minter: Minter,
    wishes: PhantomData<fn() -> W>,
}

/// How long the delegation has been waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    #[serde(default)]
    looks: u32,
    #[serde(default)]
    unknown: u32,
}

impl<W> Zones<W> {
    async fn has_records(&self, id: &str) -> Result<bool, CallError> {
        let answer = self.api.send(&Call::new(&RECORDS, &[id]).query("page", 1).query("per_page", 5)).await?;
        let records: Vec<Value> = answer.into()?;
        Ok(!records.is_empty())
    }
}

#[async_trait]
impl<W: Wishes> Kind for Zones<W> {
    type Client = Client;
    type Wanted = W;
    type Found = zones::Zone;
    type Change = ();
    type Memory = Memory;

    const NOUN: &'static str = "zone";
    const PRODUCT: &'static Product = &PRODUCT;
    const ALSO: &'static [&'static Product] = &[&minting::MINTING];

    fn offering() -> Offering {
        W::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn name(_instance: &InstanceFacts, _marker: &Marker, wanted: &W) -> String {
        wanted.name().to_owned()
    }

    fn is_id(id: &str) -> bool {
        is_hexadecimal(id, 32)
    }

    fn is_ours(found: &zones::Zone, known: &Known<Memory>, _marker: &Marker) -> bool {
        known.id.as_ref() == Some(&found.id)
    }

    fn name_of(found: &zones::Zone) -> &str {
        &found.name
    }

    async fn find(&self, name: &str, _wanted: &W) -> Result<Vec<String>, CallError> {
        let found = zones::zones(&self.api, Some(name)).await?.into_iter().filter(|zone| zone.name == name);
        Ok(found.map(|zone| zone.id).collect())
    }

    async fn create(&self, name: &str, wanted: &W) -> Result<String, CallError> {
        let account = self.client().account();
        let body = json!({ "name": name, "account": { "id": account }, "type": wanted.r#type() });
        let made: zones::Zone = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        Ok(made.id)
    }

    /// A zone of the same name and another id is another zone.
    async fn read(&self, id: &str, wanted: &W) -> Result<zones::Zone, CallError> {
        let found = zones::zones(&self.api, Some(wanted.name())).await?;
        found.into_iter().find(|zone| zone.id == id).ok_or(NOT_LISTED)
    }

    async fn change(&self, _id: &str, (): &(), _wanted: &W) -> Result<(), CallError> {
        Ok(())
    }

    /// What is not there and what may not be seen are answered alike; the list tells them apart.
    async fn delete(&self, id: &str, _wanted: &W) -> Result<(), CallError> {
        match self.api.send(&Call::new(&DELETE, &[id])).await {
            Ok(_) => Ok(()),
            Err(error @ CallError::Misrouted { .. }) => match zones::zone_of(&self.api, id).await? {
                None => Ok(()),
                Some(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn next(known: &Known<Memory>, found: &zones::Zone, wanted: &W) -> Next<(), Memory> {
        let Memory { looks, unknown } = known.memory;
        let servers = found.name_servers.join(" and ");
        let name = &found.name;
        let wait = |unknown, description| Next::Wait(Memory { looks: looks + 1, unknown }, description);
        match found.status.as_deref() {
            _ if !wanted.waits() => Next::Done,
            Some("active") => Next::Done,
            Some("moved") => Next::Failed(format!(
                "the registrar of {name} names other name servers; have it name {servers}, then delete the instance and \
                 create it again"
            )),
            _ if looks >= MAX_LOOKS => Next::Failed(format!(
                "{name} did not become active within a day; have its registrar name {servers}, then delete the instance \
                 and create it again"
            )),
            Some("pending") => wait(0, format!("waiting until the registrar of {name} names {servers}")),
            Some("initializing") => wait(0, format!("Cloudflare prepares the zone {name}")),
            _ if unknown >= MAX_UNKNOWN => Next::Failed(format!(
                "the state of {name} at Cloudflare is not known to this broker; look at it in the dashboard"
            )),
            _ => wait(
                unknown + 1,
                format!("Cloudflare shows a state of {name} that this broker does not know"),
            ),
        }
    }

    /// Longer and longer, up to a minute at the usual pace: people have to do something.
    fn patience(memory: &Memory) -> u32 {
        (1 + memory.looks / 4).min(12)
    }

    /// Another piece of work waits for itself.
    fn afresh(_memory: &Memory) -> Memory {
        Memory::default()
    }

    fn doing((): &()) -> String {
        "change the zone".to_owned()
    }

    async fn hindrance(
        &self,
        _known: &Known<Memory>,
        found: &zones::Zone,
        wanted: &W,
    ) -> Result<Option<String>, CallError> {
        let is_kept = wanted.protects() && self.has_records(&found.id).await?;
        Ok(is_kept.then(|| {
            "protect: the zone has DNS records; update the instance with protect set to false, and deleting it deletes \
             them too"
                .to_owned()
        }))
    }

    fn attributes(&self, known: &Known<Memory>, found: &zones::Zone, _wanted: &W) -> Map<String, Value> {
        let mut attributes = Map::from_iter([
            (output::ZONE_ID.to_owned(), json!(known.id)),
            (output::NAME.to_owned(), json!(known.name)),
            (output::STATUS.to_owned(), json!(found.status)),
            (output::NAME_SERVERS.to_owned(), json!(found.name_servers)),
        ]);
        W::tell(found, &mut attributes);
        attributes
    }

    fn drift(_known: &Known<Memory>, found: &zones::Zone, wanted: &W) -> Vec<FieldDrift> {
        let kind = found.kind.as_ref().and_then(|kind| differs("type", json!(wanted.r#type()), json!(kind)));
        kind.into_iter().collect()
    }

    fn dashboard(&self, _id: Option<&str>, marker: &Marker) -> String {
        format!("https://dash.cloudflare.com/{}/home/domains#{}", self.client().account(), marker.hex(24))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    /// A zone has no place for a mark, and is known by its id; the tokens of its bindings have one.
    async fn marked(&self) -> Result<Listing, CallError> {
        let objects = self.minter.marked(W::WORD).await?;
        Ok(Listing::Objects { bearers: Bearers::Bindings, objects })
    }

    fn binding_recovery(step: &StepName) -> RecoveryClass {
        Minter::recovery(step)
    }

    async fn bind(
        &self,
        step: &Step<'_>,
        binding: &BindingFacts,
        (known, _): (&Known<Memory>, &W),
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let (id, name) = (known.id::<Self>()?.to_owned(), known.name.clone());
        let asked = binding.parameters()?;
        let access = ZoneAccess { api: &self.api, id, name, asked, word: W::WORD };
        self.minter.bind(step, &access).await
    }

    async fn unbind(&self, step: &Step<'_>, binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        self.minter.unbind(step, binding).await
    }
}
