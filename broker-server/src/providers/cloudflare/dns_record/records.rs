//! The calls about the records of a zone.

use http::Method;
use serde_json::Value;

use super::super::{
    client::{Api, Call, CallError, Client, Cursor, Endpoint, Place, Probe, Product},
    zones::{self, ZONES, Zone},
};
use super::set::Shown;
use crate::providers::Sent;

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/zones/{zone}/dns_records" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/zones/{zone}/dns_records/{record}" };
static BATCH: Endpoint = Endpoint { method: Method::POST, template: "/zones/{zone}/dns_records/batch" };

/// DNS: 81044 no such record, 81053 and 81054 a CNAME and something else of the same name, 81057 and 81058 an identical record.
pub(super) static DNS: Product = Product {
    endpoints: &[&ZONES, &LIST, &READ, &BATCH],
    missing: &[81_044],
    exists: &[81_053, 81_054, 81_057, 81_058],
    transient: &[],
    advice: &[(1004, "a record is not valid"), (9207, "a record is not valid"), (81_045, "the zone is full")],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &DNS,
    endpoint: &LIST,
    place: Place::Zone(&ZONES),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "DNS Write, Zone Read",
};

/// The most rows of a list in one answer: some 500 KB.
const PER_PAGE: u32 = 1_000;

/// The records of all zones of the account.
#[derive(Debug)]
pub(super) struct Records {
    api: Api,
}

impl Records {
    pub(super) fn new(client: &Client) -> Self {
        Self { api: client.of(&DNS) }
    }

    pub(super) fn client(&self) -> &Client {
        self.api.client()
    }

    pub(super) async fn zone(&self, id: &str) -> Result<Option<Zone>, CallError> {
        zones::zone_of(&self.api, id).await
    }

    pub(super) async fn zone_named(&self, name: &str) -> Result<Option<Zone>, CallError> {
        Ok(zones::zones(&self.api, Some(name)).await?.into_iter().find(|zone| zone.name == name))
    }

    pub(super) async fn zones(&self) -> Result<Vec<Zone>, CallError> {
        zones::zones(&self.api, None).await
    }

    /// A page of the zones, few enough to look into each.
    pub(super) async fn few_zones(&self, cursor: Cursor) -> Result<(Vec<Zone>, Option<Cursor>), CallError> {
        zones::page(&self.api, cursor, zones::FEW).await
    }

    /// The records of a set: those with exactly this comment, and one that was there before, if it was adopted. If it
    /// carries the mark of another set by now, it is of that one.
    pub(super) async fn of_set(
        &self,
        zone: &str,
        comment: &str,
        adopted: Option<&str>,
    ) -> Result<Vec<Shown>, CallError> {
        let mut found = self.list(zone, Some(("comment.exact", comment))).await?;
        found.retain(|record| record.comment.as_deref() == Some(comment));
        if let Some(id) = adopted.filter(|id| found.iter().all(|record| record.id != *id)) {
            match self.read(zone, id).await {
                Ok(record) if record.any_mark().is_none() => found.push(record),
                Ok(_) | Err(CallError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The records in a zone whose comment begins so.
    pub(super) async fn of_sets(&self, zone: &str, prefix: &str) -> Result<Vec<Shown>, CallError> {
        self.list(zone, Some(("comment.startswith", prefix))).await
    }

    /// All records of a zone, whoever made them.
    pub(super) async fn all(&self, zone: &str) -> Result<Vec<Shown>, CallError> {
        self.list(zone, None).await
    }

    pub(super) async fn read(&self, zone: &str, id: &str) -> Result<Shown, CallError> {
        self.api.send(&Call::new(&READ, &[zone, id])).await?.into()
    }

    async fn list(&self, zone: &str, filter: Option<(&str, &str)>) -> Result<Vec<Shown>, CallError> {
        let segments = [zone];
        let call = || match filter {
            Some((filter, value)) => Call::new(&LIST, &segments).query(filter, value),
            None => Call::new(&LIST, &segments),
        };
        let rows = self.api.all(call, PER_PAGE).await?;
        let records: Result<Vec<Shown>, _> = rows.into_iter().map(serde_json::from_value).collect();
        records.map_err(|_| CallError::incomplete(Sent::No))
    }

    /// All changes together, or none of them.
    pub(super) async fn batch(&self, zone: &str, changes: Value) -> Result<(), CallError> {
        self.api.send(&Call::new(&BATCH, &[zone]).body(changes)).await.map(drop)
    }
}
