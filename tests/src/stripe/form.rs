//! Forms as Stripe reads them: brackets become objects and lists; what a text means follows from a schema.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// The form as a document of texts, or what is wrong with it.
pub(crate) fn decode(text: &str) -> Result<Value, String> {
    let mut root = Value::Object(Map::new());
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let path = path(&name).ok_or_else(|| format!("the field name {name} has no form"))?;
        let mut place = &mut root;
        for part in path {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(fields) = place else { return Err("a field is text and more".to_owned()) };
            place = fields.entry(part).or_insert(Value::Null);
        }
        if !place.is_null() {
            return Err(format!("the field {name} is there twice"));
        }
        *place = Value::String(value.into_owned());
    }
    Ok(listed(root))
}

/// `a[b][0]` as `a`, `b`, `0`.
fn path(name: &str) -> Option<Vec<String>> {
    let (first, mut rest) = match name.find('[') {
        None => return (!name.is_empty() && !name.contains(']')).then(|| vec![name.to_owned()]),
        Some(at) => name.split_at(at),
    };
    let mut parts = vec![first.to_owned()];
    while !rest.is_empty() {
        let (part, left) = rest.strip_prefix('[')?.split_once(']')?;
        if part.is_empty() || part.contains('[') {
            return None;
        }
        parts.push(part.to_owned());
        rest = left;
    }
    (!first.is_empty()).then_some(parts)
}

/// Objects whose names count from 0 are lists.
fn listed(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_list =
        !fields.is_empty() && fields.keys().enumerate().all(|(index, name)| *name == index.to_string());
    let mut parts = fields.into_iter().map(|(name, part)| (name, listed(part)));
    if is_list { parts.map(|(_, part)| part).collect() } else { Value::Object(parts.by_ref().collect()) }
}

/// Texts as the numbers and booleans that a schema wants.
pub(crate) fn typed(value: Value, schema: &Value, definitions: &Value) -> Value {
    let schema = followed(schema, definitions);
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let read = |choice: &Value| typed(value.clone(), choice, definitions);
        return choices.iter().map(read).find(|read| *read != value).unwrap_or(value);
    }
    match (value, schema["type"].as_str()) {
        (Value::String(text), Some("integer" | "number" | "boolean")) => {
            let read = serde_json::from_str(&text).ok().filter(|read: &Value| !read.is_object());
            read.unwrap_or(Value::String(text))
        }
        (Value::Array(items), _) => {
            items.into_iter().map(|item| typed(item, &schema["items"], definitions)).collect()
        }
        (Value::Object(fields), _) => {
            let typed = |(name, value): (String, Value)| {
                let known = schema["properties"].get(&name).unwrap_or(&schema["additionalProperties"]);
                let value = typed(value, known, definitions);
                (name, value)
            };
            Value::Object(fields.into_iter().map(typed).collect())
        }
        (value, _) => value,
    }
}

fn followed<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix("#/definitions/"));
    name.and_then(|name| definitions.get(name)).unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_become_objects_and_lists() {
        let read = decode("a[b]=c&l[0]=x&l[1]=y&t[0][up_to]=10&empty=&n=1%262").unwrap();
        assert_eq!(
            read,
            json!({ "a": { "b": "c" }, "l": ["x", "y"], "t": [{ "up_to": "10" }], "empty": "", "n": "1&2" })
        );
        for bad in ["a[=1", "a[]=1", "a=1&a=2", "a=1&a[b]=2x&a[b]=3", "=1", "a]=1"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_schema_says_what_a_text_means() {
        let definitions = json!({ "n": { "type": "integer" } });
        let schema = json!({ "properties": {
            "n": { "$ref": "#/definitions/n" }, "b": { "type": "boolean" }, "s": { "type": "string" },
            "e": { "anyOf": [{ "type": "string", "enum": [""] }, { "type": "integer" }] },
        } });
        let value = json!({ "n": "5", "b": "true", "s": "5", "e": "7", "unknown": "8" });
        let read = typed(value, &schema, &definitions);
        assert_eq!(read, json!({ "n": 5, "b": true, "s": "5", "e": 7, "unknown": "8" }));
    }
}
