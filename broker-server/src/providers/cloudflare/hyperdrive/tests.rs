//! What follows from a look.

use super::*;

fn wanted(change: impl FnOnce(&mut Value)) -> Parameters {
    let mut wanted = json!({ "origin": {
        "scheme": "postgresql", "host": "db.example.com", "database": "shop", "user": "u", "password": "old",
    }});
    change(&mut wanted);
    serde_json::from_value(wanted).unwrap()
}

fn found() -> Configuration {
    serde_json::from_value(json!({ "id": "i", "name": "n", "origin": {
        "scheme": "postgres", "host": "db.example.com", "port": 5432, "database": "shop", "user": "u",
    }}))
    .unwrap()
}

fn next(wanted: &Parameters) -> Next<Change, Memory> {
    let memory = Configurations::memory("n", &self::wanted(|_| {}));
    let known = Known { name: "n".to_owned(), id: Some("i".to_owned()), memory, adopted: false };
    Configurations::next(&known, &found(), wanted)
}

#[test]
fn what_differs_is_changed_and_a_password_counts_only_when_it_is_another() {
    assert_eq!(next(&wanted(|_| {})), Next::Done);
    let other = wanted(|wanted| wanted["origin"]["password"] = json!("new"));
    assert_eq!(next(&other), Next::Change(Change::Origin, Configurations::memory("n", &other)));
    let moved = wanted(|wanted| wanted["origin"]["host"] = json!("other.example.com"));
    assert!(matches!(next(&moved), Next::Change(Change::Origin, _)));
    for tuned in [
        wanted(|wanted| wanted["caching"] = json!({ "disabled": true })),
        wanted(|wanted| wanted["connection_limit"] = json!(7)),
    ] {
        assert!(matches!(next(&tuned), Next::Change(Change::Tuning, _)), "{tuned:?}");
    }
}

#[test]
fn a_digest_tells_nothing_of_the_password_and_differs_between_instances() {
    let wanted = wanted(|_| {});
    assert!(!digest("n", &wanted.origin).contains("old"));
    assert_ne!(digest("n", &wanted.origin), digest("m", &wanted.origin));
}
