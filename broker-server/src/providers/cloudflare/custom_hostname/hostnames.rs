//! The calls about custom hostnames of zones, and their form.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::cloudflare::custom_hostname::Parameters;

use super::super::{
    client::{Api, Call, CallError, Endpoint, Place, Probe, Product, Unclear},
    object::differs,
    zones::{self, ZONES},
};
use crate::providers::{FieldDrift, Sent};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/zones/{zone}/custom_hostnames" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/zones/{zone}/custom_hostnames/{hostname}" };
static CHANGE: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };

/// Custom hostnames: 1436 no such one, 1406 the host name is there already.
pub(super) static HOSTNAMES: Product = Product {
    endpoints: &[&ZONES, &LIST, &CREATE, &READ, &CHANGE, &DELETE],
    missing: &[1436],
    exists: &[1406],
    transient: &[],
    advice: &[
        (
            1404,
            "the zone has as many custom hostnames as it may have; buy more of them in Cloudflare's dashboard",
        ),
        (1407, "hostname: it is not a host name that Cloudflare takes"),
        (
            1456,
            "zone_id: Cloudflare for SaaS is not switched on for the zone; switch it on in Cloudflare's dashboard",
        ),
    ],
};

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &HOSTNAMES,
    endpoint: &LIST,
    place: Place::Zone(&ZONES),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "SSL and Certificates Write, Zone Read",
};

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 100;

/// All custom hostnames of all zones of the account.
#[derive(Debug)]
pub struct Hostnames {
    pub(super) api: Api,
}

/// A custom hostname as Cloudflare shows it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Shown {
    pub(super) id: String,
    pub(super) hostname: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) ssl: Option<Certificate>,
    #[serde(default)]
    pub(super) custom_origin_server: Option<String>,
    #[serde(default)]
    pub(super) custom_metadata: Option<Map<String, Value>>,
    #[serde(default)]
    ownership_verification: Option<Ownership>,
}

/// Its certificate.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Certificate {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) certificate_authority: Option<String>,
    #[serde(default)]
    pub(super) wildcard: Option<bool>,
    #[serde(default)]
    pub(super) settings: Settings,
    #[serde(default)]
    validation_records: Vec<Proof>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) min_tls_version: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Ownership {
    name: String,
    value: String,
}

/// What a certificate authority looks for.
#[derive(Debug, Clone, Default, Deserialize)]
struct Proof {
    #[serde(default)]
    txt_name: Option<String>,
    #[serde(default)]
    txt_value: Option<String>,
    #[serde(default)]
    http_url: Option<String>,
    #[serde(default)]
    http_body: Option<String>,
    #[serde(default)]
    cname: Option<String>,
    #[serde(default)]
    cname_target: Option<String>,
}

/// Something that the customer publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publication {
    /// `ownership` or `certificate`.
    purpose: &'static str,
    /// `TXT`, `CNAME` or `HTTP`.
    kind: &'static str,
    /// The name of a record, or an address.
    name: String,
    value: String,
}

impl Publication {
    pub(super) fn as_json(&self) -> Value {
        json!({ "purpose": self.purpose, "type": self.kind, "name": self.name, "value": self.value })
    }

    /// For people.
    pub(super) fn line(&self) -> String {
        let Self { kind, name, value, .. } = self;
        if *kind == "HTTP" {
            format!("{name} has to answer {value}")
        } else {
            format!("{kind} {name} = {value}")
        }
    }
}

impl Shown {
    /// What the customer still has to publish, as far as Cloudflare says it.
    pub(super) fn publications(&self) -> Vec<Publication> {
        let mut all = Vec::new();
        if self.status.as_deref() != Some("active")
            && let Some(Ownership { name, value }) = &self.ownership_verification
        {
            let (name, value) = (name.clone(), value.clone());
            all.push(Publication { purpose: "ownership", kind: "TXT", name, value });
        }
        let certificate = self.ssl.iter().filter(|ssl| ssl.status.as_deref() != Some("active"));
        for proof in certificate.flat_map(|ssl| &ssl.validation_records) {
            let ways = [
                ("TXT", &proof.txt_name, &proof.txt_value),
                ("HTTP", &proof.http_url, &proof.http_body),
                ("CNAME", &proof.cname, &proof.cname_target),
            ];
            all.extend(ways.into_iter().filter_map(|(kind, name, value)| {
                let (name, value) = (name.clone()?, value.clone()?);
                Some(Publication { purpose: "certificate", kind, name, value })
            }));
        }
        all
    }

    /// Whether Cloudflare has said how the certificate authority is convinced.
    pub(super) fn is_explained(&self) -> bool {
        self.ssl.as_ref().is_some_and(|ssl| !ssl.validation_records.is_empty())
    }

