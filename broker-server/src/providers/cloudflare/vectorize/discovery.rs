//! Indexes that nobody tracks. Their list has one page.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    super::{
        client::{Call, CallError, Cursor},
        object::{Findable, thing},
    },
    Index, Indexes, READ, Shown,
};
use crate::providers::VendorThing;

#[async_trait]
impl Findable for Indexes {
    type Whence = Cursor;

    async fn page(&self, _cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let found = self.all().await?;
        Ok((found.iter().map(|shown| thing(&shown.name, &shown.name, described(shown))).collect(), None))
    }

    async fn look(&self, id: &str) -> Result<Index, CallError> {
        let shown: Shown = self.api.send(&Call::new(&READ, &[id])).await?.into()?;
        Ok(Index { shown, properties: self.properties(id).await? })
    }

    fn thing(id: &str, found: &Index) -> VendorThing {
        let mut parameters = described(&found.shown);
        if !found.properties.is_empty() {
            let property = |(name, of): (&String, &String)| json!({ "property": name, "type": of });
            let properties: Vec<Value> = found.properties.iter().map(property).collect();
            parameters.insert("metadata_indexes".to_owned(), Value::Array(properties));
        }
        thing(id, &found.shown.name, parameters)
    }

    fn vendor_id(found: &Index) -> &str {
        &found.shown.name
    }
}

/// What a list tells.
fn described(shown: &Shown) -> Map<String, Value> {
    let mut parameters = Map::from_iter([
        ("dimensions".to_owned(), json!(shown.config.dimensions)),
        ("metric".to_owned(), json!(shown.config.metric)),
    ]);
    if let Some(description) = shown.description.as_ref().filter(|text| !text.is_empty()) {
        parameters.insert("description".to_owned(), json!(description));
    }
    parameters
}
