//! What a registrar does and no other vendor: orders that wait for people, names that run out, nothing that is deleted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sutler_broker_server::providers::{
    FieldDrift, Observation, Policy, Provider, ProviderError, Refusal, cloudflare,
};
use sutler_tests::cloudflare::{Fault, FaultAction, Kind};

use super::drive::Instance;
use super::{EMAIL, STREET, but, policy, things, wanted};
use crate::cloudflare::Vendor;

fn provider(vendor: &Vendor) -> Arc<dyn Provider> {
    Arc::new(cloudflare::registration(&vendor.client(), policy()))
}

async fn bought(wanted: Value) -> (Vendor, Instance) {
    let vendor = Vendor::start().await;
    let mut instance = Instance::new(provider(&vendor), wanted);
    instance.provision().await.unwrap();
    (vendor, instance)
}

fn renews(vendor: &Vendor) -> Value {
    things(vendor, Kind::Registration)[0].shown["auto_renew"].clone()
}

#[tokio::test]
async fn an_order_that_waits_for_a_person_says_so() {
    let vendor = Vendor::start().await;
    let mut instance = Instance::new(provider(&vendor), wanted("action-shop.com"));
    let told = instance.provision_until("waits for a person").await;
    assert!(told.contains("confirm the message") && !told.contains(EMAIL), "{told}");
}

#[tokio::test]
async fn orders_that_are_blocked_or_shown_as_pending_are_waited_for() {
    for domain in ["blocked-shop.com", "pending-shop.com"] {
        let (_vendor, instance) = bought(wanted(domain)).await;
        let Observation::Found { attributes, drift } = instance.fetch().await.unwrap() else { panic!() };
        assert_eq!((&attributes["status"], drift), (&json!("active"), Vec::new()), "{domain}");
        let waited = instance.told.iter().any(|told| told.contains("third party"));
        assert_eq!(waited, domain.starts_with("blocked"), "{:?}", instance.told);
    }
}

/// An engine may come again after at most five minutes; the registrar is asked no earlier than the policy says.
#[tokio::test]
async fn a_blocked_order_is_looked_at_seldom_however_often_the_engine_comes() {
    assert_eq!(Policy::default().blocked_every, Duration::from_secs(15 * 60));
    let vendor = Vendor::start().await;
    let slow = Policy { blocked_every: Duration::from_millis(200), ..policy() };
    let provider = Arc::new(cloudflare::registration(&vendor.client(), slow));
    let mut instance = Instance::new(provider, wanted("blocked-shop.com"));
    instance.longest_wait = Duration::from_millis(10);
    instance.provision().await.unwrap();
    let comes = instance.told.iter().filter(|told| told.contains("third party")).count();
    let ledger = vendor.control().ledger();
    let looks = ledger.iter().filter(|entry| entry.operation.as_deref() == Some("registrar.status")).count();
    assert!(comes > looks, "it came {comes} times, and looked {looks} times in all");
}

#[tokio::test]
async fn an_order_that_fails_is_told_by_its_code_and_never_given_again() {
    let vendor = Vendor::start().await;
    let mut instance = Instance::new(provider(&vendor), wanted("failing-shop.com"));
    for _ in 0..2 {
        let error = instance.provision().await.unwrap_err();
        assert!(matches!(error, ProviderError::Failed { .. }), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("registry_rejected") && !told.contains("did not like"), "{told}");
    }
    let ledger = vendor.control().ledger();
    assert_eq!(
        ledger.iter().filter(|entry| entry.operation.as_deref() == Some("registrar.create")).count(),
        1
    );
    // nothing of it can be left to renew itself
    instance.deprovision().await.unwrap();
}

