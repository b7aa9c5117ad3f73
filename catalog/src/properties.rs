//! Which top-level properties a schema knows, without validating anything.

use serde_json::Value;

/// References and compositions followed at most.
const DEPTH: usize = 16;

/// The names under `properties`, also of the parts that the schema is composed of.
pub(crate) fn named(schema: &Value) -> Vec<&str> {
    named_below(schema, schema)
}

fn named_below<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let mut names = Vec::new();
    collect(root, schema, DEPTH, &mut names);
    names
}

fn collect<'a>(root: &'a Value, schema: &'a Value, depth: usize, names: &mut Vec<&'a str>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, _) in properties.iter().filter(|(_, property)| **property != Value::Bool(false)) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    if depth > 0 {
        parts(root, schema).for_each(|part| collect(root, part, depth - 1, names));
    }
}

/// Whether an object with such a property can be valid, going by names alone.
pub(crate) fn accepts(schema: &Value, property: &str) -> bool {
    allows(schema, schema, property, DEPTH)
}

fn allows(root: &Value, schema: &Value, property: &str, depth: usize) -> bool {
    if schema == &Value::Bool(false) {
        return false;
    }
    let declared = schema.get("properties").and_then(|properties| properties.get(property));
    if declared == Some(&Value::Bool(false)) {
        return false;
    }
    // Which names a pattern matches is left to validation.
    let patterned =
        schema.get("patternProperties").and_then(Value::as_object).is_some_and(|map| !map.is_empty());
    let closed = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(false));
    if declared.is_none() && !patterned && closed("additionalProperties") {
        return false;
    }
    if closed("unevaluatedProperties") && !patterned && !named_below(root, schema).contains(&property) {
        return false;
    }
    if depth == 0 {
        return true;
    }
    let allowed = |part: &Value| allows(root, part, property, depth - 1);
    let any = |keyword: &str| list(schema, keyword).is_none_or(|list| list.iter().any(allowed));
    list(schema, "allOf").is_none_or(|list| list.iter().all(allowed))
        && any("anyOf")
        && any("oneOf")
        && target(root, schema).is_none_or(allowed)
}

fn list<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Vec<Value>> {
    schema.get(keyword)?.as_array()
}

fn target<'a>(root: &'a Value, schema: &Value) -> Option<&'a Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

fn parts<'a>(root: &'a Value, schema: &'a Value) -> impl Iterator<Item = &'a Value> {
    ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .filter_map(move |keyword| list(schema, keyword))
        .flatten()
        .chain(target(root, schema))
}
