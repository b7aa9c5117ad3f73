//! What Stripe does and no other vendor: keys that keep failures, two worlds in one account, prices that never change.

use std::time::Duration;

use serde_json::{Value, json};
use sutler_broker_server::providers::stripe::{Client, StripeConfig};
use sutler_broker_server::providers::{Marker, Observation, ProviderError, Refusal};
use sutler_tests::cloudflare::{Fault, FaultAction};
use sutler_tests::stripe::{EffectAction, Entry};

use super::{LIVE_KEY, Vendor, provider};
use crate::drive::Instance;

const WEBHOOK: &str = "stripe-webhook-endpoint";

fn webhook(vendor: &Vendor, plan: &str) -> Instance {
    let wanted = json!({ "url": "https://shop.example/stripe", "enabled_events": ["invoice.paid"] });
    Instance::new(provider(&vendor.client(), WEBHOOK), plan, wanted)
}

fn creations(vendor: &Vendor) -> Vec<Entry> {
    let ledger = vendor.control().ledger();
    ledger
        .into_iter()
        .filter(|entry| entry.operation.as_deref() == Some("webhook_endpoints.create"))
        .collect()
}

/// How many endpoints were ever made.
fn made(vendor: &Vendor) -> usize {
    let effects = vendor.control().ledger().into_iter().flat_map(|entry| entry.outcome);
    effects.filter(|effect| effect.action == EffectAction::Created).count()
}

/// The signing secret that a binding gives is the one of the only endpoint there is.
async fn is_the_only_one(instance: &Instance, vendor: &Vendor) {
    let objects = vendor.control().objects();
    assert_eq!(objects.len(), 1, "{objects:?}");
    let credentials = instance.bind().await.unwrap().body.credentials.unwrap();
    assert_eq!(credentials.expose()["signing_secret"], objects[0]["secret"]);
    assert_eq!(credentials.expose()["endpoint_id"], objects[0]["id"]);
}

fn drop_the_answer(vendor: &Vendor) {
    vendor.control().add_fault(Fault::new("POST", "/v1/webhook_endpoints", FaultAction::DropResponse));
}

#[tokio::test]
async fn a_lost_answer_is_had_again_with_the_same_key_and_the_secret() {
    let vendor = Vendor::start().await;
    drop_the_answer(&vendor);
    let mut instance = webhook(&vendor, "test");
    instance.provision().await.unwrap();
    is_the_only_one(&instance, &vendor).await;
    let creations = creations(&vendor);
    let keys: Vec<_> = creations.iter().map(|entry| (entry.key.clone(), entry.replayed)).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_eq!((&keys[0].0, keys[1].1), (&keys[1].0, true));
    assert_eq!(made(&vendor), 1);
}

#[tokio::test]
async fn a_failure_that_stripe_keeps_is_found_out_and_tried_with_another_key() {
    for after_work in [false, true] {
        let vendor = Vendor::start().await;
        vendor.control().fail("webhook_endpoints.create", after_work);
        let mut instance = webhook(&vendor, "test");
        instance.provision().await.unwrap();
        is_the_only_one(&instance, &vendor).await;
        // the failure, the same again, and another key
        let creations = creations(&vendor);
        assert_eq!(creations.len(), 3, "{creations:?}");
        assert_eq!(creations[0].key, creations[1].key);
        assert_ne!(creations[1].key, creations[2].key);
        assert_eq!(
            made(&vendor),
            if after_work { 2 } else { 1 },
            "what nobody saw the secret of was removed"
        );
    }
}

#[tokio::test]
async fn a_day_later_what_was_made_is_removed_and_made_anew() {
    let vendor = Vendor::start().await;
    drop_the_answer(&vendor);
    let mut instance = webhook(&vendor, "test");
    instance.age = Duration::from_secs(24 * 60 * 60);
    instance.provision().await.unwrap();
    is_the_only_one(&instance, &vendor).await;
    let keys: Vec<_> = creations(&vendor).into_iter().map(|entry| entry.key).collect();
    assert_ne!(keys[0], keys[1], "{keys:?}");
}

