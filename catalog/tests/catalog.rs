//! Everything we offer, as a golden file: ids never change unseen, and every platform can read it.

use std::{fs, path::Path};

use serde_json::{Value, json};
use sutler_catalog::{Asynchronous, Index, Input, Limits, Offering, cloudflare, declared_outputs};
use sutler_spec::Catalog;

fn catalog(offerings: &[Offering]) -> Catalog {
    Catalog { services: offerings.iter().map(|offering| offering.service().clone()).collect() }
}

fn index() -> Index {
    Index::check(catalog(&cloudflare::offerings()), Limits::default()).expect("our own catalog")
}

/// The problems of parameters, as `path rule`.
fn problems(service: &str, input: Input, parameters: &Value) -> Vec<String> {
    let index = index();
    let offering = index.offering(service).expect(service);
    let validator = index.validator(&offering.plans[0].id, input).expect("a schema");
    let found = validator.validate(parameters);
    found.iter().map(|problem| format!("{} {}", problem.path, problem.rule)).collect()
}

#[test]
fn the_catalog_changes_only_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog.json");
    let written = format!("{:#}\n", serde_json::to_value(catalog(&cloudflare::offerings())).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(golden == written, "tests/catalog.json differs; if that is intended: UPDATE_GOLDEN=1 cargo test");
}

#[test]
fn our_catalog_gives_no_platform_a_reason_to_complain() {
    assert_eq!(index().warnings(), []);
}

#[test]
fn all_plans_say_what_they_take_and_when_they_give_up() {
    for offering in cloudflare::offerings() {
        let service = offering.service();
        assert!(service.instances_retrievable, "{}", service.name);
        assert_eq!(declared_outputs(service).as_deref(), Some(offering.outputs()));
        for plan in offering.plans() {
            let wire = plan.service_plan();
            assert_eq!(offering.plan(plan.id()), Some(plan));
            assert!(wire.free.is_some() && wire.maximum_polling_duration.is_some(), "{}", plan.name());
            assert_eq!(Input::Bind.schema(wire).is_some(), service.bindable, "{}", plan.name());
            for schema in [Input::Provision, Input::Update].map(|input| input.schema(wire).expect("a schema"))
            {
                assert_eq!(schema["$schema"], "http://json-schema.org/draft-04/schema#");
                assert!(jsonschema::draft4::meta::is_valid(schema), "{schema}");
                assert_eq!(schema["additionalProperties"], json!(false));
                assert!(!schema.to_string().contains("$ref"), "{schema}");
            }
        }
    }
}

#[test]
fn only_the_domain_never_ends_within_a_request() {
    let always: Vec<String> = cloudflare::offerings()
        .iter()
        .filter(|offering| offering.plans().iter().any(|plan| plan.asynchrony() == Asynchronous::Always))
        .map(|offering| offering.name().to_owned())
        .collect();
    assert_eq!(always, ["cloudflare-pages-domain"]);
}

#[test]
fn only_what_opens_something_is_secret() {
    let secret: Vec<String> = cloudflare::offerings()
        .iter()
        .flat_map(|offering| offering.outputs().to_vec())
        .filter(sutler_catalog::Output::is_secret)
        .map(|output| output.name)
        .collect();
    assert_eq!(secret, ["token", "secret_access_key", "secret", "token"]);
}

#[test]
fn a_database_takes_a_hint_and_migrations() {
    let good = json!({
        "primary_location_hint": "weur", "read_replication": "auto",
        "migrations": [{ "name": "0001_users.sql", "sql": "CREATE TABLE users(id);" }],
    });
    assert_eq!(problems("cloudflare-d1", Input::Provision, &good), [""; 0]);
    assert!(serde_json::from_value::<cloudflare::d1::Parameters>(good).is_ok());
    let bad = json!({
        "primary_location_hint": "mars", "jurisdiction": null, "name": "shop",
        "migrations": [{ "name": "1;DROP", "sql": "" }],
    });
    let found = problems("cloudflare-d1", Input::Provision, &bad);
    let expected = [
        " not",
        "/jurisdiction enum",
        "/jurisdiction type",
        "/migrations/0/name pattern",
        "/migrations/0/sql minLength",
        "/name additionalProperties",
        "/primary_location_hint enum",
    ];
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(sorted, expected, "{found:?}");
}

