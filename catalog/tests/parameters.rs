//! Parameters are checked by the rules of their schema's draft; every problem is said, no value is shown.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sutler_catalog::{SCHEMA_BYTES, SchemaError, Validator};

const DRAFT_04: &str = "http://json-schema.org/draft-04/schema#";
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
fn a_problem_never_shows_a_value() {
    let secret = "hunter2-SECRET";
    let validator = compile(json!({
        "properties": {
            "short": { "maxLength": 3 },
            "word": { "enum": ["a", "b"] },
            "exact": { "const": 5 },
            "number": { "type": "integer" },
            "shape": { "pattern": "^x$" },
            "choice": { "anyOf": [{ "type": "integer" }, { "type": "boolean" }] },
            "one": { "oneOf": [{ "type": "string", "maxLength": 2 }, { "type": "boolean" }] },
            "none": { "not": { "type": "string" } },
            "list": { "uniqueItems": true, "contains": { "const": 1 }, "maxItems": 1 },
            "form": { "format": "ipv4" },
            "map": { "additionalProperties": { "type": "integer" } },
            "never": false,
        },
        "dependencies": { "short": ["absent"] },
    }));
    let parameters = json!({
        "short": secret, "word": secret, "exact": secret, "number": secret, "shape": secret, "choice": secret,
        "one": secret, "none": secret, "list": [secret, secret], "form": secret, "map": { "x": secret }, "never": secret,
    });
    let problems = validator.validate(&parameters);
    let printed = format!("{problems:?} {}", problems.iter().map(ToString::to_string).collect::<String>());
    assert!(!printed.contains("hunter2"), "{printed}");
    let mut paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let expected = [
        "", "/choice", "/exact", "/form", "/list", "/map/x", "/never", "/none", "/number", "/one", "/shape",
        "/short", "/word",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_problem_says_where_which_rule_and_what() {
    let validator = compile(json!({
        "required": ["zone"],
        "properties": { "zone": true, "list": { "items": { "type": ["string", "null"], "minLength": 2 } } },
        "additionalProperties": false,
    }));
    let problems = validator.validate(&json!({ "list": ["ok", "x", null, 5], "zoen": 1, "a/b~c": 2 }));
    let mut lines: Vec<String> =
        problems.iter().map(|problem| format!("{} [{}]", problem, problem.rule)).collect();
    lines.sort();
    let expected = [
        "/a~1b~0c: the property 'a/b~c' is not known here [additionalProperties]",
        "/list/1: value is shorter than 2 characters [minLength]",
        "/list/3: value is not of types \"null\", \"string\" [type]",
        "/zoen: the property 'zoen' is not known here [additionalProperties]",
        "the property 'zone' is required [required]",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn of_alternatives_the_one_that_was_meant_is_explained() {
    let validator = compile(json!({ "properties": { "lid": { "anyOf": [
        { "type": "object", "properties": { "size": { "maximum": 3 } }, "additionalProperties": false },
        { "type": "null" },
    ] } } }));
    let problems = validator.validate(&json!({ "lid": { "size": 4, "colour": 1 } }));
    let mut paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/lid/colour", "/lid/size"]);
    assert_eq!(validator.validate(&json!({ "lid": null })), []);
}

#[test]
fn after_a_hundred_problems_there_are_just_more() {
    let validator = compile(json!({ "items": { "type": "string" } }));
    let problems = validator.validate(&json!(vec![1; 5_000]));
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100].message, "and more");
    let exact = validator.validate(&json!(vec![1; 100]));
    assert!(exact.len() == 100 && exact.iter().all(|problem| problem.rule == "type"));
    let unknown = compile(json!({ "additionalProperties": false }));
    let many: Map<String, Value> = (0..5_000).map(|n| (format!("p{n}"), Value::Null)).collect();
    assert_eq!(unknown.validate(&Value::Object(many)).len(), 101);
}

#[test]
fn every_draft_from_04_to_2020_is_read_by_its_own_rules() {
    let exclusive =
        json!({ "$schema": DRAFT_04, "properties": { "a": { "minimum": 3, "exclusiveMinimum": true } } });
    assert!(!Validator::compile(&exclusive).unwrap().is_valid(&json!({ "a": 3 })));
    for draft in ["http://json-schema.org/draft-06/schema#", DRAFT_07] {
        let schema = json!({ "$schema": draft, "properties": { "a": { "exclusiveMinimum": 3 } } });
        assert!(!Validator::compile(&schema).unwrap().is_valid(&json!({ "a": 3 })), "{draft}");
    }
    for draft in ["2019-09", "2020-12"] {
        let schema = json!({
            "$schema": format!("https://json-schema.org/draft/{draft}/schema"),
            "dependentRequired": { "a": ["b"] }, "unevaluatedProperties": false,
            "allOf": [{ "properties": { "a": true } }],
        });
        let problems = Validator::compile(&schema).unwrap().validate(&json!({ "a": 1, "c": 1 }));
        assert_eq!(problems.len(), 2, "{draft}: {problems:?}");
    }
}

#[test]
fn a_schema_must_name_its_draft_be_valid_and_small() {
    assert_eq!(Validator::compile(&json!({ "type": "object" })).unwrap_err(), SchemaError::NoDraft);
    assert_eq!(Validator::compile(&json!(true)).unwrap_err(), SchemaError::NoDraft);
    let large = schema(json!({ "description": "x".repeat(SCHEMA_BYTES) }));
    assert!(matches!(Validator::compile(&large), Err(SchemaError::TooLarge { .. })));
    let error = refusal(json!({ "properties": { "a": { "type": "objec" } } }));
    assert!(matches!(&error, SchemaError::Invalid { path, .. } if path == "/properties/a/type"), "{error}");
    assert!(matches!(refusal(json!({ "$ref": "#/definitions/x" })), SchemaError::BrokenReference(_)));
    assert!(matches!(refusal(json!({ "pattern": "((" })), SchemaError::Invalid { .. }));
}

#[test]
fn which_properties_a_request_may_hold_follows_from_the_schema() {
    let closed =
        compile(json!({ "properties": { "a": true, "gone": false }, "additionalProperties": false }));
    assert_eq!(closed.properties(), ["a"]);
    assert!(closed.accepts("a") && !closed.accepts("b") && !closed.accepts("gone"));
    assert!(compile(json!({})).accepts("anything"));
    let composed = compile(json!({
        "definitions": { "base": { "properties": { "x": true } } },
        "allOf": [{ "$ref": "#/definitions/base" }, { "properties": { "y": true } }],
    }));
    assert_eq!(composed.properties(), ["x", "y"]);
    assert!(composed.accepts("z"));
    let either = compile(json!({ "anyOf": [
        { "properties": { "x": true }, "additionalProperties": false },
        { "properties": { "y": true }, "additionalProperties": false },
    ] }));
    assert!(either.accepts("x") && either.accepts("y") && !either.accepts("z"));
}

#[test]
fn a_hundred_thousand_instances_are_validated_with_a_validator_compiled_once() {
    let index = sutler_catalog::Index::check(
        sutler_spec::Catalog { services: vec![sutler_catalog::cloudflare::d1::offering().service().clone()] },
        sutler_catalog::Limits::default(),
    )
    .unwrap();
    let plan = &index.offering("cloudflare-d1").unwrap().plans[0].id;
    let validator = index.validator(plan, sutler_catalog::Input::Provision).unwrap();
    let parameters =
        json!({ "primary_location_hint": "weur", "migrations": [{ "name": "1.sql", "sql": "SELECT 1" }] });
    let start = Instant::now();
    assert!((0..100_000).all(|_| validator.validate(&parameters).is_empty()));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