#[tokio::test]
async fn a_twin_that_was_not_listed_yet_is_removed_in_the_end() {
    let vendor = Vendor::start().await;
    vendor.control().list_after(Duration::from_millis(500));
    vendor.control().fail("webhook_endpoints.create", true);
    let mut instance = webhook(&vendor, "test");
    instance.provision().await.unwrap();
    is_the_only_one(&instance, &vendor).await;
    assert_eq!(made(&vendor), 2);
}

#[tokio::test]
async fn the_key_of_another_account_makes_nothing_seem_gone() {
    let vendor = Vendor::start().await;
    let mut instance = webhook(&vendor, "test");
    instance.provision().await.unwrap();
    let config = StripeConfig { account_id: "acct_another".to_owned(), ..vendor.config() };
    let record = instance.facts.record.take();
    let mut instance = Instance::new(
        provider(&Client::new(&config).unwrap(), WEBHOOK),
        "test",
        json!({
            "url": "https://shop.example/stripe", "enabled_events": ["invoice.paid"],
        }),
    );
    instance.facts.record = record;
    let fetched = instance.fetch().await;
    assert!(matches!(fetched, Err(ProviderError::Unavailable { .. })), "{fetched:?}");
    let before = vendor.control().objects();
    let deleted = instance.deprovision().await;
    assert!(
        matches!(&deleted, Err(ProviderError::Refused { refusal: Refusal::Credentials, .. })),
        "{deleted:?}"
    );
    assert_eq!(vendor.control().objects(), before);
}

#[tokio::test]
async fn live_mode_is_offered_with_its_key_only_and_is_another_world() {
    let vendor = Vendor::start().await;
    let config = StripeConfig { live_key: None, ..vendor.config() };
    let offering = provider(&Client::new(&config).unwrap(), WEBHOOK).offering();
    let plans: Vec<(&str, Option<bool>)> =
        offering.plans().iter().map(|plan| (plan.name(), plan.service_plan().free)).collect();
    assert_eq!(plans, [("test", Some(true))]);
    let config = StripeConfig { test_key: None, live_key: Some(LIVE_KEY.into()), ..vendor.config() };
    let offering = provider(&Client::new(&config).unwrap(), WEBHOOK).offering();
    let plans: Vec<(&str, Option<bool>)> =
        offering.plans().iter().map(|plan| (plan.name(), plan.service_plan().free)).collect();
    assert_eq!(plans, [("live", Some(false))]);
    let mut instance = webhook(&vendor, "live");
    instance.provision().await.unwrap();
    assert!(vendor.control().objects().is_empty());
    assert_eq!(vendor.control().live_objects()[0]["livemode"], json!(true));
    instance.deprovision().await.unwrap();
    assert!(vendor.control().live_objects().is_empty());
}

#[tokio::test]
async fn an_object_of_the_other_mode_is_not_believed() {
    let vendor = Vendor::start().await;
    let mut instance = webhook(&vendor, "test");
    instance.provision().await.unwrap();
    let merge = json!({ "livemode": true });
    let fault =
        Fault::new("GET", "/v1/webhook_endpoints/*", FaultAction::AlterAnswer { merge, checked: false });
    vendor.control().add_fault(fault);
    let fetched = instance.fetch().await;
    assert!(matches!(fetched, Err(ProviderError::Unavailable { .. })), "{fetched:?}");
    assert!(matches!(instance.fetch().await, Ok(Observation::Found { .. })));
}

