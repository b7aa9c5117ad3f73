//! Widgets that nobody tracks.

use async_trait::async_trait;
use serde_json::{Map, json};

use super::{
    super::{
        client::{Call, CallError, Cursor},
        object::{Findable, thing},
    },
    LIST, Listed, PER_PAGE, Parameters, READ, Widget, Widgets,
};
use crate::providers::{Sent, VendorThing};

#[async_trait]
impl Findable for Widgets {
    type Whence = Cursor;

    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let call = Call::new(&LIST, &[]).query("order", "created_on").query("direction", "asc");
        let (rows, next) = self.api.page(call, cursor, PER_PAGE).await?;
        let found: Result<Vec<Listed>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let found = found.map_err(|_| CallError::incomplete(Sent::No))?;
        Ok((found.iter().map(|found| thing(&found.sitekey, &found.name, Map::new())).collect(), next))
    }

    async fn look(&self, id: &str) -> Result<Widget, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    fn thing(id: &str, found: &Widget) -> VendorThing {
        let parameters = [
            ("domains", json!(found.domains)),
            ("mode", json!(found.mode)),
            ("clearance_level", json!(found.clearance_level)),
        ];
        thing(id, &found.name, parameters.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }

    fn vendor_id(found: &Widget) -> &str {
        &found.sitekey
    }

    fn misfits(_found: &Widget, wanted: &Parameters) -> Vec<String> {
        let asks = wanted.region.is_some();
        asks.then(|| "region: is not compared for a widget that exists; leave it out".to_owned())
            .into_iter()
            .collect()
    }
}
