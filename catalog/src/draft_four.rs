//! From draft 7, in which schemas are derived, to draft 4, which is all that platforms have to know (B-CSC-05).
//!
//! What only draft 7 can say stays draft 7: a keyword that a reader of draft 4 passes over would accept too much.

use schemars::{Schema, transform::transform_subschemas};
use serde_json::{Map, Value};

/// Its name.
const DRAFT_FOUR: &str = "http://json-schema.org/draft-04/schema#";

/// Keywords that check something and that draft 4 does not know.
const LATER: [&str; 6] = ["contains", "propertyNames", "if", "then", "else", "$id"];

/// The schema in draft 4, or as it was where that cannot say the same.
pub(crate) fn written(schema: Value) -> Value {
    let mut translated = schema.clone();
    match <&mut Schema>::try_from(&mut translated) {
        Ok(root) => translate(root),
        Err(_) => return schema,
    }
    if says_more(&translated) {
        return schema;
    }
    if let Some(root) = translated.as_object_mut() {
        root.insert("$schema".to_owned(), Value::from(DRAFT_FOUR));
    }
    translated
}

/// Whether a keyword that draft 4 does not know checks something. A parameter may well have such a name: then the text
/// stays as it is, which is right in any case.
fn says_more(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => {
            object.iter().any(|(key, value)| LATER.contains(&key.as_str()) || says_more(value))
        }
        Value::Array(items) => items.iter().any(says_more),
        _ => false,
    }
}

fn translate(schema: &mut Schema) {
    transform_subschemas(&mut translate, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(only) = object.shift_remove("const") {
        object.insert("enum".to_owned(), Value::Array(vec![only]));
    }
    bound(object, ("minimum", "exclusiveMinimum"), |inclusive, exclusive| exclusive >= inclusive);
    bound(object, ("maximum", "exclusiveMaximum"), |inclusive, exclusive| exclusive <= inclusive);
    if object.get("required").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        object.shift_remove("required");
    }
    names(object);
    truths(object);
}

/// A map whose names have a pattern: in draft 4, what has such a name is of the schema, and nothing else is allowed.
fn names(object: &mut Map<String, Value>) {
    let Some(Value::Object(rule)) = object.get("propertyNames") else { return };
    let Some(pattern) = rule.get("pattern").and_then(Value::as_str).map(str::to_owned) else { return };
    let is_plain =
        rule.len() == 1 && ["properties", "patternProperties"].iter().all(|key| !object.contains_key(*key));
    if !is_plain {
        return;
    }
    object.shift_remove("propertyNames");
    let members = object.insert("additionalProperties".to_owned(), Value::Bool(false));
    let mut members = members.unwrap_or(Value::Bool(true));
    truth(&mut members);
    object.insert("patternProperties".to_owned(), Value::Object(Map::from_iter([(pattern, members)])));
}

/// A bound that is not itself allowed is a flag in draft 4, beside the bound: of two bounds the stricter one is kept.
fn bound(
    object: &mut Map<String, Value>,
    (inclusive, exclusive): (&str, &str),
    is_stricter: fn(f64, f64) -> bool,
) {
    let Some(limit) = object.get(exclusive).filter(|limit| limit.is_number()).cloned() else { return };
    let counts = match (object.get(inclusive).and_then(Value::as_f64), limit.as_f64()) {
        (Some(inclusive), Some(exclusive)) => is_stricter(inclusive, exclusive),
        _ => true,
    };
    if counts {
        object.insert(inclusive.to_owned(), limit);
        object.insert(exclusive.to_owned(), Value::Bool(true));
    } else {
        object.shift_remove(exclusive);
    }
}

/// `true` and `false` are no schemas in draft 4, except for what is additional.
fn truths(object: &mut Map<String, Value>) {
    for keyword in ["not", "items"] {
        object.get_mut(keyword).into_iter().for_each(truth);
    }
    for keyword in ["properties", "patternProperties", "definitions", "dependencies"] {
        let of = object.get_mut(keyword).and_then(Value::as_object_mut);
        of.into_iter().flat_map(Map::values_mut).for_each(truth);
    }
    for keyword in ["allOf", "anyOf", "oneOf", "items"] {
        let of = object.get_mut(keyword).and_then(Value::as_array_mut);
        of.into_iter().flatten().for_each(truth);
    }
}

