//! The zones of the account, for providers whose objects lie in one.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Api, Call, CallError, Cursor, Endpoint};
use crate::providers::Sent;

pub(super) static ZONES: Endpoint = Endpoint { method: Method::GET, template: "/zones" };

/// The account has no zone of that id.
pub(super) const NO_ZONE: CallError = CallError::Refused {
    status: 404,
    code: Some(7003),
    advice: Some("zone_id: the account has no such zone"),
    limit: false,
};

/// The most rows of a list in one answer.
pub(super) const PER_PAGE: u32 = 50;
/// The fewest, for who asks something of each zone.
pub(super) const FEW: u32 = 5;

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

/// A page of all zones of the account.
pub(super) async fn page(
    api: &Api,
    cursor: Cursor,
    per_page: u32,
) -> Result<(Vec<Zone>, Option<Cursor>), CallError> {
    let account = api.client().account().to_owned();
    let call = Call::new(&ZONES, &[]).query("account.id", account);
    let (rows, next) = api.page(call, cursor, per_page).await?;
    let zones: Result<Vec<Zone>, _> = rows.into_iter().map(zone).collect();
    Ok((zones?, next))
}

/// The zone of that id, if the account has it. A zone that is not there and one that a token may not see are answered
/// alike when they are asked for by id; a list says it clearly.
pub(super) async fn zone_of(api: &Api, id: &str) -> Result<Option<Zone>, CallError> {
    Ok(zones(api, None).await?.into_iter().find(|zone| zone.id == id))
}

fn zone(row: Value) -> Result<Zone, CallError> {
    serde_json::from_value(row).map_err(|_| CallError::incomplete(Sent::No))
}
