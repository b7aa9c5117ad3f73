//! `cloudflare-vectorize`: indexes of vectors, with properties to filter by. The name is the id.

mod calls;
mod discovery;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::vectorize::{self, MetadataIndex, Parameters, Preset, PropertyType, output},
};

use super::{
    client::{Call, CallError, Client, Product},
    object::{Kind, Known, Next, Object, differs, marked},
};
use crate::providers::{Discovery, FieldDrift, InstanceFacts, Listing, Marker};
use calls::{ADD, CREATE, DELETE, INDEXES, Index, READ, REMOVE, Shown};
pub(super) use calls::{Indexes, PROBE};

/// How many looks a property is given to be listed.
const MAX_LOOKS: u32 = 60;
/// How long a name may be.
const NAME_LENGTH: usize = 63;

/// Provides `cloudflare-vectorize`.
pub type Vectorize = Object<Indexes>;

impl Vectorize {
    /// Indexes in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Indexes { api: client.of(&INDEXES) })
    }
}

/// The properties that we had added, and how long one of them has been waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    #[serde(default)]
    added: BTreeMap<String, String>,
    #[serde(default)]
    looks: u32,
}

/// One change of an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A property more, and what its values are.
    Add(String, String),
    /// A property less.
    Remove(String),
}

fn with(added: &BTreeMap<String, String>, name: &str, of: &str) -> BTreeMap<String, String> {
    let mut more = added.clone();
    more.insert(name.to_owned(), of.to_owned());
    more
}

fn word(of: PropertyType) -> &'static str {
    match of {
        PropertyType::String => "string",
        PropertyType::Number => "number",
        PropertyType::Boolean => "boolean",
    }
}