#[tokio::test]
async fn drift_is_told_by_field_and_mended_by_an_update() {
    let vendor = Vendor::start().await;
    let mut instance = webhook(&vendor, "test");
    instance.provision().await.unwrap();
    let id = vendor.control().objects()[0]["id"].as_str().unwrap().to_owned();
    let body =
        json!({ "url": "https://theirs.example", "disabled": true, "metadata": { "sutler_mark": "" } });
    vendor.somebody("webhook_endpoints.update", &id, body);
    let Ok(Observation::Found { drift, attributes }) = instance.fetch().await else { panic!("it is there") };
    let fields: Vec<&str> = drift.iter().map(|drift| drift.field.as_str()).collect();
    assert_eq!(fields, ["url", "disabled", "mark"]);
    assert_eq!(
        (&attributes["url"], &attributes["status"]),
        (&json!("https://theirs.example"), &json!("disabled"))
    );
    let wanted = Value::Object(instance.facts.parameters.expose().clone());
    instance.update(wanted).await.unwrap();
    let Ok(Observation::Found { drift, .. }) = instance.fetch().await else { panic!("it is there") };
    assert_eq!(drift, []);
    vendor.somebody("webhook_endpoints.delete", &id, json!(null));
    assert_eq!(instance.fetch().await.unwrap(), Observation::Gone);
}

#[tokio::test]
async fn what_is_fixed_is_refused_by_name() {
    let vendor = Vendor::start().await;
    let mut instance = webhook(&vendor, "test");
    instance.provision().await.unwrap();
    let changes = vendor.control().ledger().len();
    let wanted = json!({
        "url": "https://shop.example/stripe", "enabled_events": ["invoice.paid"], "api_version": "2026-10-28.endive",
    });
    let error = instance.update(wanted).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Unsupported, .. }), "{error:?}");
    assert!(error.to_string().starts_with("api_version: "), "{error}");
    assert_eq!(vendor.control().ledger().len(), changes, "nothing was asked of Stripe");
}

#[tokio::test]
async fn the_sixteenth_endpoint_is_the_last_and_a_quota_is_told_as_such() {
    let vendor = Vendor::start().await;
    for number in 0..16 {
        let body = json!({ "url": format!("https://theirs.example/{number}"), "enabled_events": ["*"] });
        vendor.somebody("webhook_endpoints.create", "", body);
    }
    let error = webhook(&vendor, "test").provision().await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Quota, .. }), "{error:?}");
    assert!(!error.to_string().contains("maximum"), "Stripe's own words go nowhere: {error}");
}

#[tokio::test]
async fn another_amount_is_another_price_with_the_same_lookup_key() {
    let vendor = Vendor::start().await;
    let with = |amount: u32| {
        let price = json!({ "currency": "eur", "unit_amount": amount, "interval": "month" });
        json!({ "name": "Pro", "prices": { "monthly": price }, "default_price": "monthly" })
    };
    let mut instance = Instance::new(provider(&vendor.client(), "stripe-product"), "test", with(1_000));
    let first = instance.provision().await.unwrap().attributes;
    let second = instance.update(with(1_200)).await.unwrap().attributes;
    assert_eq!(first["lookup_keys"], second["lookup_keys"]);
    assert_ne!(first["prices"], second["prices"]);
    let objects = vendor.control().objects();
    let of = |id: &Value| objects.iter().find(|object| object["id"] == *id).unwrap();
    let (old, new) = (of(&first["prices"]["monthly"]), of(&second["prices"]["monthly"]));
    assert_eq!(
        (&old["active"], &old["lookup_key"], &old["unit_amount"]),
        (&json!(false), &Value::Null, &json!(1_000))
    );
    assert_eq!((&new["active"], &new["unit_amount"]), (&json!(true), &json!(1_200)));
    assert_eq!(of(&second["product_id"])["default_price"], new["id"]);
    instance.deprovision().await.unwrap();
    let archived = vendor.control().objects();
    assert!(archived.iter().all(|object| object["active"] == false), "{archived:?}");
}

