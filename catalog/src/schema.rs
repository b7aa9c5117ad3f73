//! JSON Schemas derived from Rust types, in a form that every platform can use (B-CSC).

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::transform_subschemas};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::draft_four;

/// No parameters: only `{}` is valid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// Whether an optional parameter may be given as `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// In updates, where `null` returns a parameter to its default.
    Accepted,
    /// Elsewhere: a parameter that is not wanted is left out.
    Refused,
}

/// The schema of a type: inlined, closed, without what only Rust understands, in the draft that every platform has to
/// know (B-CSC-05).
pub(crate) fn of<T: JsonSchema>(nulls: Nulls) -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    enumerated(&mut schema);
    match nulls {
        Nulls::Refused => without_null(&mut schema),
        Nulls::Accepted => changes(&mut schema),
    }
    without_rust_formats(&mut schema);
    unwrapped(&mut schema);
    close(&mut schema);
    draft_four::written(schema.to_value())
}

/// Marks a parameter that is fixed when an instance is made.
const FIXED: &str = "x-sutler-fixed";

/// The schema of a change, from the type of all parameters: nothing has to be given, and what is fixed cannot be.
pub(crate) fn of_change<T: JsonSchema>() -> Value {
    let mut schema = of::<T>(Nulls::Accepted);
    let Some(object) = schema.as_object_mut() else { return schema };
    let required = match object.shift_remove("required") {
        Some(Value::Array(required)) => required,
        _ => Vec::new(),
    };
    if let Some(Value::Object(fields)) = object.get_mut("properties") {
        fields.retain(|_, field| field.get(FIXED).is_none());
        // what must be there has no default to return to
        for (name, field) in fields.iter_mut() {
            if required.iter().any(|required| required == name)
                && let Ok(schema) = <&mut Schema>::try_from(field)
            {
                without_null(schema);
            }
        }
    }
    schema
}

/// The schema of all parameters, from the same type: `FIXED` is a word between us and the author.
pub(crate) fn of_creation<T: JsonSchema>() -> Value {
    let mut schema = of::<T>(Nulls::Refused);
    if let Some(Value::Object(fields)) = schema.get_mut("properties") {
        for field in fields.values_mut().filter_map(Value::as_object_mut) {
            field.shift_remove(FIXED);
        }
    }
    schema
}

/// Whether a schema says `writeOnly` anywhere.
pub(crate) fn is_secret(schema: &Value) -> bool {
    match schema {
        Value::Object(keywords) => keywords.iter().any(|(keyword, value)| {
            (keyword == "writeOnly" && *value == Value::Bool(true)) || is_secret(value)
        }),
        Value::Array(items) => items.iter().any(is_secret),
        _ => false,
    }
}

/// Forbids unknown properties at the top, unless the type says what they may be.
fn close(schema: &mut Schema) {
    let composed = ["oneOf", "anyOf", "allOf", "additionalProperties"];
    if composed.iter().all(|keyword| schema.get(*keyword).is_none()) {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

/// `uint8` and the like are no formats of JSON Schema; strict validators stumble over them.
fn without_rust_formats(schema: &mut Schema) {
    let numeric = ["integer", "number"];
    let is_number = match schema.get("type") {
        Some(Value::String(kind)) => numeric.contains(&kind.as_str()),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).any(|kind| numeric.contains(&kind))
        }
        _ => false,
    };
    if is_number {
        schema.remove("format");
    }
    transform_subschemas(&mut without_rust_formats, schema);
}

/// A choice of words is an `enum`, which every draft and every reader knows, not a `oneOf` of constants.
fn enumerated(schema: &mut Schema) {
    transform_subschemas(&mut enumerated, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(choices)) = object.get("oneOf") {
        let words: Option<Vec<Vec<Value>>> = choices.iter().map(words).collect();
        if let Some(words) = words {
            object.shift_remove("oneOf");
            object.insert("type".to_owned(), Value::from("string"));
            object.insert("enum".to_owned(), Value::Array(words.concat()));
        }
    }
    let Some(Value::Array(choices)) = object.get("anyOf") else { return };
    let nothing = |choice: &Value| choice.get("type").is_some_and(|kind| kind == "null");
    if let [words, null] = choices.as_slice()
        && let Some(Value::Array(words)) = words.get("enum")
        && nothing(null)
    {
        let words = words.iter().cloned().chain([Value::Null]).collect();
        object.shift_remove("anyOf");
        object.insert("type".to_owned(), Value::from(vec!["string", "null"]));
        object.insert("enum".to_owned(), Value::Array(words));
    }
}

