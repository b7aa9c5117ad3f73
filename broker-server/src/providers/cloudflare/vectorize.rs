//! `cloudflare-vectorize`: indexes of vectors, with properties to filter by. The name is the id.

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::vectorize::{self, MetadataIndex, Parameters, Preset, PropertyType, output},
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Product},
    object::{Kind, Known, Next, Object, differs, marked},
};
use crate::providers::{FieldDrift, InstanceFacts, Listing, Marker, Sent};

static LIST: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/vectorize/v2/indexes" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/vectorize/v2/indexes/{index}" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static INFO: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/vectorize/v2/indexes/{index}/info" };
static PROPERTIES: Endpoint = Endpoint {
    method: Method::GET,
    template: "/accounts/{account}/vectorize/v2/indexes/{index}/metadata_index/list",
};
static ADD: Endpoint = Endpoint {
    method: Method::POST,
    template: "/accounts/{account}/vectorize/v2/indexes/{index}/metadata_index/create",
};
static REMOVE: Endpoint = Endpoint {
    method: Method::POST,
    template: "/accounts/{account}/vectorize/v2/indexes/{index}/metadata_index/delete",
};

/// Vectorize: 3000 no such index, 3002 one of that name exists.
static INDEXES: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &DELETE, &INFO, &PROPERTIES, &ADD, &REMOVE],
    missing: &[3000],
    exists: &[3002],
    transient: &[],
    advice: &[
        (3001, "it does not accept the name; give the instance another one"),
        (3003, "it does not accept dimensions, metric or preset"),
        (3005, "an index of that name was deleted a short while ago; try again later"),
        (40004, "it does not accept the properties to filter by"),
        (40005, "it does not accept the properties to filter by"),
        (40026, "it does not accept the properties to filter by"),
    ],
};

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

/// All Vectorize indexes of the account.
#[derive(Debug)]
pub struct Indexes {
    api: Api,
}

/// An index as Cloudflare shows it.
#[derive(Debug, Deserialize)]
struct Shown {
    name: String,
    #[serde(default)]
    description: Option<String>,
    config: Config,
}

#[derive(Debug, Deserialize)]
struct Config {
    dimensions: u32,
    metric: String,
}

/// An index with its properties.
#[derive(Debug)]
pub(super) struct Index {
    shown: Shown,
    /// What values of each property are.
    properties: BTreeMap<String, String>,
}

/// The properties that we had added, and how long one of them has been waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    #[serde(default)]
    added: BTreeMap<String, String>,
    #[serde(default)]
    looks: u32,
}

/// One change of an index.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
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

impl Indexes {
    /// There is neither a filter nor a second page.
    async fn all(&self) -> Result<Vec<Shown>, CallError> {
        self.api.send(&Call::new(&LIST, &[])).await?.into()
    }

    async fn properties(&self, name: &str) -> Result<BTreeMap<String, String>, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Property {
            property_name: String,
            index_type: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            #[serde(default)]
            metadata_indexes: Vec<Property>,
        }
        let answer: Answer = self.api.send(&Call::new(&PROPERTIES, &[name])).await?.into()?;
        let pair = |property: Property| (property.property_name, property.index_type.to_lowercase());
        Ok(answer.metadata_indexes.into_iter().map(pair).collect())
    }

    async fn has_vectors(&self, name: &str) -> Result<bool, CallError> {
        let answer = self.api.send(&Call::new(&INFO, &[name])).await?;
        answer.result["vectorCount"].as_u64().map(|count| count > 0).ok_or(CallError::incomplete(Sent::No))
    }
}

#[async_trait]
impl Kind for Indexes {
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

    async fn hindrance(&self, found: &Index, wanted: &Parameters) -> Result<Option<String>, CallError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned())).collect()
    }

    fn next(added: &[(&str, &str)], found: &[(&str, &str)], wanted: &[(&str, &str)]) -> Next<Change, Memory> {
        let memory = Memory { added: map(added), looks: 0 };
        let known = Known { name: "n".to_owned(), id: Some("n".to_owned()), memory };
        let shown = json!({ "name": "n", "config": { "dimensions": 3, "metric": "cosine" } });
        let found = Index { shown: serde_json::from_value(shown).unwrap(), properties: map(found) };
        let indexes: Vec<Value> =
            wanted.iter().map(|(name, of)| json!({ "property": name, "type": of })).collect();
        let wanted = json!({ "dimensions": 3, "metric": "cosine", "metadata_indexes": indexes });
        Indexes::next(&known, &found, &serde_json::from_value(wanted).unwrap())
    }

    #[test]
    fn properties_are_added_and_only_ours_removed() {
        let a = [("a", "string")];
        assert_eq!(next(&[], &[], &[]), Next::Done);
        assert_eq!(next(&a, &a, &a), Next::Done);
        let added = |changed| Memory { added: map(changed), looks: 0 };
        // what somebody else added stays, and one that is as wanted is ours from now on
        assert_eq!(next(&[], &[("b", "number")], &[]), Next::Done);
        assert_eq!(next(&[], &a, &a), Next::Remember(added(&a)));
        assert_eq!(next(&[], &[], &a), Next::Change(Change::Add("a".into(), "string".into()), added(&a)));
        assert_eq!(next(&a, &a, &[]), Next::Change(Change::Remove("a".into()), added(&[])));
        // other values: first away with it, then anew
        assert_eq!(next(&a, &a, &[("a", "number")]), Next::Change(Change::Remove("a".into()), added(&[])));
        assert!(matches!(next(&[], &a, &[("a", "number")]), Next::Failed(_)));
    }

    #[test]
    fn what_cloudflare_was_told_and_does_not_list_yet_is_waited_for() {
        let a = [("a", "string")];
        assert!(matches!(next(&a, &[], &a), Next::Wait(Memory { looks: 1, .. }, _)));
    }

    #[test]
    fn either_a_preset_or_a_shape() {
        let problems = |wanted: Value| Indexes::problems(&serde_json::from_value(wanted).unwrap());
        assert!(problems(json!({ "preset": "openai/text-embedding-ada-002" })).is_empty());
        assert!(problems(json!({ "dimensions": 3, "metric": "dot-product" })).is_empty());
        assert!(problems(json!({}))[0].starts_with("dimensions: "));
        assert!(problems(json!({ "dimensions": 3 }))[0].starts_with("dimensions: "));
        let both = json!({ "preset": "openai/text-embedding-ada-002", "metric": "cosine" });
        assert!(problems(both)[0].starts_with("preset: "));
    }
}
