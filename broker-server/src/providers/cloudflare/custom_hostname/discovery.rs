//! Custom hostnames that nobody tracks.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    super::{
        client::{CallError, Cursor},
        object::{Findable, Known, in_zone, thing, unlike},
        zones,
    },
    Hostnames, Memory, NOT_LISTED, Parameters, Shown,
    states::{self, Standing},
};
use crate::providers::VendorThing;

#[async_trait]
impl Findable for Hostnames {
    type Whence = Cursor;

    /// A page of zones, with the custom hostnames of each.
    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let (zones, next) = zones::page(&self.api, cursor, zones::FEW).await?;
        let mut things = Vec::new();
        for zone in zones {
            let found = match self.list(&zone.id, None).await {
                Ok(found) => found,
                // it went while we looked
                Err(error) if error.is_gone() => Vec::new(),
                Err(error) => return Err(error),
            };
            things.extend(found.iter().map(|found| Self::thing(&format!("{}/{}", zone.id, found.id), found)));
        }
        Ok((things, next))
    }

    async fn look(&self, id: &str) -> Result<Shown, CallError> {
        let (zone, id) = in_zone::<Self>(id).ok_or(NOT_LISTED)?;
        match self.look_in(zone, id).await {
            Err(error) if error.is_gone() => Err(NOT_LISTED),
            other => other,
        }
    }

    fn thing(id: &str, found: &Shown) -> VendorThing {
        let zone = in_zone::<Self>(id).map(|(zone, _)| zone);
        let certificate = found.ssl.as_ref().and_then(|ssl| ssl.status.as_deref());
        let method = found.ssl.as_ref().and_then(|ssl| ssl.method.as_deref());
        let standing = (states::of_hostname(found.status.as_deref()), states::of_certificate(certificate));
        let why = if !matches!(method, Some("txt" | "http")) {
            Some("its certificate is validated in a way that this service does not offer")
        } else if standing == (Standing::Active, Standing::Active) {
            None
        } else {
            Some("it is not active")
        };
        let name = &found.hostname;
        VendorThing {
            mark: None,
            not_adoptable: why.map(str::to_owned),
            ..thing(id, name, described(zone, found))
        }
    }

    fn is_listed_id(id: &str) -> bool {
        in_zone::<Self>(id).is_some()
    }

    fn listed_id(known: &Known<Memory>, wanted: &Parameters) -> Option<String> {
        known.id.as_ref().map(|id| format!("{}/{id}", wanted.zone_id))
    }

    fn vendor_id(found: &Shown) -> &str {
        &found.id
    }

    fn misfits(found: &Shown, wanted: &Parameters) -> Vec<String> {
        let is_other = found.hostname != wanted.hostname;
        is_other
            .then(|| unlike("hostname", &json!(wanted.hostname), &json!(found.hostname)))
            .into_iter()
            .collect()
    }
}

fn described(zone: Option<&str>, found: &Shown) -> Map<String, Value> {
    let mut parameters = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            parameters.insert(name.to_owned(), value);
        }
    };
    let ssl = found.ssl.as_ref();
    add("zone_id", zone.map(|zone| json!(zone)));
    add("hostname", Some(json!(found.hostname)));
    add("method", ssl.and_then(|ssl| ssl.method.as_ref()).map(|method| json!(method)));
    add("wildcard", ssl.and_then(|ssl| ssl.wildcard).filter(|wildcard| *wildcard).map(|_| json!(true)));
    add("min_tls_version", ssl.and_then(|ssl| ssl.settings.min_tls_version.as_ref()).map(|tls| json!(tls)));
    add("custom_origin_server", found.custom_origin_server.as_ref().map(|origin| json!(origin)));
    let metadata = found.custom_metadata.as_ref().filter(|metadata| !metadata.is_empty());
    add("custom_metadata", metadata.map(|metadata| json!(metadata)));
    parameters
}
