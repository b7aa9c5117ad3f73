//! An authority that does not hear what it is told, and one that takes back what it has given.

use std::time::{Duration, Instant};

use serde_json::json;
use sutler_broker_server::providers::ProviderError;
use sutler_broker_server::testing::pebble::Habits;
use sutler_catalog::domain::certificate::attribute;
use sutler_tests::acme::Hearing;

use super::instance::{Instance, both_names, parameters_of};
use super::place::{Place, ZONE};

const CANARY: &str = "CANARY-of-the-authority";

/// Provisions at an authority that never hears of a proof; gives what users are told.
async fn given_up(place: &Place, hearing: Hearing) -> String {
    place.gate.hear(hearing, u64::MAX);
    let started = Instant::now();
    let error = Instance::of(place.provider(), both_names()).provision().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(60), "that is for the authority's hour");
    let ProviderError::Failed { description, .. } = error else { panic!("{error:?}") };
    assert_eq!(place.proofs().await, [""; 0], "what stood in the DNS is removed");
    assert_eq!(place.gate.certificates().len(), 0);
    description
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_refuses_to_hear_of_a_proof_is_told_again() {
    let place = Place::new(Habits::default()).await;
    place.gate.hear(Hearing::Refuses(CANARY), 2);
    Instance::of(place.provider(), both_names()).provision().await.unwrap();
    assert_eq!(place.gate.unheard(), 2);
    assert_eq!(place.gate.certificates().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_goes_on_refusing_to_hear_of_a_proof_is_given_up_soon_and_with_the_reason() {
    let place = Place::new(Habits::default()).await;
    let told = given_up(&place, Hearing::Refuses(CANARY)).await;
    assert!(told.contains("could not announce the proof, which"), "{told}");
    assert!(told.contains("HTTP status 400") && !told.contains(CANARY), "{told}");
    assert_eq!(place.gate.unheard(), 4, "once, and three times again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_the_authority_does_not_begin_to_look_at_is_announced_again() {
    let place = Place::new(Habits::default()).await;
    place.gate.hear(Hearing::Forgets, 1);
    Instance::of(place.provider(), both_names()).provision().await.unwrap();
    assert_eq!(place.gate.unheard(), 1);
    assert_eq!(place.gate.certificates().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_never_begins_to_look_is_not_waited_for_as_if_it_did() {
    let place = Place::new(Habits::default()).await;
    let told = given_up(&place, Hearing::Forgets).await;
    assert!(told.contains("was told 4 times that the TXT record _acme-challenge.example.org"), "{told}");
    assert_eq!(place.gate.unheard(), 8, "two proofs, four times each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_others_have_revoked_is_told_and_replaced() {
    let place = Place::new(Habits::default()).await;
    let mut instance = Instance::of(place.provider(), json!({ "names": [ZONE] }));
    let first = instance.provision().await.unwrap();
    assert_eq!(instance.drift().await, None);
    assert_eq!(instance.update(json!({ "names": [ZONE] })).await.unwrap(), first, "nothing is due");

    // somebody else with the account's key
    let mut others = Instance::of(place.provider(), json!({ "names": [ZONE], "revoke_on_delete": true }));
    others.facts.record.clone_from(&instance.facts.record);
    others.deprovision().await.unwrap();
    let serial = first[attribute::SERIAL].as_str().unwrap();
    assert_eq!(place.pebble.status(serial).await.unwrap().as_deref(), Some("Revoked"));

    assert_eq!(instance.drift().await, None, "what the authority said is believed as long as it says");
    instance.provider = place.provider();
    let told = instance.drift().await.expect("told");
    assert!(told.as_str().unwrap().starts_with("due now"), "{told}");
    let second = instance.update(json!({ "names": [ZONE] })).await.unwrap();
    assert_ne!(first[attribute::SERIAL], second[attribute::SERIAL]);
    assert_eq!(instance.drift().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_cannot_read_what_to_revoke_says_so_and_goes_on_without() {
    let place = Place::new(Habits::default()).await;
    let revoking = json!({ "names": [ZONE], "revoke_on_delete": true });
    let mut instance = Instance::of(place.provider(), revoking);
    let first = instance.provision().await.unwrap();
    let mut record = instance.facts.record.as_ref().unwrap().0.clone();
    record["issued"]["chain"] = json!("damaged");
    instance.facts.record = Some(sutler_broker_server::providers::Record::of(&record).unwrap());
    let ProviderError::Failed { description, .. } = instance.deprovision().await.unwrap_err() else {
        panic!("not failed")
    };
    assert!(description.contains("is damaged"), "{description}");
    assert!(description.contains("set revoke_on_delete to false"), "{description}");
    instance.facts.parameters = parameters_of(json!({ "names": [ZONE] }));
    instance.deprovision().await.unwrap();
    let serial = first[attribute::SERIAL].as_str().unwrap();
    assert_eq!(place.pebble.status(serial).await.unwrap().as_deref(), Some("Valid"));
}
