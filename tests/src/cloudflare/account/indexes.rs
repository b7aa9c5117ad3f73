//! Vectorize indexes. Their names are their ids, and are not free again at once.

use serde_json::{Map, Value, json};

use super::shelf::Thing;
use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Refusal};

const METRICS: [&str; 3] = ["cosine", "euclidean", "dot-product"];
const TYPES: [&str; 3] = ["string", "number", "boolean"];
const MOST_PROPERTIES: usize = 10;

pub(super) fn list(account: &mut Account, _call: &Call) -> Worked {
    let found = account.indexes.iter().filter(|one| account.lists(one.born));
    Ok(Answer::result(found.map(|one| one.shown.clone()).collect()))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("name").unwrap_or_default();
    let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !begins || name.len() > 64 || !name.bytes().all(known) {
        return Err(Refusal::new(400, 3001, "the name of the index is not valid"));
    }
    let (dimensions, metric) = config(call.field("config"))?;
    if account.indexes.get(name).is_some() {
        return Err(Refusal::new(409, 3002, "an index of this name exists already"));
    }
    if account.buried.contains(name) {
        return Err(Refusal::new(410, 3005, "an index of this name was deleted"));
    }
    let now = identity::now();
    let made = json!({
        "name": name, "config": {"dimensions": dimensions, "metric": metric},
        "description": call.text("description").unwrap_or_default(), "created_on": now, "modified_on": now,
    });
    let effect = account.indexes.put(name, name, made.clone(), json!({"properties": {}, "vectors": 0}));
    Ok(Answer::result(made).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(found(account, call)?.shown.clone()))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (found, effect) = account.indexes.take(call.parameter("index_name")).ok_or_else(missing)?;
    account.buried.insert(found.name);
    Ok(Answer::result(Value::Null).with(effect))
}

pub(super) fn info(account: &mut Account, call: &Call) -> Worked {
    let found = found(account, call)?;
    Ok(Answer::result(json!({
        "dimensions": found.shown["config"]["dimensions"], "vectorCount": found.hidden["vectors"],
    })))
}

pub(super) fn properties(account: &mut Account, call: &Call) -> Worked {
    let found = found(account, call)?;
    let listed = |(name, of): (&String, &Value)| json!({"propertyName": name, "indexType": of});
    let listed: Vec<Value> =
        found.hidden["properties"].as_object().into_iter().flatten().map(listed).collect();
    Ok(Answer::result(json!({"metadataIndexes": listed})))
}

pub(super) fn add(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("propertyName").ok_or_else(|| bad_property("propertyName"))?;
    let of =
        call.text("indexType").filter(|of| TYPES.contains(of)).ok_or_else(|| bad_property("indexType"))?;
    alter(account, call, |properties| {
        if properties.contains_key(name) || properties.len() >= MOST_PROPERTIES {
            return Err(Refusal::new(400, 40005, "the property cannot be added"));
        }
        properties.insert(name.to_owned(), json!(of));
        Ok(())
    })
}

pub(super) fn remove(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("propertyName").ok_or_else(|| bad_property("propertyName"))?;
    alter(account, call, |properties| {
        properties.remove(name).map(drop).ok_or_else(|| Refusal::new(400, 40026, "there is no such property"))
    })
}

/// A vector is inserted; only tests do that.
pub(super) fn insert(account: &mut Account, call: &Call) -> Worked {
    let found = account.indexes.get_mut(call.parameter("index_name")).ok_or_else(missing)?;
    found.hidden["vectors"] = json!(found.hidden["vectors"].as_u64().unwrap_or(0) + 1);
    Ok(Answer::result(Value::Null))
}

fn alter(
    account: &mut Account,
    call: &Call,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<(), Refusal>,
) -> Worked {
    let found = account.indexes.get_mut(call.parameter("index_name")).ok_or_else(missing)?;
    if let Some(properties) = found.hidden["properties"].as_object_mut() {
        change(properties)?;
    }
    let found = found.clone();
    Ok(Answer::result(json!({"mutationId": identity::uuid()})).with(account.indexes.changed(&found)))
}

fn found<'a>(account: &'a Account, call: &Call) -> Result<&'a Thing, Refusal> {
    account.indexes.get(call.parameter("index_name")).ok_or_else(missing)
}

fn config(asked: &Value) -> Result<(u64, String), Refusal> {
    let bad = || Refusal::new(400, 3003, "the configuration of the index is not valid");
    let dimensions = match asked["preset"].as_str() {
        Some("@cf/baai/bge-small-en-v1.5") => Some(384),
        Some("@cf/baai/bge-base-en-v1.5" | "cohere/embed-multilingual-v2.0") => Some(768),
        Some("@cf/baai/bge-large-en-v1.5") => Some(1024),
        Some("openai/text-embedding-ada-002") => Some(1536),
        Some(_) => None,
        None => asked["dimensions"].as_u64().filter(|dimensions| (1..=1536).contains(dimensions)),
    };
    let metric = if asked["preset"].is_null() { asked["metric"].as_str() } else { Some("cosine") };
    let metric = metric.filter(|metric| METRICS.contains(metric));
    Ok((dimensions.ok_or_else(bad)?, metric.ok_or_else(bad)?.to_owned()))
}

fn missing() -> Refusal {
    Refusal::new(404, 3000, "there is no such index")
}

fn bad_property(name: &str) -> Refusal {
    Refusal::new(400, 40004, format!("invalid property: {name}"))
}
