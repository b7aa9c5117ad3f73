//! Parameters from a schema: the least that it asks for, and something that it must refuse.

use serde_json::{Map, Value, json};

/// How deep schemas are followed.
const DEPTH: usize = 8;

/// The least that a schema accepts, as far as it can be told without solving it.
pub(super) fn minimal(schema: &Value) -> Value {
    Sampler { root: schema }.value(schema, DEPTH)
}

/// A change of one parameter that the schema accepts.
pub(super) fn change(schema: &Value) -> Option<Value> {
    let properties = schema["properties"].as_object()?;
    let preferred = |schema: &Value| {
        schema["type"] == "string"
            || schema["type"].as_array().is_some_and(|types| types.contains(&json!("string")))
    };
    let is_free = |schema: &Value| schema.get("enum").is_none() && schema.get("pattern").is_none();
    let (name, _) = properties
        .iter()
        .find(|(_, schema)| preferred(schema) && is_free(schema) && schema.get("format").is_none())?;
    Some(json!({ name: format!("conformance-{}", &uuid::Uuid::new_v4().to_string()[..8]) }))
}

/// Parameters that the schema does not accept.
pub(super) fn wrong(schema: &Value) -> Option<Value> {
    let typed = schema["properties"].as_object()?.iter().find(|(_, schema)| {
        let is_simple = |kind: &Value| {
            matches!(kind.as_str(), Some("string" | "integer" | "number" | "boolean" | "null"))
        };
        match &schema["type"] {
            Value::Array(kinds) => kinds.iter().all(is_simple),
            kind => is_simple(kind),
        }
    });
    match typed {
        Some((name, _)) => Some(json!({ name: { "surely": ["not", "this"] } })),
        None if schema["additionalProperties"] == false => Some(json!({ "surely-not-a-parameter": true })),
        None => None,
    }
}

struct Sampler<'a> {
    root: &'a Value,
}

impl Sampler<'_> {
    fn value(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        for ready in ["const", "default"] {
            if let Some(value) = schema.get(ready) {
                return value.clone();
            }
        }
        for list in ["examples", "enum"] {
            if let Some(value) = schema[list].as_array().and_then(|values| values.first()) {
                return value.clone();
            }
        }
        if depth == 0 {
            return Value::Null;
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema[choice].as_array().and_then(|choices| choices.first())
                && schema.get("properties").is_none()
            {
                return self.value(first, depth - 1);
            }
        }
        self.typed(schema, depth)
    }

    fn typed(&self, schema: &Value, depth: usize) -> Value {
        let kind = match &schema["type"] {
            Value::String(kind) => kind.as_str(),
            Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("object"),
            _ => "object",
        };
        match kind {
            "string" => Value::String(text(schema)),
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(false),
            "array" => {
                let count = schema["minItems"].as_u64().unwrap_or(0).min(16);
                (0..count).map(|_| self.value(&schema["items"], depth - 1)).collect()
            }
            "null" => Value::Null,
            _ => Value::Object(self.object(schema, depth)),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Map<String, Value> {
        let mut object = Map::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            object.extend(self.object(self.resolved(part), depth.saturating_sub(1)));
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let value = self.value(&schema["properties"][name], depth - 1);
            object.insert(name.to_owned(), value);
        }
        object
    }

    /// References within the document are followed, a few times at most.
    fn resolved<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let mut schema = schema;
        for _ in 0..DEPTH {
            let Some(target) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) else { break };
            match self.root.pointer(target) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }
}

fn text(schema: &Value) -> String {
    match schema["format"].as_str() {
        Some("uri") => return "https://conformance.example/".to_owned(),
        Some("email") => return "conformance@conformance.example".to_owned(),
        Some("hostname") => return "conformance.example".to_owned(),
        Some("uuid") => return uuid::Uuid::new_v4().to_string(),
        _ => {}
    }
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(1)).unwrap_or(1).min(255);
    let most = usize::try_from(schema["maxLength"].as_u64().unwrap_or(255)).unwrap_or(255);
    let word = format!("conformance-{}", uuid::Uuid::new_v4());
    word.chars().cycle().take(least.max(16).min(most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_a_schema_asks_for_is_what_it_accepts() {
        let schema = json!({
            "type": "object",
            "required": ["name", "size", "tags", "nested", "kind"],
            "properties": {
                "name": { "type": "string", "minLength": 3, "maxLength": 5 },
                "size": { "type": "integer", "minimum": 7 },
                "tags": { "type": "array", "minItems": 2, "items": { "type": "boolean" } },
                "nested": { "$ref": "#/definitions/nested" },
                "kind": { "enum": ["a", "b"] },
                "left_out": { "type": "string" },
            },
            "definitions": { "nested": { "type": "object", "required": ["x"], "properties": { "x": { "default": 4 } } } },
        });
        let sample = minimal(&schema);
        assert_eq!(sample["name"].as_str().unwrap().len(), 5);
        assert_eq!(sample["size"], 7);
        assert_eq!(sample["tags"], json!([false, false]));
        assert_eq!(sample["nested"], json!({ "x": 4 }));
        assert_eq!(sample["kind"], "a");
        assert!(sample.get("left_out").is_none());
    }

    #[test]
    fn what_must_be_refused_is_of_another_type() {
        let schema = json!({ "properties": { "note": { "type": ["string", "null"] } } });
        assert_eq!(wrong(&schema).unwrap()["note"], json!({ "surely": ["not", "this"] }));
        assert!(change(&schema).unwrap()["note"].is_string());
        assert_eq!(
            wrong(&json!({ "additionalProperties": false, "properties": {} })).unwrap()["surely-not-a-parameter"],
            true
        );
        assert_eq!(wrong(&json!({ "properties": {} })), None);
    }
}
