//! What follows from a look.

use super::*;

fn wanted(more: Value) -> Parameters {
    let mut wanted = json!({ "zone_id": "z", "from_host": "www.example.com", "to_host": "example.com" });
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    serde_json::from_value(wanted).unwrap()
}

#[test]
fn a_rule_says_whom_it_meets_and_where_it_leads() {
    let made = rule("osb-1", &wanted(json!({})));
    assert_eq!(made["expression"], "(http.host eq \"www.example.com\")");
    let to = &made["action_parameters"]["from_value"];
    assert_eq!(to["target_url"]["expression"], "concat(\"https://example.com\", http.request.uri.path)");
    let bare = rule("osb-1", &wanted(json!({ "preserve_path": false, "status": 302 })));
    let to = &bare["action_parameters"]["from_value"];
    assert_eq!(
        (&to["target_url"]["value"], &to["status_code"]),
        (&json!("https://example.com/"), &json!(302))
    );
}

#[test]
fn only_a_rule_that_differs_is_changed() {
    let mut shown = rule("osb-1", &wanted(json!({})));
    shown["id"] = json!("i");
    let known = Known { name: "osb-1".to_owned(), id: Some("i".to_owned()), memory: (), adopted: false };
    let next = |shown: &Value, wanted: &Parameters| {
        Redirects::next(&known, &serde_json::from_value(shown.clone()).unwrap(), wanted)
    };
    assert_eq!(next(&shown, &wanted(json!({}))), Next::Done);
    let other = wanted(json!({ "to_host": "example.org" }));
    assert_eq!(next(&shown, &other), Next::Change(rule("osb-1", &other), ()));
    shown["enabled"] = json!(false);
    assert!(matches!(next(&shown, &wanted(json!({}))), Next::Change(..)));
    assert_eq!(Redirects::problems(&wanted(json!({ "to_host": "www.example.com" }))).len(), 1);
}
