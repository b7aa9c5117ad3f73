//! Zones and records at DNSimple.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::dnsimple as at_dnsimple;
use sutler_broker_server::providers::{Provider, Refusal};

use super::{Hoard, Pages, all, goes_alone, is_found_and_taken_over};
use crate::dnsimple;
use crate::engine::{Engine, refusal};

#[tokio::test]
async fn zones_at_dnsimple() {
    let vendor = dnsimple::Vendor::start().await;
    for number in 0..101 {
        vendor.domain(&format!("stray-{number}.example"));
    }
    let provider: Arc<dyn Provider> = Arc::new(at_dnsimple::DomainZone::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (101, Pages::Several), "stray-7.example");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let mut other = Engine::new(provider, &json!({ "name": "stray-8.example" }));
    let id = all(&other).await.0.iter().find(|thing| thing.name == "stray-9.example").unwrap().id.clone();
    let ended = other.adopt(&id).await;
    let (why, told) = refusal(&ended).unwrap();
    assert!(why == Refusal::Unsupported && told.contains("stray-9.example"), "{told}");
    for absent in ["999999", "stray-9.example", "../../whoami", ""] {
        assert_eq!(other.discovery().object(absent).await.unwrap(), None, "{absent}");
        assert_eq!(refusal(&other.adopt(absent).await).unwrap().0, Refusal::Unsupported, "{absent}");
    }
}

#[tokio::test]
async fn records_by_name_and_type_at_dnsimple() {
    let vendor = dnsimple::Vendor::start().await;
    let make = |zone: &str, record: Value| vendor.somebody("records.create", &[("zone", zone)], record);
    for number in 0..7 {
        let zone = format!("zone-{number}.example");
        vendor.domain(&zone);
        make(&zone, json!({ "name": "www", "type": "A", "content": "192.0.2.1", "ttl": 300 }));
        make(&zone, json!({ "name": "www", "type": "A", "content": "192.0.2.2", "ttl": 300 }));
        make(&zone, json!({ "name": "", "type": "URL", "content": "https://example.com" }));
        make(&zone, json!({ "name": "odd", "type": "TXT", "content": "one", "ttl": 60 }));
        make(&zone, json!({ "name": "odd", "type": "TXT", "content": "two", "ttl": 90 }));
    }
    make(
        "zone-6.example",
        json!({ "name": "", "type": "MX", "content": "mail.example.com", "priority": 10 }),
    );
    let provider: Arc<dyn Provider> = Arc::new(at_dnsimple::DomainRecord::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (22, Pages::Several), "zone-6.example MX");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let (found, _) = all(&Engine::new(provider.clone(), &json!({}))).await;
    assert_eq!(found.iter().filter(|thing| thing.not_adoptable.is_some()).count(), 14);
    let pair = found.iter().find(|thing| thing.name == "www.zone-3.example A").unwrap();
    assert_eq!(pair.parameters["values"], json!(["192.0.2.1", "192.0.2.2"]));
    let adopt = async |parameters: Value, id: &str| {
        let mut engine = Engine::new(provider.clone(), &parameters);
        engine.adopt(id).await
    };
    let mut wanted = Value::Object(pair.parameters.clone());
    for (field, value) in
        [("ttl", json!(60)), ("values", json!(["192.0.2.1"])), ("zone", json!("zone-4.example"))]
    {
        let mut unlike = wanted.clone();
        unlike[field] = value;
        let ended = adopt(unlike, &pair.id).await;
        assert_eq!(refusal(&ended).unwrap().0, Refusal::Unsupported, "{field}");
    }
    adopt(wanted.clone(), &pair.id).await.unwrap();
    let odd = found.iter().find(|thing| thing.name == "odd.zone-3.example TXT").unwrap();
    wanted["name"] = json!("odd.zone-3.example");
    assert!(refusal(&adopt(wanted.clone(), &odd.id).await).unwrap().1.contains("different times"));
    for absent in ["zone-3.example/nobody/A", "zone-9.example/www/A", "../../whoami", ""] {
        assert_eq!(
            refusal(&adopt(wanted.clone(), absent).await).unwrap().0,
            Refusal::Unsupported,
            "{absent}"
        );
    }
}
