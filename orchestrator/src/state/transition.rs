//! What a change did to an instance, field by field: for people who ask what happened, and for whoever listens.
//!
//! A secret is seen as a keyed digest: that it changed is visible, what it is is not (I-31).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sutler_secrets::{Digest, Sealed};

use super::journal::{Hash, of_text};
use super::record::InstanceRecord;

/// One field that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Which: a path, such as `status`, `parameters.size` or `outputs.token`.
    pub field: String,
    /// What it was; nothing when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seen>,
    /// What it is; nothing when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Seen>,
}

/// A field's value, as far as everyone may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// In clear: what the record itself keeps in clear.
    Value(Value),
    /// The keyed digest of a secret.
    Secret(Digest),
    /// SHA-256 of something sealed that has no digest of its own: sealing it again shows as a change.
    Sealed(Hash),
}

/// The fields of a record.
pub(super) type Leaves = BTreeMap<String, Seen>;

/// What is left out: the ref and the clock are in the entry; of parameters, the digests tell.
const UNTOLD: [&str; 4] = ["reference", "created_at", "asked.parameters", "pending.parameters"];
/// Of the generation before it, which one it is: what it was like has been told already.
const PREVIOUS: &str = "previous";
/// What are digests of secrets, themselves or all that is below.
const DIGESTS: [(&str, &str); 5] = [
    ("asked.inputs", "inputs"),
    ("pending.inputs", "pending.inputs"),
    ("asked.parameter_digests", "parameters"),
    ("pending.parameter_digests", "pending.parameters"),
    ("sink_digest", "sinks"),
];

/// Every field that differs, in the order of their paths. Pure.
pub(super) fn transitions(old: &Leaves, new: &Leaves) -> Vec<Transition> {
    let fields = old.keys().chain(new.keys().filter(|field| !old.contains_key(*field)));
    let mut changed: Vec<Transition> = fields
        .filter_map(|field| {
            let (from, to) = (old.get(field).cloned(), new.get(field).cloned());
            (from != to).then(|| Transition { field: field.clone(), from, to })
        })
        .collect();
    changed.sort_unstable_by(|one, other| one.field.cmp(&other.field));
    changed
}

/// The fields of a record, as far as everyone may see them; of secrets, keyed digests.
#[must_use]
pub fn fields(record: &InstanceRecord) -> BTreeMap<String, Seen> {
    serde_json::to_value(record).map(|value| leaves(&value)).unwrap_or_default()
}

/// The fields of a record as it is stored.
pub(super) fn leaves(record: &Value) -> Leaves {
    let mut found = Leaves::new();
    for (name, value) in record.as_object().into_iter().flatten() {
        visit(name, value, &mut found);
    }
    found
}

fn visit(path: &str, value: &Value, found: &mut Leaves) {
    if UNTOLD.contains(&path) || value.is_null() {
        return;
    }
    if path == PREVIOUS {
        if let Some(id) = value.get("instance_id") {
            found.insert(path.to_owned(), Seen::Value(id.clone()));
        }
        return;
    }
    if let Some((_, told)) = DIGESTS.iter().find(|(stored, _)| *stored == path) {
        return digests(told, value, found);
    }
    match value {
        Value::Object(members) => object(path, members, found),
        Value::String(text) if Sealed::from_text(text).is_ok() => {
            found.insert(path.to_owned(), Seen::Sealed(of_text(text)));
        }
        value => {
            found.insert(path.to_owned(), Seen::Value(value.clone()));
        }
    }
}

fn object(path: &str, members: &Map<String, Value>, found: &mut Leaves) {
    if let Some(output) = path.strip_prefix("outputs.").and_then(|_| output(members)) {
        found.insert(path.to_owned(), output);
        return;
    }
    for (name, member) in members {
        // `status: { is: ready }` is told as `status`, what comes with it as `status.operation`.
        if name == "is" {
            visit(path, member, found)
        } else {
            visit(&format!("{path}.{name}"), member, found)
        }
    }
}

/// An output is told by its value when that is public, by its digest otherwise.
fn output(members: &Map<String, Value>) -> Option<Seen> {
    let digest = members.get("digest")?.as_str()?.parse().ok()?;
    Some(members.get("public").map_or(Seen::Secret(digest), |value| Seen::Value(value.clone())))
}