    /// What can be changed and differs. What is not asked for is left as it is.
    pub(super) fn changeable(&self, wanted: &Parameters) -> Vec<FieldDrift> {
        let ssl = self.ssl.as_ref();
        let tls = ssl.and_then(|ssl| ssl.settings.min_tls_version.as_ref());
        let compared = [
            wanted
                .min_tls_version
                .and_then(|tls_wanted| differs("min_tls_version", json!(tls_wanted), json!(tls))),
            wanted.custom_origin_server.as_ref().and_then(|origin| {
                differs("custom_origin_server", json!(origin), json!(self.custom_origin_server))
            }),
            wanted.custom_metadata.as_ref().and_then(|metadata| {
                let found = self.custom_metadata.clone().unwrap_or_default();
                differs("custom_metadata", json!(metadata), json!(found))
            }),
        ];
        compared.into_iter().flatten().collect()
    }

    /// What was decided when it was made and differs: somebody else has ordered another certificate.
    pub(super) fn fixed(&self, wanted: &Parameters) -> Vec<FieldDrift> {
        let Some(ssl) = &self.ssl else { return Vec::new() };
        let told = |found: &Option<String>, wanted: Value| found.as_ref().map(|found| (json!(found), wanted));
        let method = told(&ssl.method, json!(wanted.method));
        let authority = wanted.certificate_authority.map(|authority| json!(authority));
        let authority = authority.and_then(|authority| told(&ssl.certificate_authority, authority));
        let compared = [
            method.and_then(|(found, wanted)| differs("method", wanted, found)),
            authority.and_then(|(found, wanted)| differs("certificate_authority", wanted, found)),
            ssl.wildcard.and_then(|found| differs("wildcard", json!(wanted.wildcard), json!(found))),
        ];
        compared.into_iter().flatten().collect()
    }
}

/// The certificate as it is ordered. Sent again as it is, it makes Cloudflare begin again; another one is another order.
pub(super) fn order(wanted: &Parameters) -> Value {
    let mut ssl = json!({ "method": wanted.method, "type": "dv", "wildcard": wanted.wildcard });
    if let Some(authority) = wanted.certificate_authority {
        ssl["certificate_authority"] = json!(authority);
    }
    if let Some(tls) = wanted.min_tls_version {
        ssl["settings"] = json!({ "min_tls_version": tls });
    }
    ssl
}

impl Hostnames {
    /// Says clearly when it is the zone that is not there.
    async fn in_zone<T>(&self, zone: &str, outcome: Result<T, CallError>) -> Result<T, CallError> {
        match outcome {
            Err(error @ CallError::Misrouted { .. }) => match zones::zone_of(&self.api, zone).await? {
                None => Err(zones::NO_ZONE),
                Some(_) => Err(error),
            },
            other => other,
        }
    }

    /// Those of a zone, or the one of that host name: the filter may find more.
    pub(super) async fn list(&self, zone: &str, hostname: Option<&str>) -> Result<Vec<Shown>, CallError> {
        let segments = [zone];
        let call = || match hostname {
            Some(hostname) => Call::new(&LIST, &segments).query("hostname", hostname),
            None => Call::new(&LIST, &segments),
        };
        let rows = self.in_zone(zone, self.api.all(call, PER_PAGE).await).await?;
        let found: Result<Vec<Shown>, _> = rows.into_iter().map(serde_json::from_value).collect();
        found.map_err(|_| CallError::incomplete(Sent::No))
    }

    pub(super) async fn make(&self, zone: &str, body: Value) -> Result<Shown, CallError> {
        let segments = [zone];
        let sent = self.api.send(&Call::new(&CREATE, &segments).body(body)).await;
        self.in_zone(zone, sent).await?.into()
    }

    pub(super) async fn look_in(&self, zone: &str, id: &str) -> Result<Shown, CallError> {
        let segments = [zone, id];
        let sent = self.api.send(&Call::new(&READ, &segments)).await;
        self.in_zone(zone, sent).await?.into()
    }

    pub(super) async fn patch(&self, zone: &str, id: &str, body: Value) -> Result<(), CallError> {
        let segments = [zone, id];
        let sent = self.api.send(&Call::new(&CHANGE, &segments).body(body)).await;
        self.in_zone(zone, sent).await.map(drop)
    }

    /// This one call is answered with the bare id, outside of Cloudflare's form: whether it was done is looked up.
    pub(super) async fn remove(&self, zone: &str, id: &str) -> Result<(), CallError> {
        let segments = [zone, id];
        let sent = self.api.send(&Call::new(&DELETE, &segments)).await;
        match self.in_zone(zone, sent).await {
            Ok(_) => Ok(()),
            Err(error @ CallError::Unavailable { unclear: Unclear::Foreign(200), .. }) => {
                match self.look_in(zone, id).await {
                    Err(CallError::Missing { .. }) => Ok(()),
                    Ok(found) if is_leaving(&found) => Ok(()),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// Cloudflare is deleting it.
fn is_leaving(found: &Shown) -> bool {
    matches!(found.status.as_deref(), Some("pending_deletion" | "deleted"))
}