#[tokio::test]
async fn nothing_is_deleted_and_nothing_is_let_go_by_accident() {
    let (vendor, mut instance) = bought(but(wanted("shop.com"), json!({ "release": false }))).await;
    let refused = instance.deprovision().await.unwrap_err();
    let ProviderError::Refused { refusal: Refusal::Protected, description } = refused else {
        panic!("{refused:?}")
    };
    assert!(description.starts_with("release: "), "{description}");
    assert_eq!(renews(&vendor), json!(true));
    instance.update(wanted("shop.com")).await.unwrap();
    instance.left_over = Value::Null;
    instance.deprovision().await.unwrap();
    assert_eq!(renews(&vendor), json!(false), "it is there, and does not renew itself");
    assert_eq!(things(&vendor, Kind::Charge).len(), 1);
}

#[tokio::test]
async fn an_unfinished_order_is_let_go_when_it_has_come_to_its_end() {
    let vendor = Vendor::start().await;
    let mut instance = Instance::new(provider(&vendor), but(wanted("shop.com"), json!({ "release": false })));
    instance.provision_until("has taken the order").await;
    instance.deprovision().await.unwrap();
    assert_eq!(renews(&vendor), json!(false));
    assert!(instance.told.iter().any(|told| told.contains("cannot be taken back")), "{:?}", instance.told);
}

#[tokio::test]
async fn an_expired_domain_is_an_alarm_and_not_gone() {
    let (vendor, instance) = bought(wanted("shop.com")).await;
    for (status, word) in [
        ("expired", "expired"),
        ("redemption_period", "redemption"),
        ("suspended", "suspended"),
        ("pending_delete", "deleting"),
    ] {
        vendor.somebody("registrar.turn", &[("domain_name", "shop.com")], json!({ "status": status }));
        let Observation::Found { attributes, drift } = instance.fetch().await.unwrap() else {
            panic!("{status}")
        };
        assert_eq!(attributes["status"], json!(word));
        let expected = FieldDrift { field: "status".to_owned(), wanted: json!("active"), found: json!(word) };
        assert_eq!(drift, [expected]);
    }
}

#[tokio::test]
async fn a_domain_that_somebody_registered_anew_is_not_ours() {
    let (vendor, mut instance) = bought(wanted("shop.com")).await;
    let anew = json!({ "created_at": "2031-01-01T00:00:00Z" });
    vendor.somebody("registrar.turn", &[("domain_name", "shop.com")], anew);
    let Observation::Found { drift, .. } = instance.fetch().await.unwrap() else { panic!("it is there") };
    assert_eq!(drift[0].field, "domain");
    instance.left_over = Value::Null;
    instance.deprovision().await.unwrap();
    assert_eq!(renews(&vendor), json!(true), "it is left alone");
}

#[tokio::test]
async fn what_the_registrar_does_not_show_and_lists_is_not_gone() {
    let (vendor, instance) = bought(wanted("shop.com")).await;
    let nothing = json!({ "success": false, "errors": [{ "code": 1, "message": "no" }], "messages": [] });
    let absent = FaultAction::Answer(sutler_tests::cloudflare::CannedAnswer::json(404, nothing));
    vendor.control().add_fault(Fault::new("GET", "*/registrations/shop.com", absent));
    let unknown = instance.fetch().await;
    assert!(matches!(unknown, Err(ProviderError::Unavailable { .. })), "{unknown:?}");
}

#[tokio::test]
async fn renewal_is_changed_once_and_put_right_after_somebody_changed_it() {
    let (vendor, mut instance) = bought(but(wanted("shop.com"), json!({ "auto_renew": false }))).await;
    let patches = || {
        let ledger = vendor.control().ledger();
        ledger.iter().filter(|entry| entry.operation.as_deref() == Some("registrar.patch")).count()
    };
    assert_eq!((renews(&vendor), patches()), (json!(false), 0), "the order says it");
    vendor.control().add_fault(Fault::new("PATCH", "*", FaultAction::DropResponse));
    for _ in 0..2 {
        instance.left_over = Value::Null;
        instance.update(wanted("shop.com")).await.unwrap();
    }
    assert_eq!((renews(&vendor), patches()), (json!(true), 2), "once more for the answer that was lost");
    vendor.somebody("registrar.turn", &[("domain_name", "shop.com")], json!({ "auto_renew": false }));
    let Observation::Found { drift, .. } = instance.fetch().await.unwrap() else { panic!("it is there") };
    assert_eq!(drift[0].field, "auto_renew");
    instance.left_over = Value::Null;
    instance.update(wanted("shop.com")).await.unwrap();
    assert_eq!(renews(&vendor), json!(true));
}

