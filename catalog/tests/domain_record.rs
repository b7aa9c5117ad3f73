//! What we offer as `domain-record`: ids never change unseen, and each plan takes what it should.

use std::{fs, path::Path};

use serde_json::{Value, json};
use sutler_catalog::{
    Index, Input, Limits,
    domain::record::{self, Backend},
};
use sutler_spec::Catalog;

fn catalog(backends: &[Backend]) -> Catalog {
    Catalog { services: vec![record::offering(backends).service().clone()] }
}

#[test]
fn the_offering_changes_only_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/domain-record.json");
    let written = format!("{:#}\n", serde_json::to_value(catalog(&Backend::ALL)).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == written,
        "tests/domain-record.json differs; if that is intended: UPDATE_GOLDEN=1 cargo test"
    );
}

#[test]
fn it_can_be_served_whoever_is_configured() {
    for backends in [&Backend::ALL[..], &[Backend::Cloudflare], &[Backend::Dnsimple], &[Backend::Rfc2136]] {
        let index = Index::check(catalog(backends), Limits::default()).expect("our own catalog");
        assert_eq!(index.warnings(), []);
        assert!(index.offerings().all(|service| service.plans.len() == backends.len()));
    }
}

#[test]
fn each_plan_takes_what_it_can_do_and_nothing_else() {
    let index = Index::check(catalog(&Backend::ALL), Limits::default()).expect("our own catalog");
    let takes = |plan: &str, parameters: &Value| {
        let service = index.offering(record::NAME).expect("the offering");
        let plan = service.plans.iter().find(|known| known.name == plan).expect("the plan");
        index.validator(&plan.id, Input::Provision).expect("a schema").validate(parameters).is_empty()
    };
    let own = json!({ "name": "www.example.com", "type": "A", "ttl": 60, "values": ["192.0.2.1"] });
    let with = |key: &str, value: Value| {
        let mut asked = own.clone();
        asked[key] = value;
        asked
    };
    assert!(takes("rfc2136", &own) && !takes("cloudflare", &own), "a zone has to be named at Cloudflare");
    let zoned = with("zone", json!("example.com"));
    assert!(takes("cloudflare", &zoned) && takes("dnsimple", &zoned) && !takes("rfc2136", &zoned));
    assert!(!takes("dnsimple", &own), "a zone has to be named at DNSimple");
    for (key, value, is_taken) in [
        ("type", json!("SRV"), true),
        ("type", json!("CAA"), true),
        ("type", json!("SOA"), false),
        ("ttl", json!(5), false),
        ("ttl", json!(100_000), false),
        ("values", json!([]), false),
        ("values", json!(["192.0.2.1", "192.0.2.1"]), false),
        ("values", json!([""]), false),
        ("name", json!("*.example.com"), true),
        ("name", json!("_dmarc.example.com"), true),
        ("name", json!("WWW.example.com"), false),
        ("name", json!("www.example.com."), false),
        ("name", json!("www"), false),
        ("proxied", json!(true), false),
    ] {
        assert_eq!(takes("rfc2136", &with(key, value.clone())), is_taken, "{key}: {value}");
    }
    let mut srv = zoned.clone();
    srv["type"] = json!("SRV");
    assert!(!takes("cloudflare", &srv) && takes("dnsimple", &srv));
}
