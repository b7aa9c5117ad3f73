//! Configurations that nobody tracks. The password is never shown: who adopts one says it, and it is believed.

use async_trait::async_trait;
use serde_json::{Map, json};

use super::{
    super::{
        client::{Call, CallError, Cursor},
        object::{Findable, thing},
    },
    Configuration, Configurations, LIST, PER_PAGE, READ, protocol,
};
use crate::providers::{Sent, VendorThing};

#[async_trait]
impl Findable for Configurations {
    type Whence = Cursor;

    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let (rows, next) = self.api.page(Call::new(&LIST, &[]), cursor, PER_PAGE).await?;
        let found: Result<Vec<Configuration>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let found = found.map_err(|_| CallError::incomplete(Sent::No))?;
        Ok((found.iter().map(|found| Self::thing(&found.id, found)).collect(), next))
    }

    async fn look(&self, id: &str) -> Result<Configuration, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    fn thing(id: &str, found: &Configuration) -> VendorThing {
        let origin = &found.origin;
        let mut parameters = Map::new();
        let described = json!({
            "scheme": protocol(&origin.scheme), "host": origin.host, "port": origin.port,
            "database": origin.database, "user": origin.user,
        });
        parameters.insert("origin".to_owned(), described);
        parameters.insert("caching".to_owned(), json!(found.shown_caching()));
        if let Some(limit) = found.origin_connection_limit {
            parameters.insert("connection_limit".to_owned(), json!(limit));
        }
        let is_hidden = origin.host.is_none();
        let why = "its database is reached in a way that this service does not offer";
        VendorThing { not_adoptable: is_hidden.then(|| why.to_owned()), ..thing(id, &found.name, parameters) }
    }

    fn vendor_id(found: &Configuration) -> &str {
        &found.id
    }
}
