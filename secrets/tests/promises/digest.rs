//! Equal digests mean equal content, and tell nothing else.

use std::io::Write;

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use sutler_secrets::{KeyRing, Tag, canonical_json};

use crate::now;

#[test]
fn a_digest_depends_on_key_domain_and_bytes() {
    let (ring, other) = (KeyRing::generate(now()), KeyRing::generate(now()));
    let digest = ring.digest("parameters", b"secret");
    assert_eq!(digest, ring.digest("parameters", b"secret"));
    assert_ne!(digest, other.digest("parameters", b"secret"));
    assert_ne!(digest, ring.digest("credentials", b"secret"));
    assert_ne!(digest, ring.digest("parameters", b"secrets"));
    assert_ne!(ring.digest("ab", b"c"), ring.digest("a", b"bc"));
    assert_eq!(Tag::from(digest), Tag::from(ring.digest("parameters", b"secret")));
}

#[test]
fn rotation_changes_no_digest() {
    let mut ring = KeyRing::generate(now());
    let before = ring.digest("parameters", b"secret");
    ring.rotate(now());
    assert_eq!(ring.digest("parameters", b"secret"), before);
}

#[test]
fn parts_are_kept_apart() {
    let ring = KeyRing::generate(now());
    let of = |parts: &[&str]| {
        let mut digester = ring.digester("list");
        parts.iter().for_each(|part| digester.part(part.as_bytes()));
        digester.finish()
    };
    assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    assert_ne!(of(&["abc"]), of(&["abc", ""]));
}

#[test]
fn json_that_means_the_same_has_the_same_digest() {
    let ring = KeyRing::generate(now());
    let one: Value = serde_json::from_str(r#"{ "a": 1, "b": "\u00e9" }"#).unwrap();
    let other: Value = serde_json::from_str(r#"{"b":"é","a":1.0}"#).unwrap();
    assert_eq!(ring.digest_json("parameters", &one), ring.digest_json("parameters", &other));
    assert_ne!(ring.digest_json("parameters", &json!("1")), ring.digest_json("parameters", &json!(1)));
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any::<String>(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The same value with all members in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Object(members) => {
            members.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect()
        }
        other => other.clone(),
    }
}

fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    canonical_json(value, &mut out).expect("writing to memory never fails");
    out
}

proptest! {
    #[test]
    fn the_canonical_form_is_json_and_stays_as_it_is(value in json_values()) {
        let once = canonical(&value);
        let read: Value = serde_json::from_slice(&once).unwrap();
        prop_assert_eq!(canonical(&read), once);
    }

    #[test]
    fn the_order_of_members_makes_no_difference(value in json_values()) {
        prop_assert_eq!(canonical(&reversed(&value)), canonical(&value));
    }

    #[test]
    fn how_the_bytes_are_cut_makes_no_difference(pieces in vec(vec(any::<u8>(), 0..100), 0..8)) {
        let ring = KeyRing::generate(now());
        let mut digester = ring.digester("stream");
        for piece in &pieces {
            digester.write_all(piece).unwrap();
        }
        prop_assert_eq!(digester.finish(), ring.digest("stream", &pieces.concat()));
    }
}
