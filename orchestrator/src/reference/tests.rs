//! What references mean, as sentences and for arbitrary JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn outputs(target: &InstanceRef, key: &str) -> Option<Value> {
    match (target.as_str(), key) {
        ("db", "database_id") => Some(json!("d-1")),
        ("db", "port") => Some(json!(5432)),
        ("db", "endpoints") => Some(json!([{ "host": "h0" }, { "host": "h1", "tls": true }])),
        ("db", "dotted.key") => Some(json!("exact")),
        ("db", "dotted") => Some(json!({ "key": "walked", "other": 1 })),
        _ => None,
    }
}

#[test]
fn a_whole_reference_keeps_the_type_and_an_embedded_one_becomes_text() {
    let written = json!({
        "id": "@db.database_id", "port": "@db.port", "deep": [{ "hosts": "@db.endpoints" }],
        "url": "pg://${db.endpoints.1.host}:${db.port}/${db.database_id}?tls=${db.endpoints.1.tls}",
    });
    assert_eq!(
        resolve(&written, outputs).unwrap(),
        json!({
            "id": "d-1", "port": 5432,
            "deep": [{ "hosts": [{ "host": "h0" }, { "host": "h1", "tls": true }] }],
            "url": "pg://h1:5432/d-1?tls=true",
        })
    );
}

#[test]
fn a15_references_are_found_at_any_depth_with_their_pointers() {
    let written = json!({ "a/b": [{ "~": "@db.x" }], "s": "${db.y} ${k-v.z.0}", "plain": "a@b.c $5 {x}" });
    let uses = find(&written).unwrap();
    let shown: Vec<_> =
        uses.iter().map(|u| (u.pointer.as_str(), u.target.as_str(), u.key.as_str(), u.form)).collect();
    assert_eq!(
        shown,
        [
            ("/a~1b/0/~0", "db", "x", Form::Whole),
            ("/s", "db", "y", Form::Embedded),
            ("/s", "k-v", "z.0", Form::Embedded),
        ]
    );
    assert!(uses.iter().all(|u| written.pointer(&u.pointer).is_some()));
}

#[test]
fn a16_a_literal_at_sign_and_a_literal_brace_are_written_twice() {
    for (written, means) in [
        ("@@literal", "@literal"),
        ("@@", "@"),
        ("@@@x.y", "@@x.y"),
        ("$${x}", "${x}"),
        ("a$$b$", "a$$b$"),
        ("$$$${", "$${"),
        ("$$${db.port}", "$5432"),
        ("@@${db.port}", "@5432"),
    ] {
        assert_eq!(resolve(&json!(written), outputs).unwrap(), json!(means), "{written}");
    }
}

#[test]
fn what_looks_like_a_reference_and_is_none_is_an_error() {
    for (written, flaw) in [
        ("@db", "'@db' starts with '@' but is not a reference"),
        ("@", "'@' starts with '@' but is not a reference"),
        ("@db.", "'@db.' starts with '@' but is not a reference"),
        ("@db..x", "'@db..x' starts with '@' but is not a reference"),
        ("@db.x y", "'@db.x y' starts with '@' but is not a reference"),
        ("${db}", "'${db}' is not a reference"),
        ("${}", "'${}' is not a reference"),
        ("${ db.x }", "'${ db.x }' is not a reference"),
        ("x ${db.x", "'${' is never closed"),
    ] {
        let errors = find(&json!([written])).unwrap_err();
        assert_eq!((errors[0].pointer.as_str(), errors[0].to_string().as_str()), ("/0", flaw));
        assert!(!errors[0].flaw.help().is_empty());
        assert!(resolve(&json!(written), outputs).is_err());
    }
}

#[test]
fn what_cannot_be_resolved_says_why_and_shows_no_value() {
    for (written, why) in [
        ("@db.nothing", "'db' has no output 'nothing'"),
        ("@nobody.x", "'nobody' has no output 'x'"),
        ("@db.endpoints.7.host", "the output 'endpoints' of 'db' holds nothing at '7.host'"),
        ("@db.endpoints.01", "the output 'endpoints' of 'db' holds nothing at '01'"),
        ("x${db.endpoints}", "'db.endpoints' is a list, which cannot stand inside a text"),
        ("x${db.endpoints.0}", "'db.endpoints.0' is an object, which cannot stand inside a text"),
    ] {
        let error = resolve(&json!({ "k": [written] }), outputs).unwrap_err();
        assert_eq!((error.pointer.as_str(), error.to_string().as_str()), ("/k/0", why));
    }
}

#[test]
fn an_output_whose_name_has_dots_wins_over_a_path() {
    assert_eq!(resolve(&json!("@db.dotted.key"), outputs).unwrap(), json!("exact"));
    assert_eq!(resolve(&json!("@db.dotted.other"), outputs).unwrap(), json!(1));
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![".*", "[@$\\{\\}a.]{0,12}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(escape(text).into_owned()),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), escaped(member))).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn escaped_json_resolves_to_itself(value in any_json()) {
        let escaped = escaped(&value);
        prop_assert_eq!(find(&escaped), Ok(Vec::new()));
        prop_assert_eq!(resolve(&escaped, outputs).unwrap(), value);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[@$\\{\\}a.é0-]{0,16}") {
        match parse(&text) {
            Ok(template) => prop_assert!(template.mentions().all(|(m, _)| is_key(m.key))),
            Err(flaw) => prop_assert!(!flaw.to_string().is_empty()),
        }
    }

    #[test]
    fn finding_and_resolving_agree(value in any_json()) {
        let found = find(&value);
        let resolved = resolve(&value, |_, _| Some(Value::from(1)));
        prop_assert_eq!(found.is_ok(), resolved.is_ok());
        if matches!(&found, Ok(uses) if uses.is_empty()) {
            prop_assert_eq!(resolve(&value, |_, _| None), resolved);
        }
    }
}

#[test]
fn a17_an_output_is_what_an_instance_yields_and_nothing_that_a_language_adds() {
    for key in ["toString", "constructor", "hasOwnProperty", "length", "endpoints.length", "port.toFixed"] {
        let refused = resolve(&json!({ "x": format!("@db.{key}"), "y": "z" }), outputs).unwrap_err();
        assert_eq!(refused.pointer, "/x", "{key}");
        assert!(matches!(refused.why, Why::Missing { .. } | Why::NothingThere { .. }), "{key}: {refused}");
        assert!(resolve(&json!(format!("${{db.{key}}}")), outputs).is_err(), "{key}");
    }
    assert!(resolve(&json!("@db.__proto__"), outputs).is_err());
    assert!(member(&json!({}), "__proto__").is_none());
}