fn properties(wanted: &Parameters) -> BTreeMap<String, String> {
    let pair = |index: &MetadataIndex| (index.property.clone(), word(index.r#type).to_owned());
    wanted.metadata_indexes.iter().map(pair).collect()
}

/// What a model's vectors are like.
fn shape(wanted: &Parameters) -> (Option<u32>, Option<Value>) {
    let cosine = || Some(json!("cosine"));
    match wanted.preset {
        None => (wanted.dimensions, wanted.metric.map(|metric| json!(metric))),
        Some(Preset::BgeSmall) => (Some(384), cosine()),
        Some(Preset::BgeBase | Preset::CohereMultilingual) => (Some(768), cosine()),
        Some(Preset::BgeLarge) => (Some(1024), cosine()),
        Some(Preset::Ada) => (Some(1536), cosine()),
    }
}

#[async_trait]
impl Kind for Indexes {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Index;
    type Change = Change;
    type Memory = Memory;

    const NOUN: &'static str = "index";
    const PRODUCT: &'static Product = &INDEXES;

    fn offering() -> Offering {
        vectorize::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    /// A name begins with a letter.
    fn name(instance: &InstanceFacts, marker: &Marker, _wanted: &Parameters) -> String {
        let hint = instance.name.as_deref();
        let name = marker.name(hint, NAME_LENGTH);
        if name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return name;
        }
        marker.name(Some(&format!("i-{}", hint.unwrap_or_default())), NAME_LENGTH)
    }

    fn is_id(id: &str) -> bool {
        let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        (2..=64).contains(&id.len()) && id.bytes().all(known)
    }

    fn name_of(found: &Index) -> &str {
        &found.shown.name
    }

    async fn find(&self, name: &str, _wanted: &Parameters) -> Result<Vec<String>, CallError> {
        match self.api.send(&Call::new(&READ, &[name])).await {
            Ok(answer) => Ok(vec![answer.into::<Shown>()?.name]),
            Err(CallError::Missing { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let config = match wanted.preset {
            Some(preset) => json!({ "preset": preset }),
            None => json!({ "dimensions": wanted.dimensions, "metric": wanted.metric }),
        };
        let mut body = json!({ "name": name, "config": config });
        if let Some(description) = &wanted.description {
            body["description"] = json!(description);
        }
        let made: Shown = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        Ok(made.name)
    }

    async fn read(&self, id: &str, _wanted: &Parameters) -> Result<Index, CallError> {
        let shown: Shown = self.api.send(&Call::new(&READ, &[id])).await?.into()?;
        Ok(Index { shown, properties: self.properties(id).await? })
    }

    async fn change(&self, id: &str, change: &Change, _wanted: &Parameters) -> Result<(), CallError> {
        let segments = [id];
        let call = match change {
            Change::Add(name, of) => {
                Call::new(&ADD, &segments).body(json!({ "propertyName": name, "indexType": of }))
            }
            Change::Remove(name) => Call::new(&REMOVE, &segments).body(json!({ "propertyName": name })),
        };
        self.api.send(&call).await.map(drop)
    }

    async fn delete(&self, id: &str, _wanted: &Parameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(drop)
    }

    /// Adds what is missing, and removes what we had added and is not wanted any more. Cloudflare says yes before it
    /// lists a property: what it was told already is waited for.
    fn next(known: &Known<Memory>, found: &Index, wanted: &Parameters) -> Next<Change, Memory> {
        let Memory { added, looks } = &known.memory;
        let wanted = properties(wanted);
        let told = |added: BTreeMap<String, String>| Memory { added, looks: 0 };
        for (name, of) in found.properties.iter().filter(|(name, _)| added.contains_key(*name)) {
            if wanted.get(name) != Some(of) {
                let mut rest = added.clone();
                rest.remove(name);
                return Next::Change(Change::Remove(name.clone()), told(rest));
            }
        }
        for (name, of) in &wanted {
            match found.properties.get(name) {
                Some(there) if there == of && added.contains_key(name) => {}
                // whoever added it, or whichever answer was lost: the parameters name it, so it is ours
                Some(there) if there == of => return Next::Remember(told(with(added, name, of))),
                Some(_) => {
                    return Next::Failed(format!(
                        "metadata_indexes: somebody else has made {name} a property with other values"
                    ));
                }
                None if added.get(name) == Some(of) && *looks < MAX_LOOKS => {
                    let memory = Memory { looks: looks + 1, ..known.memory.clone() };
                    return Next::Wait(memory, format!("waiting until Cloudflare lists the property {name}"));
                }
                None => {
                    return Next::Change(Change::Add(name.clone(), of.clone()), told(with(added, name, of)));
                }
            }
        }
        Next::Done
    }

    fn doing(change: &Change) -> String {
        match change {
            Change::Add(name, _) => format!("make the index filter by {name}"),
            Change::Remove(name) => format!("make the index not filter by {name} any more"),
        }
    }

    async fn hindrance(
        &self,
        _known: &Known<Memory>,
        found: &Index,
        wanted: &Parameters,
    ) -> Result<Option<String>, CallError> {
        let is_kept = wanted.protect && self.has_vectors(&found.shown.name).await?;
        Ok(is_kept.then(|| {
            "protect: the index has vectors; update the instance with protect set to false, and deleting it deletes \
             them too"
                .to_owned()
        }))
    }

    fn attributes(&self, known: &Known<Memory>, found: &Index, _wanted: &Parameters) -> Map<String, Value> {
        Map::from_iter([
            (output::INDEX_NAME.to_owned(), json!(known.name)),
            (output::DIMENSIONS.to_owned(), json!(found.shown.config.dimensions)),
            (output::METRIC.to_owned(), json!(found.shown.config.metric)),
        ])
    }

    fn drift(_known: &Known<Memory>, found: &Index, wanted: &Parameters) -> Vec<FieldDrift> {
        let (dimensions, metric) = shape(wanted);
        let shown = &found.shown;
        let mut drift = Vec::new();
        if let Some(dimensions) = dimensions {
            drift.extend(differs("dimensions", json!(dimensions), json!(shown.config.dimensions)));
        }
        if let Some(metric) = metric {
            drift.extend(differs("metric", metric, json!(shown.config.metric)));
        }
        if let Some(description) = &wanted.description {
            drift.extend(differs("description", json!(description), json!(shown.description)));
        }
        let missing: BTreeMap<_, _> = properties(wanted)
            .into_iter()
            .filter(|(name, of)| found.properties.get(name) != Some(of))
            .collect();
        if !missing.is_empty() {
            drift.extend(differs("metadata_indexes", json!(properties(wanted)), json!(found.properties)));
        }
        drift
    }

    fn credentials(&self, known: &Known<Memory>, _found: &Index) -> Map<String, Value> {
        Map::from_iter([
            (output::ACCOUNT_ID.to_owned(), json!(self.client().account())),
            (output::INDEX_NAME.to_owned(), json!(known.name)),
        ])
    }

    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String {
        let list = format!("https://dash.cloudflare.com/{}/ai/vectorize", self.client().account());
        id.map_or_else(|| format!("{list}#{}", marker.hex(24)), |id| format!("{list}/{id}"))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        Ok(marked(self.all().await?.into_iter().map(|index| (index.name.clone(), index.name))))
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let mut problems = Vec::new();
        let shape = (wanted.dimensions.is_some(), wanted.metric.is_some());
        match (wanted.preset.is_some(), shape) {
            (true, (false, false)) | (false, (true, true)) => {}
            (true, _) => {
                problems.push("preset: cannot be given together with dimensions or metric".to_owned())
            }
            (false, _) => {
                problems.push("dimensions: has to be given together with metric, or else preset".to_owned());
            }
        }
        if properties(wanted).len() != wanted.metadata_indexes.len() {
            problems.push("metadata_indexes: a property is given twice".to_owned());
        }
        problems
    }
}