#[tokio::test]
async fn prices_and_codes_that_go_and_come_do_so_in_one_update() {
    let vendor = Vendor::start().await;
    let price = |amount: u32| json!({ "currency": "eur", "unit_amount": amount });
    let wanted = json!({
        "name": "Pro", "prices": { "a": price(1), "b": price(2) }, "default_price": "a",
    });
    let mut product = Instance::new(provider(&vendor.client(), "stripe-product"), "test", wanted);
    product.provision().await.unwrap();
    let wanted = json!({ "name": "Pro", "prices": { "b": price(2), "c": price(3) } });
    let attributes = product.update(wanted).await.unwrap().attributes;
    let keys: Vec<&String> = attributes["prices"].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 2, "{attributes:?}");
    let codes = |codes: Value| json!({ "percent_off": 5, "duration": "once", "promotion_codes": codes });
    let wanted = codes(json!({ "SPRING": {}, "FRIENDS": {} }));
    let mut coupon = Instance::new(provider(&vendor.client(), "stripe-coupon"), "test", wanted);
    coupon.provision().await.unwrap();
    let wanted = codes(json!({ "SUMMER": { "first_time_transaction": true }, "FRIENDS": {} }));
    coupon.update(wanted).await.unwrap();
    let objects = vendor.control().objects();
    let active = objects.iter().filter(|object| object["active"] == true);
    let mut named: Vec<&str> = active
        .filter_map(|object| object["code"].as_str().or(object["metadata"]["sutler_price"].as_str()))
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["FRIENDS", "SUMMER", "b", "c"]);
    product.deprovision().await.unwrap();
    coupon.deprovision().await.unwrap();
}

#[tokio::test]
async fn a_product_that_never_had_a_price_is_deleted() {
    let vendor = Vendor::start().await;
    let wanted = json!({ "name": "Pro" });
    let mut instance = Instance::new(provider(&vendor.client(), "stripe-product"), "test", wanted);
    instance.provision().await.unwrap();
    instance.deprovision().await.unwrap();
    assert!(vendor.control().objects().is_empty());
}

#[tokio::test]
async fn a_meter_that_a_price_uses_is_left_alone() {
    let vendor = Vendor::start().await;
    let wanted = json!({ "display_name": "Calls", "formula": "sum" });
    let mut meter = Instance::new(provider(&vendor.client(), "stripe-meter"), "test", wanted);
    let id = meter.provision().await.unwrap().attributes["meter_id"].clone();
    let price = json!({ "currency": "eur", "unit_amount_decimal": "0.5", "interval": "month", "meter": id });
    let wanted = json!({ "name": "Pro", "prices": { "calls": price } });
    let mut product = Instance::new(provider(&vendor.client(), "stripe-product"), "test", wanted);
    product.provision().await.unwrap();
    let error = meter.deprovision().await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { refusal: Refusal::Protected, .. }), "{error:?}");
    product.deprovision().await.unwrap();
    meter.deprovision().await.unwrap();
    let objects = vendor.control().objects();
    let meter = objects.iter().find(|object| object["object"] == "billing.meter").unwrap();
    assert_eq!(meter["status"], "inactive");
}

#[tokio::test]
async fn a_feature_that_was_given_up_is_taken_up_by_the_next_instance_of_its_key() {
    let vendor = Vendor::start().await;
    let wanted = json!({ "lookup_key": "sso", "name": "SSO" });
    let mut first =
        Instance::new(provider(&vendor.client(), "stripe-entitlement-feature"), "test", wanted.clone());
    let id = first.provision().await.unwrap().attributes["feature_id"].clone();
    first.deprovision().await.unwrap();
    let mut second = Instance::new(provider(&vendor.client(), "stripe-entitlement-feature"), "test", wanted);
    second.marker = Marker::for_instance("another", &second.facts.id);
    assert_eq!(second.provision().await.unwrap().attributes["feature_id"], id);
    let objects = vendor.control().objects();
    assert_eq!((objects.len(), &objects[0]["active"]), (1, &json!(true)));
    assert_eq!(objects[0]["metadata"].as_object().unwrap().len(), 1, "only the mark is left");
}
