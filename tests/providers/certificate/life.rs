//! What a certificate's user and operator see, step by step.

use std::time::Duration;

use serde_json::{Value, json};
use sutler_broker_server::providers::acme::AcmeConfig;
use sutler_broker_server::providers::contract::{Fault, Page};
use sutler_broker_server::providers::{Checkpoint, Progress, ProviderError, Refusal};
use sutler_broker_server::testing::bind::Bind;
use sutler_broker_server::testing::pebble::Habits;
use sutler_catalog::domain::certificate as offering;

use super::instance::{Instance, both_names, parameters_of};
use super::place::{Place, ZONE};

#[tokio::test(flavor = "multi_thread")]
async fn an_apex_and_its_wildcard_are_proven_at_one_name_and_the_records_are_removed() {
    let place = Place::new(Habits::default()).await;
    let mut instance = Instance::of(place.provider(), both_names());
    let mut checkpoint = Checkpoint::begin();
    let mut most = 0;
    let attributes = loop {
        match instance.step(&checkpoint, None).await.unwrap() {
            Progress::Next(next) => checkpoint = next,
            Progress::Pending { checkpoint: next, after, .. } => {
                tokio::time::sleep(after).await;
                checkpoint = next;
            }
            Progress::Done(made) => {
                instance.facts.record = Some(made.record);
                break made.attributes;
            }
        }
        most = most.max(place.proofs().await.len());
    };
    assert_eq!(most, 2, "both proofs stood at the same time");
    assert_eq!(place.proofs().await, [""; 0]);
    assert_eq!(place.gate.certificates().len(), 1);
    let serial = attributes[offering::attribute::SERIAL].as_str().unwrap();
    assert_eq!(place.pebble.status(serial).await.unwrap().as_deref(), Some("Valid"));

    let body = instance.bind().await.body;
    let credentials = Value::Object(body.credentials.unwrap().expose().clone());
    let chain = credentials[offering::output::CERTIFICATE_CHAIN].as_str().unwrap();
    assert!(chain.matches("BEGIN CERTIFICATE").count() >= 2, "{chain}");
    // a server can be run with what the binding gives
    let key = rcgen::KeyPair::from_pem(credentials[offering::output::PRIVATE_KEY].as_str().unwrap()).unwrap();
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
    let certificates =
        CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    assert!(body.metadata.unwrap().expires_at.is_some());

    instance.deprovision().await.unwrap();
    let status = place.pebble.status(serial).await.unwrap();
    assert_eq!(status.as_deref(), Some("Valid"), "revoked only if asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_revokes_the_certificate_and_those_it_replaced_if_asked_for() {
    let place = Place::new(Habits::default()).await;
    let wish = |edition: &str| json!({ "names": [ZONE], "revoke_on_delete": true, "edition": edition });
    let mut instance = Instance::of(place.provider(), wish("1"));
    let first = instance.provision().await.unwrap();
    let same = instance.update(wish("1")).await.unwrap();
    assert_eq!(first, same, "nothing is due");
    instance.facts.parameters = parameters_of(wish("2"));
    let second = instance.update(wish("2")).await.unwrap();
    assert_ne!(first, second);
    instance.deprovision().await.unwrap();
    for attributes in [first, second] {
        let serial = attributes[offering::attribute::SERIAL].as_str().unwrap();
        assert_eq!(place.pebble.status(serial).await.unwrap().as_deref(), Some("Revoked"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_due_is_told_and_renewed_by_an_update_that_changes_nothing() {
    let place = Place::new(Habits { lifetime: Duration::from_secs(20), ..Habits::default() }).await;
    let mut instance = Instance::of(place.provider(), json!({ "names": [ZONE] }));
    let first = instance.provision().await.unwrap();
    assert_eq!(instance.drift().await, None);
    let due = async {
        while instance.drift().await.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), due).await.unwrap();
    assert_eq!(instance.drift().await, Some(json!("due for renewal")));
    let second = instance.update(json!({ "names": [ZONE] })).await.unwrap();
    assert_ne!(first[offering::attribute::SERIAL], second[offering::attribute::SERIAL]);
    assert_eq!(place.gate.certificates().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_the_authority_does_not_find_is_told_and_removed() {
    let place = Place::new(Habits::default()).await;
    // the names are delegated to a server that the broker does not write to
    let elsewhere = Bind::start(&[ZONE]).await.unwrap();
    let mut instance = Instance::of(place.provider_with(&place.config(), &elsewhere), both_names());
    let ProviderError::Failed { description, .. } = instance.provision().await.unwrap_err() else {
        panic!("not failed")
    };
    assert!(description.contains("_acme-challenge.example.org"), "{description}");
    assert!(description.contains("delegated"), "{description}");
    let left = elsewhere.records(ZONE).await.unwrap();
    assert!(left.iter().all(|line| !line.contains(" TXT ")), "{left:?}");
    assert_eq!(place.gate.certificates().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonces_that_the_authority_does_not_like_are_replaced() {
    let place = Place::new(Habits { rejected_nonces: 30, ..Habits::default() }).await;
    let mut instance = Instance::of(place.provider(), both_names());
    instance.provision().await.unwrap();
    assert!(place.gate.calls().iter().any(|seen| seen.status == 400), "no nonce was rejected");
    assert_eq!(place.gate.certificates().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_elsewhere_is_told_or_its_lack() {
    let place = Place::new(Habits { external_accounts_only: true, ..Habits::default() }).await;
    let mut without = Instance::of(place.provider(), both_names());
    let error = without.provision().await.unwrap_err();
    let ProviderError::Refused { refusal: Refusal::Credentials, description } = error else {
        panic!("{error:?}")
    };
    assert!(description.contains("external_account"), "{description}");
    let provider = place.provider_with(&place.with_external_account(), &place.bind);
    Instance::of(provider, both_names()).provision().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_agreement_to_the_terms_there_is_no_account() {
    let place = Place::new(Habits::default()).await;
    let config = AcmeConfig { terms_of_service_agreed: false, ..place.config() };
    let mut instance = Instance::of(place.provider_with(&config, &place.bind), both_names());
    let error = instance.provision().await.unwrap_err();
    let ProviderError::Refused { refusal: Refusal::Credentials, description } = error else {
        panic!("{error:?}")
    };
    assert!(description.contains("terms_of_service_agreed"), "{description}");
    assert_eq!(place.gate.changes(), 0);
    // an account that exists already is used
    Instance::of(place.provider(), both_names()).provision().await.unwrap();
    instance.provision().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_limits_orders_is_waited_for_as_long_as_it_says() {
    let place = Place::new(Habits::default()).await;
    let instance = Instance::of(place.provider(), both_names());
    let Ok(Progress::Next(register)) = instance.step(&Checkpoint::begin(), None).await else {
        panic!("no account is made")
    };
    let Ok(Progress::Next(order)) = instance.step(&register, None).await else {
        panic!("nothing is ordered")
    };
    assert_eq!((register.step.as_str(), order.step.as_str()), ("register", "order"));
    let body = json!({ "type": "urn:ietf:params:acme:error:rateLimited", "detail": "CANARY" }).to_string();
    let page = Page { status: 429, content_type: "application/problem+json", retry_after: Some(7), body };
    // the account is looked up first
    place.gate.strike(2, &Fault::Answer(page));
    let error = instance.step(&order, None).await.unwrap_err();
    assert!(place.gate.heal());
    let ProviderError::Unavailable { retry_after, description, .. } = error else { panic!("{error:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    assert!(!description.contains("CANARY"), "{description}");
}