/// The texts that one choice allows, if it allows nothing else.
fn words(choice: &Value) -> Option<Vec<Value>> {
    let words = match (choice.get("const"), choice.get("enum")) {
        (Some(word), None) => vec![word.clone()],
        (None, Some(Value::Array(words))) => words.clone(),
        _ => return None,
    };
    words.iter().all(Value::is_string).then_some(words)
}

/// In an update, what is left out does not change, so there are no defaults; `null` is for parameters only, not for
/// what is inside them.
fn changes(schema: &mut Schema) {
    let mut parameter = |schema: &mut Schema| {
        schema.remove("default");
        transform_subschemas(&mut without_null, schema);
    };
    transform_subschemas(&mut parameter, schema);
}

/// Doc comments are broken into lines; descriptions are not. Paragraphs stay.
fn unwrapped(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> =
            text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
    transform_subschemas(&mut unwrapped, schema);
}

/// Takes `null` out of everything that also accepts something else.
fn without_null(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut() {
        if let Some(Value::Array(kinds)) = object.get_mut("type") {
            kinds.retain(|kind| kind != "null");
            if let [single] = kinds.as_slice() {
                let single = single.clone();
                object.insert("type".to_owned(), single);
            }
        }
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
        if object.get("default").is_some_and(Value::is_null) {
            object.shift_remove("default");
        }
        unwrap_alternatives(object);
    }
    transform_subschemas(&mut without_null, schema);
}

/// `anyOf: [X, null]` becomes `X`, with what stood beside it taking precedence.
fn unwrap_alternatives(object: &mut serde_json::Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get_mut("anyOf") else { return };
    alternatives.retain(|alternative| alternative.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        object.shift_remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is of interest")]
    enum Colour {
        /// Warm.
        Red,
        Green,
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Lid {
        note: Option<String>,
    }

    /// A kettle.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Kettle {
        /// Litres,
        /// in full.
        #[serde(default)]
        volume: u8,
        colour: Option<Colour>,
        lid: Option<Lid>,
    }

    #[test]
    fn a_provision_schema_is_closed_inlined_and_knows_no_null() {
        let expected = json!({
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object",
            "description": "A kettle.",
            "additionalProperties": false,
            "properties": {
                "volume": {
                    "type": "integer", "minimum": 0, "maximum": 255, "default": 0, "description": "Litres, in full."
                },
                "colour": { "type": "string", "enum": ["green", "red"] },
                "lid": {
                    "type": "object", "additionalProperties": false, "properties": { "note": { "type": "string" } }
                },
            },
        });
        assert_eq!(of::<Kettle>(Nulls::Refused), expected);
    }

    #[test]
    fn in_an_update_parameters_may_be_null_and_have_no_defaults() {
        let expected = json!({
            "volume": { "type": "integer", "minimum": 0, "maximum": 255, "description": "Litres, in full." },
            "colour": { "type": ["string", "null"], "enum": ["green", "red", null] },
            "lid": {
                "type": ["object", "null"], "additionalProperties": false,
                "properties": { "note": { "type": "string" } }
            },
        });
        assert_eq!(of::<Kettle>(Nulls::Accepted)["properties"], expected);
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Jar {
        /// Fixed when it is made.
        #[schemars(extend("x-sutler-fixed" = true))]
        glass: String,
        label: String,
        lid: Option<Lid>,
    }

    #[test]
    fn one_type_says_what_can_be_asked_for_and_what_can_change() {
        let creation = of_creation::<Jar>();
        assert_eq!(creation["required"], json!(["glass", "label"]));
        assert_eq!(
            creation["properties"]["glass"],
            json!({ "type": "string", "description": "Fixed when it is made." })
        );
        let change = of_change::<Jar>();
        assert_eq!(change.get("required"), None);
        assert_eq!(change["properties"]["label"], json!({ "type": "string" }));
        assert_eq!(change["properties"]["lid"]["type"], json!(["object", "null"]));
        assert_eq!(change["properties"].get("glass"), None);
        assert_eq!(change["additionalProperties"], json!(false));
    }

    #[test]
    fn no_parameters_means_an_empty_object() {
        let schema = of::<NoParameters>(Nulls::Refused);
        assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)));
    }
}