fn truth(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = Value::Object(Map::new()),
        Value::Bool(false) => *schema = serde_json::json!({ "not": {} }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const DRAFT_SEVEN: &str = "http://json-schema.org/draft-07/schema#";

    fn of(keywords: &Value) -> Value {
        let mut schema = json!({ "$schema": DRAFT_SEVEN });
        schema.as_object_mut().unwrap().extend(keywords.as_object().unwrap().clone());
        schema
    }

    #[test]
    fn b_csc_05_what_draft_4_says_otherwise_is_said_its_way() {
        for (seven, four) in [
            (json!({ "const": 5 }), json!({ "enum": [5] })),
            (json!({ "exclusiveMinimum": 3 }), json!({ "minimum": 3, "exclusiveMinimum": true })),
            (
                json!({ "minimum": 3, "exclusiveMinimum": 3 }),
                json!({ "minimum": 3, "exclusiveMinimum": true }),
            ),
            (json!({ "minimum": 5, "exclusiveMinimum": 3 }), json!({ "minimum": 5 })),
            (
                json!({ "maximum": 9.5, "exclusiveMaximum": 9 }),
                json!({ "maximum": 9, "exclusiveMaximum": true }),
            ),
            (json!({ "required": [] }), json!({})),
            (
                json!({ "propertyNames": { "pattern": "^x" }, "additionalProperties": { "const": 1 } }),
                json!({ "additionalProperties": false, "patternProperties": { "^x": { "enum": [1] } } }),
            ),
            (
                json!({ "propertyNames": { "pattern": "^x" } }),
                json!({ "patternProperties": { "^x": {} }, "additionalProperties": false }),
            ),
            (
                json!({ "properties": { "a": true, "b": { "items": false } }, "additionalProperties": false }),
                json!({ "properties": { "a": {}, "b": { "items": { "not": {} } } }, "additionalProperties": false }),
            ),
            (json!({ "anyOf": [true, { "const": "x" }] }), json!({ "anyOf": [{}, { "enum": ["x"] }] })),
        ] {
            let mut expected = of(&four);
            expected["$schema"] = json!(DRAFT_FOUR);
            assert_eq!(written(of(&seven)), expected, "{seven}");
        }
    }

    #[test]
    fn b_csc_05_what_draft_4_cannot_say_stays_as_it_is() {
        for seven in [
            json!({ "contains": { "const": 1 } }),
            json!({ "properties": { "a": { "propertyNames": { "maxLength": 5 } } } }),
            json!({ "propertyNames": { "pattern": "^x" }, "properties": { "xy": {} } }),
            json!({ "if": {}, "then": false }),
        ] {
            assert_eq!(written(of(&seven)), of(&seven));
        }
    }

    /// Schemas out of keywords whose form the drafts share, and those that they do not.
    fn schemas() -> impl Strategy<Value = Value> {
        let number = -3..4i32;
        let keyword = prop_oneof![
            number.clone().prop_map(|limit| json!({ "minimum": limit })),
            number.clone().prop_map(|limit| json!({ "exclusiveMinimum": limit })),
            number.clone().prop_map(|limit| json!({ "maximum": limit })),
            number.clone().prop_map(|limit| json!({ "exclusiveMaximum": limit })),
            number.prop_map(|only| json!({ "const": only })),
            Just(json!({ "type": "integer" })),
        ];
        let leaf = prop_oneof![
            4 => proptest::collection::vec(keyword, 0..3).prop_map(|keywords| {
                let mut schema = Map::new();
                keywords.into_iter().for_each(|one| schema.extend(one.as_object().unwrap().clone()));
                Value::Object(schema)
            }),
            1 => any::<bool>().prop_map(Value::Bool),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|schema| json!({ "not": schema })),
                inner.clone().prop_map(|schema| json!({ "items": schema })),
                inner.clone().prop_map(|schema| json!({ "properties": { "a": schema } })),
                inner.clone().prop_map(|schema| json!({ "additionalProperties": schema })),
                inner.clone().prop_map(
                    |schema| json!({ "propertyNames": { "pattern": "^a" }, "additionalProperties": schema })
                ),
                Just(json!({ "propertyNames": { "pattern": "^b" } })),
                proptest::collection::vec(inner, 1..3).prop_map(|schemas| json!({ "anyOf": schemas })),
            ]
        })
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![(-4..5i32).prop_map(Value::from), Just(json!("x")), Just(json!(1.5))];
        leaf.prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..2).prop_map(Value::Array),
                inner.clone().prop_map(|value| json!({ "a": value })),
                inner.prop_map(|value| json!({ "b": value })),
            ]
        })
    }

    proptest! {
        /// Both accept the same, and the translation is a schema of draft 4.
        #[test]
        fn b_csc_05_both_drafts_accept_the_same(schema in schemas(), value in values()) {
            prop_assume!(schema.is_object());
            let seven = of(&schema);
            let four = written(seven.clone());
            prop_assert_eq!(&four["$schema"], DRAFT_FOUR);
            prop_assert!(jsonschema::draft4::meta::is_valid(&four), "{}", four);
            let expected = jsonschema::draft7::is_valid(&seven, &value);
            prop_assert_eq!(jsonschema::draft4::is_valid(&four, &value), expected, "{} {}", four, value);
        }
    }
}
