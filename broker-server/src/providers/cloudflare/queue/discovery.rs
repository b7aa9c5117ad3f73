//! Queues that nobody tracks.

use async_trait::async_trait;
use serde_json::{Map, json};

use super::{
    super::{
        client::{Call, CallError, Cursor},
        object::{Findable, thing},
    },
    LIST, PER_PAGE, Parameters, Queues, READ, Shown,
};
use crate::providers::{Sent, VendorThing};

#[async_trait]
impl Findable for Queues {
    type Whence = Cursor;

    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let (rows, next) = self.api.page(Call::new(&LIST, &[]), cursor, PER_PAGE).await?;
        let found: Result<Vec<Shown>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let found = found.map_err(|_| CallError::incomplete(Sent::No))?;
        Ok((found.iter().map(|found| Self::thing(&found.queue_id, found)).collect(), next))
    }

    async fn look(&self, id: &str) -> Result<Shown, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    /// What is as it is by default is not said.
    fn thing(id: &str, found: &Shown) -> VendorThing {
        let settings = &found.settings;
        let mut parameters = Map::new();
        if settings.delivery_delay > 0 {
            parameters.insert("delivery_delay".to_owned(), json!(settings.delivery_delay));
        }
        if settings.delivery_paused {
            parameters.insert("delivery_paused".to_owned(), json!(true));
        }
        if let Some(period) = settings.message_retention_period {
            parameters.insert("message_retention_period".to_owned(), json!(period));
        }
        thing(id, &found.queue_name, parameters)
    }

    fn vendor_id(found: &Shown) -> &str {
        &found.queue_id
    }

    fn misfits(_found: &Shown, wanted: &Parameters) -> Vec<String> {
        let asks = wanted.jurisdiction.is_some();
        asks.then(|| "jurisdiction: cannot be told of a queue that exists; leave it out".to_owned())
            .into_iter()
            .collect()
    }
}
