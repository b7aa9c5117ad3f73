//! Domains of Workers that nobody tracks. Their list has one page.

use async_trait::async_trait;
use serde_json::json;

use super::{
    super::{
        client::{Call, CallError, Cursor},
        object::{Findable, thing, unlike},
    },
    Domain, Domains, LIST, Parameters, READ,
};
use crate::providers::VendorThing;

#[async_trait]
impl Findable for Domains {
    type Whence = Cursor;

    async fn page(&self, _cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let found: Vec<Domain> = self.api.send(&Call::new(&LIST, &[])).await?.into()?;
        Ok((found.iter().map(|found| Self::thing(&found.id, found)).collect(), None))
    }

    async fn look(&self, id: &str) -> Result<Domain, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    fn thing(id: &str, found: &Domain) -> VendorThing {
        let parameters =
            [("hostname", &found.hostname), ("script", &found.service), ("zone_id", &found.zone_id)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), json!(value)));
        thing(id, &found.hostname, parameters.into_iter().collect())
    }

    fn vendor_id(found: &Domain) -> &str {
        &found.id
    }

    fn misfits(found: &Domain, wanted: &Parameters) -> Vec<String> {
        let is_other = found.hostname != wanted.hostname;
        is_other
            .then(|| unlike("hostname", &json!(wanted.hostname), &json!(found.hostname)))
            .into_iter()
            .collect()
    }
}
