//! What follows from what is held, and what is written down. Whole lives are in the tests against a real authority.

use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use sutler_catalog::domain::certificate::{KeyType, Parameters};

use super::{
    super::x509::make_key,
    data::{Damaged, Held, Issue, Issued, Past, Wanted},
    due::{Due, is_stale},
    problems,
};

fn wanted(value: Value) -> Parameters {
    serde_json::from_value(value).unwrap()
}

/// A certificate of so many days, held since now.
fn held(days: i64, parameters: &Parameters) -> Held {
    let key = make_key(KeyType::EcdsaP256).unwrap();
    let mut certificate = CertificateParams::new(parameters.names.clone()).unwrap();
    let now = std::time::SystemTime::now();
    certificate.not_before = now.into();
    certificate.not_after = (now + std::time::Duration::from_secs(days.unsigned_abs() * 86_400)).into();
    let pair = KeyPair::from_pem(key.expose()).unwrap();
    let chain = certificate.self_signed(&pair).unwrap().pem();
    Held {
        wanted: Wanted::from(parameters),
        issued: Issued { chain, key },
        replaced: Vec::new(),
        left: Vec::new(),
    }
}

fn after(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

#[test]
fn a_certificate_is_told_when_it_is_due_and_when_it_has_expired() {
    let parameters = wanted(json!({ "names": ["example.com"] }));
    let held = held(90, &parameters);
    let leaf = held.leaf().unwrap();
    let told = |days| Due::of(&leaf, &parameters, after(days)).map(|due| due.told().found);
    assert_eq!(told(59), None);
    assert_eq!(told(61), Some(json!("due for renewal")));
    assert_eq!(told(91), Some(json!("expired")));
}

#[test]
fn what_is_wanted_otherwise_or_due_is_issued_again_and_nothing_else() {
    let parameters = wanted(json!({ "names": ["example.com"], "edition": "1" }));
    let held = held(90, &parameters);
    let leaf = held.leaf().unwrap();
    let stale = |value: Value, days| is_stale(&held, &leaf, &wanted(value), after(days));
    assert!(!stale(json!({ "names": ["example.com"], "edition": "1" }), 0));
    assert!(!stale(json!({ "names": ["example.com"], "edition": "1", "revoke_on_delete": true }), 0));
    assert!(stale(json!({ "names": ["example.com"], "edition": "1" }), 61));
    assert!(stale(json!({ "names": ["example.com"], "edition": "1", "renew_before_days": 45 }), 46));
    assert!(stale(json!({ "names": ["example.com"], "edition": "2" }), 0));
    assert!(stale(json!({ "names": ["example.com"], "edition": "1", "key_type": "ecdsa-p384" }), 0));
    assert!(stale(json!({ "names": ["example.com", "www.example.com"], "edition": "1" }), 0));
}

#[test]
fn only_what_has_not_expired_is_there_to_be_revoked() {
    let parameters = wanted(json!({ "names": ["example.com"] }));
    let old = held(10, &parameters);
    let mut held = held(90, &parameters);
    held.replaced = old.living(Timestamp::now()).unwrap();
    let living = |days| held.living(after(days)).unwrap().len();
    assert_eq!((living(0), living(11), living(91)), (2, 1, 0));
    assert_eq!(held.replaced[0].der(), Ok(old.leaf().unwrap().der));
}

#[test]
fn what_is_written_down_and_damaged_is_never_taken_for_an_empty_certificate() {
    let parameters = wanted(json!({ "names": ["example.com"] }));
    let mut held = held(90, &parameters);
    let past = serde_json::to_value(&held.living(Timestamp::now()).unwrap()[0]).unwrap();
    let whole = past["der"].as_str().unwrap().to_owned();
    for damage in ["", "no base64!", &whole[..40], "bm90IGEgY2VydGlmaWNhdGU"] {
        let mut past = past.clone();
        past["der"] = json!(damage);
        let past: Past = serde_json::from_value(past).unwrap();
        let error = past.der().unwrap_err();
        assert_eq!(error, Damaged::Replaced(past.expires_at), "{damage}");
        assert!(error.to_string().contains("revoke_on_delete"), "what to do is said: {error}");
    }
    held.issued.chain.truncate(80);
    assert_eq!(held.living(Timestamp::now()), Err(Damaged::Held));
}

#[test]
fn a_name_that_a_wildcard_has_already_is_refused() {
    let said = |names: Value| problems(&wanted(json!({ "names": names })));
    assert_eq!(said(json!(["example.com", "*.example.com", "a.b.example.com"])), [""; 0]);
    let found = said(json!(["www.example.com", "*.example.com"]));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("names: www.example.com"), "{found:?}");
}

#[test]
fn an_issuance_is_written_down_whole_and_its_key_is_not_shown() {
    let parameters = wanted(json!({ "names": ["example.com"] }));
    let mut issue = Issue::new(Wanted::from(&parameters), Timestamp::now());
    let key = make_key(KeyType::EcdsaP256).unwrap();
    (issue.order, issue.key) = (Some("https://ca.example/order/1".to_owned()), Some(key.duplicate()));
    assert!(!format!("{issue:?}").contains("PRIVATE"), "{issue:?}");
    let read: Issue = serde_json::from_value(serde_json::to_value(&issue).unwrap()).unwrap();
    assert_eq!(read.order, issue.order);
    assert!(read.key.is_some_and(|read| read.expose().as_bytes().iter().eq(key.expose().as_bytes())));
    let without = read_again(&issue).without_order();
    assert!(without.order.is_none() && without.key.is_none() && without.planted == issue.planted);
}

fn read_again(issue: &Issue) -> Issue {
    serde_json::from_value(serde_json::to_value(issue).unwrap()).unwrap()
}