fn digests(path: &str, value: &Value, found: &mut Leaves) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                digests(&format!("{path}.{name}"), member, found);
            }
        }
        Value::String(text) => {
            if let Ok(digest) = text.parse() {
                found.insert(path.to_owned(), Seen::Secret(digest));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sutler_secrets::KeyRing;

    use super::*;
    use crate::state::samples::{CANARY, record, reference, vault};
    use crate::state::seal::Secrecy;
    use crate::state::status::Status;
    use crate::state::{State, samples::stack};

    fn of(record: &InstanceRecord) -> Leaves {
        leaves(&serde_json::to_value(record).unwrap())
    }

    fn told(old: &InstanceRecord, new: &InstanceRecord) -> Vec<(String, Option<Seen>, Option<Seen>)> {
        transitions(&of(old), &of(new)).into_iter().map(|one| (one.field, one.from, one.to)).collect()
    }

    fn value(value: Value) -> Option<Seen> {
        Some(Seen::Value(value))
    }

    #[test]
    fn equal_records_have_no_transition() {
        assert_eq!(told(&record("db"), &{ record("db") }).iter().filter(|one| one.0 == "status").count(), 0);
        let one = record("db");
        assert!(told(&one, &one.clone()).is_empty());
    }

    #[test]
    fn a_status_is_one_field_and_its_operation_another() {
        let old = record("db");
        let mut new = old.clone();
        new.status = Status::Ready;
        assert_eq!(
            told(&old, &new),
            [("status".to_owned(), value(json!("intended")), value(json!("ready")))]
        );
        new.status = Status::Provisioning { operation: Some(sutler_spec::Operation::new("op-7").unwrap()) };
        let fields: Vec<_> = told(&old, &new).into_iter().map(|one| (one.0, one.2)).collect();
        let expected = [
            ("status".to_owned(), value(json!("provisioning"))),
            ("status.operation".to_owned(), value(json!("op-7"))),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn i_31_a_rotated_secret_is_a_change_although_nobody_sees_it() {
        let vault = vault(&State::empty(stack("shop")));
        let digest = |text: &str| vault.ring().digest("output", text.as_bytes());
        let with = |text: &str| {
            let mut record = record("db");
            let place = (&reference("db"), "token");
            let output = vault.output(place, (json!(text), digest(text)), Secrecy::Secret);
            record.outputs = [("token".to_owned(), output)].into();
            record
        };
        let (old, mut new) = (with("hunter2"), with("hunter3"));
        new.asked = old.asked.clone();
        new.instance_id = old.instance_id.clone();
        let seen = |text: &str| Some(Seen::Secret(digest(text)));
        assert_eq!(told(&old, &new), [("outputs.token".to_owned(), seen("hunter2"), seen("hunter3"))]);
        // the same secret, sealed again, is no change
        let mut again = with("hunter2");
        again.asked = old.asked.clone();
        again.instance_id = old.instance_id.clone();
        assert!(told(&old, &again).is_empty());
    }

    #[test]
    fn parameters_are_told_by_their_digests_only() {
        let leaves = of(&record("db"));
        assert!(matches!(leaves.get("parameters.size"), Some(Seen::Secret(_))), "{leaves:?}");
        assert!(matches!(leaves.get("inputs"), Some(Seen::Secret(_))));
        let text = serde_json::to_string(&leaves).unwrap();
        assert!(!text.contains(CANARY) && !text.contains("sutler:v1"), "{text}");
    }

    #[test]
    fn what_is_public_is_told_in_clear_and_what_is_gone_has_no_value() {
        let ring = KeyRing::generate(jiff::Timestamp::now());
        let old = json!({ "outputs": { "id": { "digest": ring.digest("o", b"1"), "public": { "n": 1 } } }, "x": [1] });
        let new = json!({ "outputs": {}, "x": [1, 2] });
        let told = transitions(&leaves(&old), &leaves(&new));
        let fields: Vec<_> =
            told.iter().map(|one| (one.field.as_str(), one.from.clone(), one.to.clone())).collect();
        let expected =
            [("outputs.id", value(json!({ "n": 1 })), None), ("x", value(json!([1])), value(json!([1, 2])))];
        assert_eq!(fields, expected);
    }

    #[test]
    fn something_sealed_that_nobody_knows_is_told_by_what_it_looks_like() {
        let vault = vault(&State::empty(stack("shop")));
        let seal = || vault.seal_parameters(&reference("db"), &json!(CANARY)).to_text();
        let told = transitions(&leaves(&json!({ "new": seal() })), &leaves(&json!({ "new": seal() })));
        assert!(matches!(told[0].to, Some(Seen::Sealed(_))), "{told:?}");
    }
}
