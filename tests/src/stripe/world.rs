//! The objects of one mode: made, listed, changed and deleted, whatever kind they are.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::answer::{Done, Refusal};
use super::call::Call;
use super::ledger::Effect;

/// Everything that exists in one mode.
#[derive(Debug)]
pub(crate) struct World {
    is_live: bool,
    eventual_listing: Duration,
    objects: IndexMap<(String, String), Stored>,
}

#[derive(Debug)]
struct Stored {
    value: Value,
    born: Instant,
}

/// How a list is cut into pages.
const DEFAULT_PAGE: usize = 10;

impl World {
    pub(crate) fn new(is_live: bool, eventual_listing: Duration) -> Self {
        Self { is_live, eventual_listing, objects: IndexMap::new() }
    }

    pub(crate) fn list_after(&mut self, eventual_listing: Duration) {
        self.eventual_listing = eventual_listing;
    }

    /// Makes an object: the usual values with those of the call over them. Says everything but what is shown once.
    pub(crate) fn make(
        &mut self,
        object: &str,
        id: String,
        usual: Value,
        body: &Value,
    ) -> Result<Done, Refusal> {
        let key = (object.to_owned(), id.clone());
        if self.objects.contains_key(&key) {
            let message = format!("{} already exists.", object.replace('_', " "));
            return Err(Refusal::new(400, message).code("resource_already_exists").param("id"));
        }
        let mut value = usual;
        merge(&mut value, body);
        value["id"] = json!(id);
        value["object"] = json!(object);
        value["livemode"] = json!(self.is_live);
        self.objects.insert(key, Stored { value: value.clone(), born: Instant::now() });
        Ok(Done::with(value, Effect::created(object.to_owned(), &id, "")))
    }

    /// One object.
    pub(crate) fn get(&self, object: &str, id: &str) -> Result<&Value, Refusal> {
        let found = self.objects.get(&(object.to_owned(), id.to_owned()));
        found.map(|stored| &stored.value).ok_or_else(|| Refusal::missing(&object.replace('_', " "), id))
    }

    /// Changes an object.
    pub(crate) fn change(&mut self, object: &str, id: &str, body: &Value) -> Result<Done, Refusal> {
        self.get(object, id)?;
        let stored = self.objects.get_mut(&(object.to_owned(), id.to_owned()));
        let stored = stored.ok_or_else(|| Refusal::missing(object, id))?;
        merge(&mut stored.value, body);
        Ok(Done::with(stored.value.clone(), Effect::changed(object.to_owned(), id, "")))
    }

    /// Deletes an object.
    pub(crate) fn delete(&mut self, object: &str, id: &str) -> Result<Done, Refusal> {
        self.get(object, id)?;
        self.objects.shift_remove(&(object.to_owned(), id.to_owned()));
        let body = json!({ "id": id, "object": object, "deleted": true });
        Ok(Done::with(body, Effect::deleted(object.to_owned(), id, "")))
    }

    /// All objects of a kind, newest first.
    pub(crate) fn all(&self, object: &str) -> impl Iterator<Item = &Value> {
        let of_kind = self.objects.iter().rev().filter(move |((kind, _), _)| kind == object);
        of_kind.map(|(_, stored)| &stored.value)
    }

    /// Everything, oldest first.
    pub(crate) fn everything(&self) -> Vec<Value> {
        self.objects.values().map(|stored| stored.value.clone()).collect()
    }

    /// What a list shows now: newest first, without what is too young to be listed.
    pub(crate) fn listed(&self, object: &str) -> Vec<Value> {
        let of_kind = self.objects.iter().rev().filter(|((kind, _), _)| kind == object);
        let old_enough = of_kind.filter(|(_, stored)| stored.born.elapsed() >= self.eventual_listing);
        old_enough.map(|(_, stored)| stored.value.clone()).collect()
    }

    /// The page of a list that the call asks for.
    pub(crate) fn page(
        &self,
        object: &str,
        call: &Call,
        keeps: impl Fn(&Value) -> bool,
    ) -> Result<Done, Refusal> {
        let listed: Vec<Value> = self.listed(object).into_iter().filter(keeps).collect();
        let limit = match call.query_value("limit").map(str::parse::<usize>) {
            None => DEFAULT_PAGE,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => {
                let message = "This value must be between 1 and 100.";
                return Err(Refusal::new(400, message).code("parameter_invalid_integer").param("limit"));
            }
        };
        let skipped = match call.query_value("starting_after") {
            None => 0,
            Some(id) => {
                let at = listed.iter().position(|value| value["id"] == id);
                at.ok_or_else(|| Refusal::missing(&object.replace('_', " "), id).param("starting_after"))? + 1
            }
        };
        let has_more = listed.len() > skipped + limit;
        let data: Vec<Value> = listed.into_iter().skip(skipped).take(limit).collect();
        Ok(json!({ "object": "list", "url": call.path, "has_more": has_more, "data": data }).into())
    }
}

/// A new id.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}{}", &uuid::Uuid::new_v4().simple().to_string()[..24])
}

/// Now, in seconds.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Lays a body over an object: an empty text unsets, objects are merged, everything else replaces.
fn merge(object: &mut Value, body: &Value) {
    let Value::Object(changes) = body else { return };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(fields) = object else { return };
    for (name, change) in changes {
        match change {
            Value::String(text) if text.is_empty() => {
                if name == "metadata" {
                    fields.insert(name.clone(), json!({}));
                } else {
                    fields.insert(name.clone(), Value::Null);
                }
            }
            Value::Object(_) => merge(fields.entry(name.clone()).or_insert(Value::Null), change),
            other => {
                fields.insert(name.clone(), other.clone());
            }
        }
    }
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|_, value| !value.is_null());
    }
}
