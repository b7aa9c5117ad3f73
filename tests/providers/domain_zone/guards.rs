//! What a zone at DNSimple tells, and what keeps it from being deleted.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::dnsimple::DomainZone;
use sutler_broker_server::providers::{Observation, ProviderError, Refusal};

use super::NAME;
use crate::dnsimple::Vendor;
use crate::drive::Instance;

fn zone(vendor: &Vendor, wanted: Value) -> Instance {
    Instance::new(Arc::new(DomainZone::new(&vendor.client())), "dnsimple", wanted)
}

fn has_domain(vendor: &Vendor) -> bool {
    vendor.control().things().iter().any(|found| found.name == NAME)
}

fn refused(ended: &Result<(), ProviderError>) -> &str {
    match ended {
        Err(ProviderError::Refused { refusal: Refusal::Protected, description }) => description,
        other => panic!("not refused: {other:?}"),
    }
}

async fn attributes(instance: &Instance) -> Value {
    match instance.fetch().await.unwrap() {
        Observation::Found { attributes, .. } => Value::Object(attributes),
        other => panic!("not there: {other:?}"),
    }
}

#[tokio::test]
async fn a_zone_tells_its_name_servers_and_that_nobody_knows_of_its_delegation() {
    let vendor = Vendor::start().await;
    let mut instance = zone(&vendor, json!({ "name": NAME }));
    instance.provision().await.unwrap();
    let told = attributes(&instance).await;
    assert_eq!((&told["zone_id"], &told["status"]), (&json!(NAME), &json!("hosted")));
    assert_eq!(told["name_servers"].as_array().unwrap().len(), 4);
    assert!(told.get("delegated").is_none(), "its registrar is another: {told}");
}

#[tokio::test]
async fn a_zone_with_records_is_kept_until_it_is_not_protected_any_more() {
    let vendor = Vendor::start().await;
    let mut instance = zone(&vendor, json!({ "name": NAME }));
    instance.provision().await.unwrap();
    let record = json!({ "name": "www", "type": "A", "content": "192.0.2.1" });
    vendor.somebody("records.create", &[("zone", NAME)], record);
    let ended = instance.deprovision().await;
    assert!(refused(&ended).contains("protect"), "{ended:?}");
    assert!(has_domain(&vendor));
    instance.update(json!({ "name": NAME, "protect": false })).await.unwrap();
    instance.deprovision().await.unwrap();
    assert!(!has_domain(&vendor));
}

#[tokio::test]
async fn a_domain_that_was_registered_meanwhile_is_never_deleted() {
    let vendor = Vendor::start().await;
    let mut instance = zone(&vendor, json!({ "name": NAME, "protect": false }));
    instance.provision().await.unwrap();
    let contact = json!({
        "first_name": "A", "last_name": "B", "email": "a@example.com", "phone": "+1.5555551234",
        "address1": "1 Street", "city": "C", "state_province": "D", "postal_code": "1", "country": "US",
    });
    let contact = vendor.somebody("contacts.create", &[], contact);
    vendor.somebody("registrar.register", &[("domain", NAME)], json!({ "registrant_id": contact["id"] }));
    let ended = instance.deprovision().await;
    assert!(refused(&ended).contains("registered at DNSimple"), "{ended:?}");
    assert!(has_domain(&vendor));
    assert_eq!(attributes(&instance).await["delegated"], true);
    vendor.somebody("registrar.delegate", &[("domain", NAME)], json!(["ns1.example.net"]));
    assert_eq!(attributes(&instance).await["delegated"], false);
}

#[tokio::test]
async fn a_domain_that_somebody_added_anew_is_left_alone() {
    let vendor = Vendor::start().await;
    let mut instance = zone(&vendor, json!({ "name": NAME, "protect": false }));
    instance.provision().await.unwrap();
    vendor.somebody("domains.delete", &[("domain", NAME)], Value::Null);
    vendor.domain(NAME);
    assert!(matches!(instance.fetch().await.unwrap(), Observation::Gone));
    instance.deprovision().await.unwrap();
    assert!(has_domain(&vendor));
}