#[test]
fn null_in_an_update_returns_a_parameter_to_its_default() {
    assert_eq!(problems("cloudflare-d1", Input::Update, &json!({ "read_replication": null })), [""; 0]);
    assert_eq!(problems("cloudflare-d1", Input::Update, &json!({})), [""; 0]);
    let token = json!({ "access": null, "permissions": null, "allowed_ips": null, "ttl_hours": null });
    assert_eq!(problems("cloudflare-token", Input::Update, &token), [""; 0]);
    assert_eq!(
        problems("cloudflare-token", Input::Update, &json!({ "resources": null })),
        ["/resources type"]
    );
    assert_eq!(
        problems("cloudflare-token", Input::Update, &json!({ "resources": { "zone": null } })),
        ["/resources/zone type"]
    );
}

#[test]
fn what_cannot_change_is_not_in_the_update_schema() {
    let index = index();
    let accepts = |service: &str, property: &str| {
        let plan = &index.offering(service).expect(service).plans[0].id;
        index.validator(plan, Input::Update).expect("a schema").accepts(property)
    };
    assert!(accepts("cloudflare-d1", "migrations") && !accepts("cloudflare-d1", "jurisdiction"));
    assert!(accepts("cloudflare-secrets", "secrets") && !accepts("cloudflare-secrets", "script"));
    assert!(!accepts("cloudflare-pages-domain", "hostname"));
    assert_eq!(problems("cloudflare-pages-domain", Input::Update, &json!({})), [""; 0]);
    let change = json!({ "hostname": "www.example.com" });
    assert_eq!(
        problems("cloudflare-pages-domain", Input::Update, &change),
        ["/hostname additionalProperties"]
    );
}

#[test]
fn a_token_reaches_something_and_never_makes_tokens() {
    let id = "0".repeat(32);
    let good = json!({
        "resources": { "database": "11111111-2222-4333-8444-555555555555", "zone": id, "account": true,
            "bucket": { "name": "shop-assets", "jurisdiction": "eu" } },
        "access": "read", "permissions": ["D1 Read"], "allowed_ips": ["203.0.113.0/24"], "ttl_hours": 24,
    });
    assert_eq!(problems("cloudflare-token", Input::Provision, &good), [""; 0]);
    assert!(serde_json::from_value::<cloudflare::token::Parameters>(good).is_ok());
    for (resources, permissions, expected) in [
        (json!({}), json!(["D1 Read"]), "/resources minProperties"),
        (json!({ "account": false }), json!(["D1 Read"]), "/resources/account enum"),
        (json!({ "zone": id }), json!(["Account API Tokens Write"]), "/permissions/0 not"),
        (json!({ "zone": id }), json!([]), "/permissions minItems"),
    ] {
        let parameters = json!({ "resources": resources, "permissions": permissions });
        assert_eq!(problems("cloudflare-token", Input::Provision, &parameters), [expected]);
    }
    assert_eq!(problems("cloudflare-token", Input::Provision, &json!({})), [" required"]);
}

#[test]
fn secrets_are_write_only_and_never_printed() {
    let parameters = json!({ "script": "shop", "secrets": { "STRIPE_KEY": "c4n4ry" } });
    assert_eq!(problems("cloudflare-secrets", Input::Provision, &parameters), [""; 0]);
    let parsed: cloudflare::secrets::Parameters = serde_json::from_value(parameters).unwrap();
    assert_eq!(parsed.secrets["STRIPE_KEY"].expose(), "c4n4ry");
    assert!(!format!("{parsed:?}").contains("c4n4ry"));
    let bad = json!({ "script": "shop", "secrets": { "1ST": "x", "LONG": "x".repeat(5_121), "NUMBER": 5 } });
    let mut found = problems("cloudflare-secrets", Input::Provision, &bad);
    found.sort();
    assert_eq!(
        found,
        ["/secrets/1ST additionalProperties", "/secrets/LONG maxLength", "/secrets/NUMBER type"]
    );
    let schema = index().offering("cloudflare-secrets").unwrap().plans[0].provision_schema().unwrap().clone();
    assert_eq!(schema["properties"]["secrets"]["writeOnly"], json!(true));
    let named = &schema["properties"]["secrets"]["patternProperties"];
    let members = named.as_object().unwrap().values().next().unwrap();
    assert_eq!(members["writeOnly"], json!(true));
    assert_eq!(schema["properties"]["secrets"]["additionalProperties"], json!(false));
}

#[test]
fn a_host_name_is_strict() {
    let found = |hostname: &str| {
        problems(
            "cloudflare-pages-domain",
            Input::Provision,
            &json!({ "project": "shop", "hostname": hostname }),
        )
    };
    for good in ["shop.example.com", "xn--bcher-kva.example", "a.b-c.de"] {
        assert_eq!(found(good), [""; 0], "{good}");
    }
    for bad in
        ["example", "*.example.com", "Shop.example.com", "-a.example.com", "a..b.com", "a.com/x", "a.1"]
    {
        assert_eq!(found(bad), ["/hostname pattern"], "{bad}");
    }
}
