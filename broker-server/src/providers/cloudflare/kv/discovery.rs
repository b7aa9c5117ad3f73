//! Namespaces that nobody tracks.

use async_trait::async_trait;
use serde_json::Map;

use super::{
    super::{
        client::{Call, CallError, Cursor},
        object::{Findable, thing},
    },
    LIST, Namespace, Namespaces, PER_PAGE, Parameters, READ,
};
use crate::providers::{Sent, VendorThing};

#[async_trait]
impl Findable for Namespaces {
    type Whence = Cursor;

    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let call = Call::new(&LIST, &[]).query("order", "id").query("direction", "asc");
        let (rows, next) = self.api.page(call, cursor, PER_PAGE).await?;
        let found: Result<Vec<Namespace>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let found = found.map_err(|_| CallError::incomplete(Sent::No))?;
        Ok((found.iter().map(|found| Self::thing(&found.id, found)).collect(), next))
    }

    async fn look(&self, id: &str) -> Result<Namespace, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    fn thing(id: &str, found: &Namespace) -> VendorThing {
        thing(id, &found.title, Map::new())
    }

    fn vendor_id(found: &Namespace) -> &str {
        &found.id
    }

    fn misfits(_found: &Namespace, wanted: &Parameters) -> Vec<String> {
        let asks = wanted.jurisdiction.is_some();
        asks.then(|| "jurisdiction: cannot be told of a namespace that exists; leave it out".to_owned())
            .into_iter()
            .collect()
    }
}
