//! What follows from a look.

use super::*;

fn widget(secret: &str) -> Widget {
    serde_json::from_value(json!({
        "sitekey": "s", "name": "n", "domains": ["b.example", "a.example"], "mode": "managed",
        "clearance_level": "no_clearance", "secret": secret, "ephemeral_id": true,
    }))
    .unwrap()
}

fn wanted(more: &Value) -> Parameters {
    let mut wanted = json!({ "domains": ["a.example", "b.example"] });
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    serde_json::from_value(wanted).unwrap()
}

fn known(version: u32, replaces: Option<&str>) -> Known<Memory> {
    let replaces = replaces.map(|secret| digest(&secret.into()));
    Known {
        name: "n".to_owned(),
        id: Some("s".to_owned()),
        memory: Memory { version, replaces },
        adopted: false,
    }
}

#[test]
fn a_new_secret_is_asked_for_once_whatever_answer_is_lost() {
    let second = wanted(&json!({ "secret_version": 2 }));
    // what is to be replaced is written down first
    let written = known(1, Some("old")).memory;
    assert_eq!(Widgets::next(&known(1, None), &widget("old"), &second), Next::Remember(written.clone()));
    assert_eq!(
        Widgets::next(&known(1, Some("old")), &widget("old"), &second),
        Next::Change(Change::Secret, written)
    );
    // whether the answer came or not: the secret is another one
    let done = Memory { version: 2, replaces: None };
    assert_eq!(Widgets::next(&known(1, Some("old")), &widget("new"), &second), Next::Remember(done));
    assert_eq!(Widgets::next(&known(2, None), &widget("new"), &second), Next::Done);
}

#[test]
fn the_order_of_domains_means_nothing_and_what_others_switched_on_stays() {
    assert_eq!(Widgets::next(&known(1, None), &widget("s"), &wanted(&json!({}))), Next::Done);
    let invisible = wanted(&json!({ "mode": "invisible" }));
    let Next::Change(Change::Settings(sent), _) = Widgets::next(&known(1, None), &widget("s"), &invisible)
    else {
        panic!("the mode differs")
    };
    assert_eq!(sent["mode"], "invisible");
    assert_eq!(sent["ephemeral_id"], true);
    assert!(sent.get("bot_fight_mode").is_none());
    let drift = Widgets::drift(&known(1, None), &widget("s"), &invisible);
    assert_eq!(drift.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(), ["mode"]);
}
