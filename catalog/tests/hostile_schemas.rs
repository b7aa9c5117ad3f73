//! Schemas come from strangers: they reach nothing, show nothing and cost little (S-31, reliability 3.2 facts 1 to 3).

use std::{
    io::ErrorKind,
    net::TcpListener,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sutler_catalog::{SchemaError, Validator};

const DRAFT_07: &str = "http://json-schema.org/draft-07/schema#";

/// A draft-07 schema with these keywords.
fn schema(keywords: Value) -> Value {
    let mut schema = json!({ "$schema": DRAFT_07 });
    for (keyword, value) in keywords.as_object().expect("keywords") {
        schema[keyword] = value.clone();
    }
    schema
}

fn compile(keywords: Value) -> Validator {
    Validator::compile(&schema(keywords)).expect("a schema that compiles")
}

fn refusal(keywords: Value) -> SchemaError {
    Validator::compile(&schema(keywords)).expect_err("a schema that is refused")
}

#[test]
fn a_reference_over_http_is_refused_and_nobody_is_called() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/latest/meta-data", listener.local_addr().unwrap());
    for keywords in [
        json!({ "$ref": url }),
        json!({ "properties": { "a": { "$ref": format!("{url}#/x") } } }),
        json!({ "$id": url, "properties": { "a": { "$ref": "other.json" } } }),
    ] {
        assert!(matches!(refusal(keywords), SchemaError::ExternalReference(_)));
    }
    let custom = Validator::compile(&json!({ "$schema": url, "type": "object" })).unwrap_err();
    assert!(matches!(custom, SchemaError::UnknownDraft(_)), "{custom}");
    assert_eq!(listener.accept().expect_err("no connection").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_reference_to_a_file_is_refused_and_its_content_stays_where_it_is() {
    let path = std::env::temp_dir().join(format!("sutler-schema-{}.json", std::process::id()));
    std::fs::write(&path, r#"{"const":"c4n4ry"}"#).unwrap();
    let error = refusal(json!({ "$ref": format!("file://{}", path.display()) }));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(error, SchemaError::ExternalReference(_)));
    assert!(!format!("{error} {error:?}").contains("c4n4ry"));
}

#[test]
fn what_only_looks_like_a_reference_is_fine() {
    compile(json!({ "enum": [{ "$ref": "http://example.com/" }] }));
    compile(json!({ "properties": { "$ref": { "type": "string" } } }));
}

#[test]
fn texts_of_strangers_do_not_reach_the_terminal_as_they_are() {
    let validator = compile(json!({ "properties": { "a": { "pattern": "^\u{1b}\\[2J\u{202e}$" } } }));
    let message = validator.validate(&json!({ "a": "x" }))[0].to_string();
    assert!(!message.chars().any(char::is_control) && !message.contains('\u{202e}'), "{message:?}");
    let long = compile(json!({ "properties": { "a": { "pattern": "x".repeat(5_000) } } }));
    assert!(long.validate(&json!({ "a": "y" }))[0].message.chars().count() < 500);
}

#[test]
fn catastrophic_patterns_are_fast_or_refused() {
    let start = Instant::now();
    let bomb = format!("{}!", "a".repeat(50_000));
    for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a*)*b$", "(.*)*x$"] {
        let validator = compile(json!({ "properties": { "a": { "pattern": pattern } } }));
        assert!(!validator.is_valid(&json!({ "a": bomb })), "{pattern}");
    }
    for pattern in ["((a{1,1000}){1,1000}){1,1000}", "^(?=a)b", "^(?!a)b", "(?<=a)b", "(a)\\1"] {
        let error = refusal(json!({ "properties": { "a": { "pattern": pattern } } }));
        assert!(matches!(error, SchemaError::UnsupportedPattern { .. }), "{pattern}: {error}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// Definitions that each name the next one twice.
fn laughs(levels: usize) -> Value {
    let mut definitions = Map::new();
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/definitions/d{}", level + 1) });
        definitions.insert(format!("d{level}"), json!({ "allOf": [next, next] }));
    }
    definitions.insert(format!("d{levels}"), json!({ "type": "object" }));
    json!({ "definitions": definitions, "$ref": "#/definitions/d0" })
}

#[test]
fn a_schema_whose_references_multiply_is_refused() {
    assert!(compile(laughs(8)).is_valid(&json!({})));
    for levels in [20, 40, 600] {
        assert_eq!(refusal(laughs(levels)), SchemaError::TooComplex);
    }
}

#[test]
fn a_schema_cannot_hide_references_behind_names() {
    let mut definitions = Map::new();
    for level in 0..30 {
        let next = json!({ "$ref": format!("#d{}", level + 1) });
        definitions
            .insert(format!("d{level}"), json!({ "$id": format!("#d{level}"), "allOf": [next, next] }));
    }
    definitions.insert("d30".to_owned(), json!({ "$id": "#d30", "type": "object" }));
    let named = json!({ "definitions": definitions, "$ref": "#d0" });
    assert_eq!(refusal(named), SchemaError::TooComplex);
    let mut encoded = laughs(30).to_string();
    encoded = encoded.replace("#/definitions/", "#/%64efinitions/");
    assert_eq!(refusal(serde_json::from_str(&encoded).unwrap()), SchemaError::TooComplex);
    let inner =
        json!({ "definitions": { "inner": { "$id": "http://x.example/inner", "allOf": [laughs(30)] } } });
    assert_eq!(refusal(inner), SchemaError::TooComplex);
}

#[test]
fn deep_and_recursive_schemas_fit_a_small_stack() {
    let chain = |length: usize| {
        let link = |at: usize| (format!("d{at}"), json!({ "$ref": format!("#/definitions/d{}", at + 1) }));
        let mut definitions: Map<String, Value> = (0..length).rev().map(link).collect();
        definitions.insert(format!("d{length}"), json!({ "type": "object" }));
        json!({ "definitions": definitions, "$ref": "#/definitions/d0" })
    };
    let run = move || {
        assert!(compile(chain(150)).is_valid(&json!({})));
        assert_eq!(refusal(chain(1_500)), SchemaError::TooComplex);
        let tree = compile(json!({
            "type": "object", "properties": { "child": { "$ref": "#" } }, "additionalProperties": false,
        }));
        let deep = (0..100).fold(json!({}), |child, _| json!({ "child": child }));
        assert!(tree.is_valid(&deep));
        let wrong = (0..100).fold(json!({ "x": 1 }), |child, _| json!({ "child": child }));
        assert_eq!(tree.validate(&wrong).len(), 1);
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn many_patterns_are_refused() {
    let some = |count: usize| -> Value {
        let property = |n: usize| (format!("p{n}"), json!({ "pattern": format!("^x{n}$") }));
        json!({ "properties": (0..count).map(property).collect::<Map<_, _>>() })
    };
    compile(some(200));
    assert_eq!(refusal(some(300)), SchemaError::TooComplex);
}

fn any_json() -> impl Strategy<Value = Value> {
    let keyword = prop::sample::select(vec![
        "$ref",
        "$id",
        "type",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "pattern",
        "required",
        "enum",
        "const",
        "format",
        "additionalProperties",
        "propertyNames",
        "minLength",
        "if",
        "then",
        "a",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec![
            "object",
            "string",
            "#",
            "#/properties/a",
            "http://x/",
            "^a+$",
            "ipv4",
            "("
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keyword.clone(), inner), 0..5).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_schema_and_no_instance_makes_it_panic(keywords in any_json(), instance in any_json()) {
        let mut schema = keywords;
        if let Some(object) = schema.as_object_mut() {
            object.insert("$schema".to_owned(), Value::from(DRAFT_07));
        }
        if let Ok(validator) = Validator::compile(&schema) {
            let problems = validator.validate(&instance);
            prop_assert_eq!(problems.is_empty(), validator.is_valid(&instance));
        }
    }
}
