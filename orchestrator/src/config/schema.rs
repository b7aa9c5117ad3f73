//! The form of a configuration file as a JSON Schema, for editors. Made from `shape`, kept in `docs/sutler.schema.json`.

use serde_json::{Map, Value, json};

use super::shape::{Choice, FILE, Form, Presence, Record, Shape};

/// The schema (draft-07, which editors know).
#[must_use]
pub fn schema() -> Value {
    let mut schema = of(&FILE);
    if let Value::Object(members) = &mut schema {
        let head = [
            ("$schema", "http://json-schema.org/draft-07/schema#"),
            ("title", "sutler.yaml"),
            ("description", "What an application needs, from which brokers."),
        ];
        for (position, (key, value)) in head.into_iter().enumerate() {
            members.shift_insert(position, key.to_owned(), Value::from(value));
        }
    }
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text(form) => text(form),
        Shape::Flag => or_said(json!({ "type": "boolean" })),
        Shape::Off => json!({ "const": false }),
        Shape::Words(form) => json!({ "type": "array", "minItems": 1, "items": text(form) }),
        Shape::Kinds(kinds) => json!({ "anyOf": kinds.iter().map(of_record).collect::<Vec<_>>() }),
        Shape::Count => or_said(json!({ "type": "integer", "minimum": 1 })),
        Shape::Anything => or_said(json!({ "type": ["object", "null"] })),
        Shape::Value => json!({}),
        Shape::Many => or_said(json!({ "anyOf": [
            { "type": "array", "items": { "type": ["string", "number"] } }, { "type": ["object", "null"] }
        ] })),
        Shape::Record(record) => of_record(record),
        Shape::TextOr(record) => json!({ "anyOf": [{ "type": "string" }, of_record(record)] }),
        Shape::Each(form, each) => {
            let names = form.pattern.map_or(json!({}), |pattern| json!({ "pattern": pattern }));
            json!({ "type": ["object", "null"], "propertyNames": names, "additionalProperties": of(each) })
        }
    }
}

/// What a variable says, or what an instance is repeated for: in place of a value, or inside a text.
const SAID: &str = r"^@(var|each)\.|\$\{(var|each)\.";

/// A variable may say what stands there.
fn or_said(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": SAID }] })
}

fn text(form: &Form) -> Value {
    let mut schema = json!({ "type": "string" });
    if let Some(pattern) = form.pattern {
        schema["pattern"] = format!("{pattern}|{SAID}").into();
    }
    schema["examples"] = json!([form.example]);
    schema
}

fn of_record(record: &Record) -> Value {
    let mut properties = Map::new();
    for field in record.fields {
        let mut schema = of(&field.shape);
        schema["description"] = field.about.into();
        if let Some(alias) = field.alias {
            let mut other = schema.clone();
            other["description"] = format!("Another spelling of {}.", field.name).into();
            properties.insert(field.name.to_owned(), schema);
            properties.insert(alias.to_owned(), other);
        } else {
            properties.insert(field.name.to_owned(), schema);
        }
    }
    let required: Vec<&str> = record
        .fields
        .iter()
        .filter(|field| field.presence == Presence::Required)
        .map(|field| field.name)
        .collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if record.choice == Choice::One {
        schema["minProperties"] = 1.into();
        schema["maxProperties"] = 1.into();
    }
    schema
}
