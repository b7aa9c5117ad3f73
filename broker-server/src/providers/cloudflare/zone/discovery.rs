//! Zones that nobody tracks.

use async_trait::async_trait;
use serde_json::{Map, json};

use super::{
    super::{
        client::{CallError, Cursor},
        object::{Findable, thing, unlike},
        zones,
    },
    NOT_LISTED, Wishes, Zones,
};
use crate::providers::VendorThing;

#[async_trait]
impl<W: Wishes> Findable for Zones<W> {
    type Whence = Cursor;

    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let (zones, next) = zones::page(&self.api, cursor, zones::PER_PAGE).await?;
        Ok((zones.iter().map(|zone| Self::thing(&zone.id, zone)).collect(), next))
    }

    async fn look(&self, id: &str) -> Result<zones::Zone, CallError> {
        zones::zone_of(&self.api, id).await?.ok_or(NOT_LISTED)
    }

    fn thing(id: &str, found: &zones::Zone) -> VendorThing {
        let kind = found.kind.as_deref().unwrap_or("full");
        let mut parameters = Map::from_iter([("name".to_owned(), json!(found.name))]);
        if kind == "partial" {
            parameters.insert("type".to_owned(), json!(kind));
        }
        let is_offered = ["full", "partial"].contains(&kind);
        let why = (!is_offered).then(|| "it is of a type that this service does not offer".to_owned());
        VendorThing { not_adoptable: why, ..thing(id, &found.name, parameters) }
    }

    fn vendor_id(found: &zones::Zone) -> &str {
        &found.id
    }

    fn misfits(found: &zones::Zone, wanted: &W) -> Vec<String> {
        let is_other = found.name != wanted.name();
        is_other.then(|| unlike("name", &json!(wanted.name()), &json!(found.name))).into_iter().collect()
    }
}
