//! The fields of an object: what is asked for, where it stands at Stripe, and whether it can change.
//!
//! From one list of them follow the creation, the change, and the drift.

use serde_json::{Map, Value};

use crate::providers::FieldDrift;

/// One field.
#[derive(Debug, Clone)]
pub(in super::super) struct Field {
    /// The parameter it comes from.
    name: &'static str,
    /// Where it stands in bodies and in the object, as a JSON pointer.
    at: &'static str,
    /// What is asked for; `null` when nothing is, and nothing is to be there.
    wanted: Value,
    when: When,
    seen: Option<fn(&Value) -> Value>,
    told: bool,
}

/// Which calls take the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// It is fixed when the object is made.
    Creation,
    /// It is no part of a creation.
    Change,
}

impl Field {
    /// A field that can change, and be unset.
    pub(in super::super) fn new(name: &'static str, at: &'static str, wanted: impl Into<Value>) -> Self {
        Self { name, at, wanted: wanted.into(), when: When::Always, seen: None, told: true }
    }

    /// It is fixed when the object is made.
    pub(in super::super) fn fixed(self) -> Self {
        Self { when: When::Creation, ..self }
    }

    /// A creation does not take it; whatever is made has it at its usual value.
    pub(in super::super) fn not_in_creation(self) -> Self {
        Self { when: When::Change, ..self }
    }

    /// It is not read from where it is written.
    pub(in super::super) fn seen(self, read: fn(&Value) -> Value) -> Self {
        Self { seen: Some(read), ..self }
    }

    /// Stripe does not tell it.
    pub(in super::super) fn unseen(self) -> Self {
        Self { told: false, ..self }
    }

    /// The parameter, if it asks for something that Stripe does not tell.
    pub(super) fn untold(&self) -> Option<&'static str> {
        (!self.told && !self.wanted.is_null()).then_some(self.name)
    }

    fn found(&self, shown: &Value) -> Value {
        match self.seen {
            Some(read) => read(shown),
            None => shown.pointer(self.at).cloned().unwrap_or(Value::Null),
        }
    }

    fn is_as_wanted(&self, shown: &Value) -> bool {
        !self.told || is_same(&self.wanted, &self.found(shown))
    }
}

/// The body of a creation.
pub(super) fn creation(fields: &[Field]) -> Value {
    let mut body = Value::Object(Map::new());
    let sent = fields.iter().filter(|field| field.when != When::Change && !field.wanted.is_null());
    sent.for_each(|field| put(&mut body, field.at, field.wanted.clone()));
    body
}

/// The body of a change that makes the object what is asked for; `None` when it is, as far as it can change.
pub(super) fn change(fields: &[Field], shown: &Value) -> Option<Value> {
    let mut body = Value::Object(Map::new());
    let differing = fields.iter().filter(|field| field.when != When::Creation && !field.is_as_wanted(shown));
    for field in differing {
        // Stripe unsets what is sent empty
        let value = if field.wanted.is_null() { Value::from("") } else { field.wanted.clone() };
        put(&mut body, field.at, value);
    }
    body.as_object().is_some_and(|body| !body.is_empty()).then_some(body)
}

/// What differs from what was asked for.
pub(super) fn drift(fields: &[Field], shown: &Value) -> Vec<FieldDrift> {
    let differing = fields.iter().filter(|field| !field.is_as_wanted(shown));
    differing
        .map(|field| FieldDrift {
            field: field.name.to_owned(),
            wanted: field.wanted.clone(),
            found: field.found(shown),
        })
        .collect()
}

/// The first parameter that would have to change and cannot.
pub(super) fn fixed_change(present: &[Field], wanted: &[Field]) -> Option<&'static str> {
    let of = |at: &str| present.iter().find(|field| field.at == at);
    let fixed = wanted.iter().filter(|field| field.when == When::Creation);
    let mut changed =
        fixed.filter(|field| of(field.at).is_some_and(|present| !is_same(&field.wanted, &present.wanted)));
    changed.next().map(|field| field.name)
}

/// Whether what is there is what is asked for: without regard to order, to what is there besides, and to the ways of
/// writing a number and of there being nothing.
pub(in super::super) fn is_same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Null, found) => is_nothing(found),
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().all(|wanted| found.iter().any(|found| is_same(wanted, found)))
        }
        (Value::Object(wanted), found) => {
            wanted.iter().all(|(name, wanted)| is_same(wanted, found.get(name).unwrap_or(&Value::Null)))
        }
        (wanted, found) => wanted == found,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Puts a value at a JSON pointer, making the objects on the way.
fn put(body: &mut Value, at: &str, value: Value) {
    let mut place = body;
    for part in at.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else { return };
        place = fields.entry(part.to_owned()).or_insert(Value::Null);
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(description: Option<&str>, percentage: f64) -> Vec<Field> {
        vec![
            Field::new("name", "/name", "VAT"),
            Field::new("description", "/description", description),
            Field::new("percentage", "/percentage", percentage).fixed(),
            Field::new("mark", "/metadata/mark", "abc"),
            Field::new("disabled", "/disabled", false)
                .not_in_creation()
                .seen(|shown| json!(shown["status"] == "disabled")),
        ]
    }

    #[test]
    fn a_creation_says_what_is_asked_for_and_nothing_else() {
        let body = creation(&fields(None, 20.0));
        assert_eq!(body, json!({ "name": "VAT", "percentage": 20.0, "metadata": { "mark": "abc" } }));
    }

    #[test]
    fn a_change_says_only_what_differs_and_unsets_what_is_not_asked_for() {
        let mut shown = json!({
            "name": "VAT", "description": null, "percentage": 20, "metadata": { "mark": "abc", "theirs": "1" },
            "status": "enabled",
        });
        assert_eq!(change(&fields(None, 20.0), &shown), None);
        assert_eq!(drift(&fields(None, 20.0), &shown), []);
        shown["status"] = json!("disabled");
        shown["description"] = json!("old");
        shown["percentage"] = json!(19);
        let body = change(&fields(None, 20.0), &shown).unwrap();
        assert_eq!(body, json!({ "description": "", "disabled": false }));
        let names: Vec<String> =
            drift(&fields(None, 20.0), &shown).into_iter().map(|drift| drift.field).collect();
        assert_eq!(names, ["description", "percentage", "disabled"]);
    }

    #[test]
    fn what_is_fixed_is_named_when_it_would_have_to_change() {
        assert_eq!(fixed_change(&fields(None, 20.0), &fields(Some("x"), 20.0)), None);
        assert_eq!(fixed_change(&fields(None, 20.0), &fields(None, 19.0)), Some("percentage"));
    }

    #[test]
    fn order_and_ways_of_writing_make_no_difference() {
        for (wanted, found) in [
            (json!(["a", "b"]), json!(["b", "a"])),
            (json!(20), json!(20.0)),
            (json!(null), json!("")),
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 })),
        ] {
            assert!(is_same(&wanted, &found), "{wanted} {found}");
        }
        for (wanted, found) in [
            (json!(["a"]), json!(["a", "b"])),
            (json!("1"), json!(1)),
            (json!(null), json!(false)),
            (json!({ "a": 1 }), json!(null)),
        ] {
            assert!(!is_same(&wanted, &found), "{wanted} {found}");
        }
    }
}
