//! What follows from a look.

use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned())).collect()
}

fn next(added: &[(&str, &str)], found: &[(&str, &str)], wanted: &[(&str, &str)]) -> Next<Change, Memory> {
    let memory = Memory { added: map(added), looks: 0 };
    let known = Known { name: "n".to_owned(), id: Some("n".to_owned()), memory, adopted: false };
    let shown = json!({ "name": "n", "config": { "dimensions": 3, "metric": "cosine" } });
    let found = Index { shown: serde_json::from_value(shown).unwrap(), properties: map(found) };
    let indexes: Vec<Value> =
        wanted.iter().map(|(name, of)| json!({ "property": name, "type": of })).collect();
    let wanted = json!({ "dimensions": 3, "metric": "cosine", "metadata_indexes": indexes });
    Indexes::next(&known, &found, &serde_json::from_value(wanted).unwrap())
}

#[test]
fn properties_are_added_and_only_ours_removed() {
    let a = [("a", "string")];
    assert_eq!(next(&[], &[], &[]), Next::Done);
    assert_eq!(next(&a, &a, &a), Next::Done);
    let added = |changed| Memory { added: map(changed), looks: 0 };
    // what somebody else added stays, and one that is as wanted is ours from now on
    assert_eq!(next(&[], &[("b", "number")], &[]), Next::Done);
    assert_eq!(next(&[], &a, &a), Next::Remember(added(&a)));
    assert_eq!(next(&[], &[], &a), Next::Change(Change::Add("a".into(), "string".into()), added(&a)));
    assert_eq!(next(&a, &a, &[]), Next::Change(Change::Remove("a".into()), added(&[])));
    // other values: first away with it, then anew
    assert_eq!(next(&a, &a, &[("a", "number")]), Next::Change(Change::Remove("a".into()), added(&[])));
    assert!(matches!(next(&[], &a, &[("a", "number")]), Next::Failed(_)));
}

#[test]
fn what_cloudflare_was_told_and_does_not_list_yet_is_waited_for() {
    let a = [("a", "string")];
    assert!(matches!(next(&a, &[], &a), Next::Wait(Memory { looks: 1, .. }, _)));
}

#[test]
fn either_a_preset_or_a_shape() {
    let problems = |wanted: Value| Indexes::problems(&serde_json::from_value(wanted).unwrap());
    assert!(problems(json!({ "preset": "openai/text-embedding-ada-002" })).is_empty());
    assert!(problems(json!({ "dimensions": 3, "metric": "dot-product" })).is_empty());
    assert!(problems(json!({}))[0].starts_with("dimensions: "));
    assert!(problems(json!({ "dimensions": 3 }))[0].starts_with("dimensions: "));
    let both = json!({ "preset": "openai/text-embedding-ada-002", "metric": "cosine" });
    assert!(problems(both)[0].starts_with("preset: "));
}
