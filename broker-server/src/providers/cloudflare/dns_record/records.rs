//! The calls about the records of a zone.

use http::Method;
use serde_json::Value;

use super::super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    zones::{self, ZONES, Zone},
};
use super::set::Shown;
use crate::providers::Sent;

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/zones/{zone}/dns_records" };
static BATCH: Endpoint = Endpoint { method: Method::POST, template: "/zones/{zone}/dns_records/batch" };

/// DNS: 81053 and 81054 a CNAME and something else of the same name, 81057 and 81058 an identical record.
pub(super) static DNS: Product = Product {
    endpoints: &[&ZONES, &LIST, &BATCH],
    missing: &[],
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

/// What every record of ours has in its comment, before the mark.
pub(super) const PREFIX: &str = "osb:";

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

    pub(super) async fn zones(&self) -> Result<Vec<Zone>, CallError> {
        zones::zones(&self.api, None).await
    }

    /// The records of a set: those with exactly this comment.
    pub(super) async fn of_set(&self, zone: &str, comment: &str) -> Result<Vec<Shown>, CallError> {
        let found = self.list(zone, "comment.exact", comment).await?;
        Ok(found.into_iter().filter(|record| record.comment.as_deref() == Some(comment)).collect())
    }

    /// The records of all sets in a zone.
    pub(super) async fn of_sets(&self, zone: &str) -> Result<Vec<Shown>, CallError> {
        self.list(zone, "comment.startswith", PREFIX).await
    }

    async fn list(&self, zone: &str, filter: &str, value: &str) -> Result<Vec<Shown>, CallError> {
        let segments = [zone];
        let rows = self.api.all(|| Call::new(&LIST, &segments).query(filter, value), PER_PAGE).await?;
        let records: Result<Vec<Shown>, _> = rows.into_iter().map(serde_json::from_value).collect();
        records.map_err(|_| CallError::incomplete(Sent::No))
    }

    /// All changes together, or none of them.
    pub(super) async fn batch(&self, zone: &str, changes: Value) -> Result<(), CallError> {
        self.api.send(&Call::new(&BATCH, &[zone]).body(changes)).await.map(drop)
    }
}
