//! What we offer of Stripe, as a golden file: ids never change unseen, and every platform can read it.

use std::{fs, path::Path};

use serde_json::{Value, json};
use sutler_catalog::{
    Index, Input, Limits, Offering, declared_outputs,
    stripe::{self, Mode},
};
use sutler_spec::Catalog;

fn catalog(offerings: &[Offering]) -> Catalog {
    Catalog { services: offerings.iter().map(|offering| offering.service().clone()).collect() }
}

fn index() -> Index {
    Index::check(catalog(&stripe::offerings(&Mode::ALL)), Limits::default()).expect("our own catalog")
}

/// The problems of parameters, as `path rule`.
fn problems(service: &str, input: Input, parameters: &Value) -> Vec<String> {
    let index = index();
    let plan = &index.offering(service).expect(service).plans[0].id;
    let found = index.validator(plan, input).expect("a schema").validate(parameters);
    found.iter().map(|problem| format!("{} {}", problem.path, problem.rule)).collect()
}

#[test]
fn the_catalog_of_stripe_changes_only_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stripe.json");
    let written = format!("{:#}\n", serde_json::to_value(catalog(&stripe::offerings(&Mode::ALL))).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == written, "tests/stripe.json differs; if that is intended: UPDATE_GOLDEN=1 cargo test");
}

#[test]
fn no_platform_has_a_reason_to_complain_in_whatever_mode() {
    for modes in [&Mode::ALL[..], &[Mode::Test], &[Mode::Live]] {
        let index =
            Index::check(catalog(&stripe::offerings(modes)), Limits::default()).expect("our own catalog");
        assert_eq!(index.warnings(), []);
        assert!(index.offerings().all(|service| service.plans.len() == modes.len()));
    }
}

#[test]
fn every_plan_says_its_mode_and_what_it_costs() {
    for offering in stripe::offerings(&Mode::ALL) {
        let service = offering.service();
        assert_eq!(declared_outputs(service).as_deref(), Some(offering.outputs()));
        assert!(service.instances_retrievable && service.bindings_retrievable && service.bindable);
        let plans: Vec<(&str, Option<bool>)> =
            offering.plans().iter().map(|plan| (plan.name(), plan.service_plan().free)).collect();
        assert_eq!(plans, [("test", Some(true)), ("live", Some(false))], "{}", service.name);
        for plan in &service.plans {
            let costs = plan.metadata.get("costs");
            assert_eq!(costs.is_some(), plan.free == Some(false), "{}", service.name);
            for schema in [Input::Provision, Input::Update].map(|input| input.schema(plan).expect("a schema"))
            {
                assert!(jsonschema::draft4::meta::is_valid(schema), "{schema}");
                assert_eq!(schema["additionalProperties"], json!(false));
            }
        }
    }
}

#[test]
fn only_signing_secrets_are_secret() {
    let offerings = stripe::offerings(&Mode::ALL);
    let secret = offerings.iter().flat_map(|offering| {
        let secret = offering.outputs().iter().filter(|output| output.is_secret());
        secret.map(|output| (offering.name(), output.name.as_str())).collect::<Vec<_>>()
    });
    let secret: Vec<(&str, &str)> = secret.collect();
    assert_eq!(
        secret,
        [("stripe-webhook-endpoint", "signing_secret"), ("stripe-event-destination", "signing_secret")]
    );
}

#[test]
fn what_stripe_fixes_is_no_part_of_an_update() {
    let index = index();
    for (service, fixed) in [
        ("stripe-product", &[][..]),
        ("stripe-webhook-endpoint", &["api_version", "connect"]),
        ("stripe-event-destination", &["event_payload", "snapshot_api_version"]),
        ("stripe-customer-portal", &[]),
        ("stripe-meter", &["event_name", "formula", "customer_key", "value_key", "event_time_window"]),
        ("stripe-tax-rate", &["percentage", "inclusive"]),
        ("stripe-payment-link", &["items"]),
        ("stripe-entitlement-feature", &["lookup_key"]),
    ] {
        let plan = &index.offering(service).expect(service).plans[0];
        let creation = Input::Provision.schema(plan).unwrap()["properties"].as_object().unwrap();
        let update = Input::Update.schema(plan).unwrap()["properties"].as_object().unwrap();
        let missing: Vec<&str> =
            creation.keys().map(String::as_str).filter(|name| !update.contains_key(*name)).collect();
        assert_eq!(missing, fixed, "{service}");
    }
}

#[test]
fn prices_are_checked_inside() {
    let with = |price: Value| json!({ "name": "Pro", "prices": { "monthly": price } });
    let good = with(json!({ "currency": "eur", "unit_amount": 1_000, "interval": "month" }));
    assert_eq!(problems("stripe-product", Input::Provision, &good), [""; 0]);
    let bad = with(json!({ "currency": "EUR", "unit_amount": -1, "colour": "red" }));
    let mut found = problems("stripe-product", Input::Provision, &bad);
    found.sort();
    assert_eq!(
        found,
        [
            "/prices/monthly/colour additionalProperties",
            "/prices/monthly/currency pattern",
            "/prices/monthly/unit_amount minimum",
        ]
    );
    assert_eq!(problems("stripe-product", Input::Update, &json!({ "default_price": null })), [""; 0]);
}
