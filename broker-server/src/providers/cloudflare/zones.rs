//! The zones of the account, for providers whose objects lie in one.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Api, Call, CallError, Endpoint};
use crate::providers::Sent;

pub(super) static ZONES: Endpoint = Endpoint { method: Method::GET, template: "/zones" };

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 50;

/// A zone as Cloudflare shows it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) name_servers: Vec<String>,
    #[serde(default)]
    pub(super) verification_key: Option<String>,
}

/// All zones of the account, or the one of that name.
pub(super) async fn zones(api: &Api, name: Option<&str>) -> Result<Vec<Zone>, CallError> {
    let account = api.client().account().to_owned();
    let call = || {
        let call = Call::new(&ZONES, &[]).query("account.id", &account);
        match name {
            Some(name) => call.query("name", name),
            None => call,
        }
    };
    let rows = api.all(call, PER_PAGE).await?;
    rows.into_iter().map(zone).collect()
}

/// The zone of that id, if the account has it. A zone that is not there and one that a token may not see are answered
/// alike when they are asked for by id; a list says it clearly.
pub(super) async fn zone_of(api: &Api, id: &str) -> Result<Option<Zone>, CallError> {
    Ok(zones(api, None).await?.into_iter().find(|zone| zone.id == id))
}

fn zone(row: Value) -> Result<Zone, CallError> {
    serde_json::from_value(row).map_err(|_| CallError::incomplete(Sent::No))
}