#[tokio::test]
async fn a_registration_that_exists_is_taken_over_for_nothing_and_only_as_it_is() {
    let vendor = Vendor::start().await;
    for number in 0..51 {
        let name = format!("old-{number}.com");
        vendor.somebody("registrar.declare", &[("domain_name", &name)], json!({ "auto_renew": true }));
    }
    let provider = provider(&vendor);
    let discovery = provider.discovery().unwrap();
    let first = discovery.page(None).await.unwrap();
    let second = discovery.page(first.next.as_deref()).await.unwrap();
    assert_eq!((first.objects.len(), second.objects.len(), second.next), (50, 1, None));
    let thing = discovery.object("old-50.com").await.unwrap().unwrap();
    assert_eq!(thing.parameters["max_registration_cost"], json!("0.00"), "with these, nothing can be bought");
    let parameters = Value::Object(thing.parameters.clone());
    let mut other = Instance::new(provider.clone(), but(parameters.clone(), json!({ "auto_renew": false })));
    let refused = other.adopt("old-50.com").await.unwrap_err().to_string();
    assert!(refused.starts_with("auto_renew: "), "{refused}");
    let mut instance = Instance::new(provider.clone(), parameters.clone());
    let adopted = instance.adopt("old-50.com").await.unwrap();
    assert_eq!(adopted.attributes["domain"], json!("old-50.com"));
    assert_eq!(discovery.object_of(&instance.facts).as_deref(), Some("old-50.com"));
    // what is nobody's cannot be adopted, and is not bought with these parameters either
    let mut nobodys = Instance::new(provider, but(parameters, json!({ "domain": "free.com" })));
    nobodys.adopt("free.com").await.unwrap_err();
    let refused = nobodys.provision().await.unwrap_err().to_string();
    assert!(refused.starts_with("max_registration_cost: "), "{refused}");
    assert_eq!(things(&vendor, Kind::Charge).len(), 0);
}

#[tokio::test]
async fn whoever_registers_is_told_to_the_registrar_and_to_nobody_else() {
    let (vendor, mut instance) = bought(wanted("shop.com")).await;
    let ledger = vendor.control().ledger();
    let order = ledger.iter().find(|entry| entry.operation.as_deref() == Some("registrar.create")).unwrap();
    assert_eq!(order.request_body.as_ref().unwrap()["contacts"]["registrant"]["email"], json!(EMAIL));
    let Observation::Found { attributes, .. } = instance.fetch().await.unwrap() else {
        panic!("it is there")
    };
    let record = format!("{:?}", instance.facts.record.as_ref().map(|record| record.0.to_string()));
    let announced = instance.provider.announced(&instance.facts, &sutler_marker());
    let told = format!("{attributes:?} {record} {announced:?} {:?} {:?}", instance.told, instance.facts);
    assert!(!told.contains(EMAIL) && !told.contains(STREET), "{told}");
    instance.left_over = Value::Null;
    instance.deprovision().await.unwrap();
}

fn sutler_marker() -> sutler_broker_server::providers::Marker {
    sutler_broker_server::providers::Marker::for_instance(
        "installation",
        &sutler_spec::InstanceId::new("i").unwrap(),
    )
}

#[tokio::test]
async fn the_operators_limit_holds_whatever_was_confirmed() {
    let vendor = Vendor::start().await;
    let strict = Policy { at_most: Some(("10.43".parse().unwrap(), "USD".to_owned())), ..policy() };
    let provider = Arc::new(cloudflare::registration(&vendor.client(), strict));
    let refused = Instance::new(provider, wanted("shop.com")).provision().await.unwrap_err().to_string();
    assert!(refused.contains("operator of the broker"), "{refused}");
    assert_eq!(things(&vendor, Kind::Charge).len(), 0);
}
