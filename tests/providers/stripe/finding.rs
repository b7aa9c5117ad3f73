//! What nobody tracks at Stripe is found in every mode, on all pages, and one object of it is taken over as it is.

use serde_json::{Value, json};
use sutler_broker_server::providers::{Observation, Refusal};
use sutler_catalog::{Guid, stripe};
use sutler_spec::PlanId;

use super::{Vendor, provider};
use crate::engine::{Engine, parameters, refusal};
use crate::finding::all;

/// More than a page holds.
const MANY: usize = 101;
/// The mark of an instance of another installation.
const FOREIGN: &str = "0123456789abcdef0123456789abcdef";

/// A kind of object, and how to make some.
struct Kind {
    offering: &'static str,
    plans: [Guid; 2],
    make: &'static str,
    /// One of a number; the last one carries a mark.
    body: fn(usize, Option<&str>) -> Value,
    /// A parameter that can change, and another value for it.
    other: (&'static str, &'static str),
}

fn metadata(mark: Option<&str>) -> Value {
    mark.map_or_else(|| json!({ "theirs": "1" }), |mark| json!({ "sutler_mark": mark }))
}

const ADOPTABLE: [Kind; 6] = [
    Kind {
        offering: stripe::product::NAME,
        plans: [stripe::product::TEST, stripe::product::LIVE],
        make: "products.create",
        body: |number, mark| {
            json!({ "id": format!("prod_{number}"), "name": format!("Tea {number}"), "unit_label": "cup",
                "url": "https://tea.example", "metadata": metadata(mark) })
        },
        other: ("name", "Coffee"),
    },
    Kind {
        offering: stripe::coupon::NAME,
        plans: [stripe::coupon::TEST, stripe::coupon::LIVE],
        make: "coupons.create",
        body: |number, mark| {
            json!({ "id": format!("SUMMER-{number}"), "name": "Summer", "percent_off": 12.5, "duration": "once",
                "metadata": metadata(mark) })
        },
        other: ("name", "Winter"),
    },
    Kind {
        offering: stripe::tax_rate::NAME,
        plans: [stripe::tax_rate::TEST, stripe::tax_rate::LIVE],
        make: "tax_rates.create",
        body: |number, mark| {
            json!({ "display_name": format!("VAT {number}"), "percentage": 8.1, "inclusive": true, "country": "CH",
                "metadata": metadata(mark) })
        },
        other: ("description", "Switzerland"),
    },
    Kind {
        offering: stripe::entitlement_feature::NAME,
        plans: [stripe::entitlement_feature::TEST, stripe::entitlement_feature::LIVE],
        make: "features.create",
        body: |number, mark| {
            json!({ "lookup_key": format!("feature-{number}"), "name": format!("Feature {number}"),
                "metadata": metadata(mark) })
        },
        other: ("name", "Better"),
    },
    Kind {
        offering: stripe::meter::NAME,
        plans: [stripe::meter::TEST, stripe::meter::LIVE],
        make: "meters.create",
        body: |number, mark| {
            let mark = mark.map(|mark| format!(" [{}]", &mark[..24])).unwrap_or_default();
            json!({ "display_name": format!("Calls{mark}"), "event_name": format!("call_{number}"),
                "default_aggregation": { "formula": "sum" } })
        },
        other: ("display_name", "All calls"),
    },
    Kind {
        offering: stripe::customer_portal::NAME,
        plans: [stripe::customer_portal::TEST, stripe::customer_portal::LIVE],
        make: "portals.create",
        body: |number, mark| {
            json!({
                "name": format!("Portal {number}"),
                "features": {
                    "customer_update": { "enabled": true, "allowed_updates": ["email"] },
                    "invoice_history": { "enabled": true },
                    "subscription_cancel": { "enabled": true, "mode": "immediately" },
                },
                "metadata": metadata(mark),
            })
        },
        other: ("headline", "The shop"),
    },
];

/// The account with many of the kind, the last of them somebody's. The ids of one that is free and of that one.
async fn crowded(kind: &Kind) -> (Vendor, String, String) {
    let vendor = Vendor::start().await;
    let make = |number, mark| {
        let made = vendor.somebody(kind.make, "", (kind.body)(number, mark));
        format!("test:{}", made["id"].as_str().unwrap())
    };
    let free: Vec<String> = (0..MANY).map(|number| make(number, None)).collect();
    let marked = make(MANY, Some(FOREIGN));
    (vendor, free[0].clone(), marked)
}

fn engine(vendor: &Vendor, kind: &Kind) -> Engine {
    let mut engine = Engine::new(provider(&vendor.client(), kind.offering), &json!({}));
    engine.instance.plan_id = PlanId::from(kind.plans[0]);
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_tracks_is_found_on_all_pages_and_taken_over_without_a_change() {
    for kind in ADOPTABLE {
        let of = kind.offering;
        let (vendor, id, marked) = crowded(&kind).await;
        let before = vendor.changes();
        let mut engine = engine(&vendor, &kind);
        let (found, pages) = all(&engine).await;
        assert!(found.len() > MANY && pages > 2, "{of}: {} on {pages} pages", found.len());
        let bears: Vec<&str> =
            found.iter().filter(|thing| thing.mark.is_some()).map(|thing| thing.id.as_str()).collect();
        assert_eq!(bears, [marked.as_str()], "{of}");
        let listed = found.iter().find(|thing| thing.id == id).unwrap();
        let described = engine.discovery().object(&id).await.unwrap().unwrap();
        assert_eq!(&described, listed, "{of}: a list tells as much as a look");
        assert_eq!(described.not_adoptable, None, "{of}");
        let wanted = Value::Object(described.parameters);
        engine.instance.parameters = parameters(&wanted);
        engine.adopt(&id).await.unwrap();
        assert_eq!(engine.discovery().object_of(&engine.instance), Some(id), "{of}");
        let Observation::Found { drift, .. } = engine.fetch().await else { panic!("{of} is there") };
        assert_eq!(drift, [], "{of}");
        engine.update(&wanted).await;
        assert_eq!(vendor.changes(), before, "{of}: nothing was changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_over_changes_and_goes_like_any_other_instance_and_never_gets_a_mark() {
    for kind in ADOPTABLE {
        let of = kind.offering;
        let (vendor, id, _) = crowded(&kind).await;
        let mut engine = engine(&vendor, &kind);
        let described = engine.discovery().object(&id).await.unwrap().unwrap();
        let mut wanted = Value::Object(described.parameters);
        engine.instance.parameters = parameters(&wanted);
        engine.adopt(&id).await.unwrap();
        wanted[kind.other.0] = json!(kind.other.1);
        engine.update(&wanted).await;
        let Observation::Found { drift, .. } = engine.fetch().await else { panic!("{of} is there") };
        assert_eq!(drift, [], "{of}");
        let own = id.strip_prefix("test:").unwrap();
        let shown = |object: &Value| object["id"] == own;
        let changed = vendor.control().objects().into_iter().find(shown).unwrap();
        assert!(changed.to_string().contains(kind.other.1), "{of}: {changed}");
        assert!(!changed.to_string().contains("sutler_mark"), "{of}: {changed}");
        let before = vendor.objects().len();
        engine.deprovision().await.unwrap();
        assert_eq!(vendor.objects().len(), before - 1, "{of}");
        assert!(vendor.objects().iter().all(|object| object.id != own), "{of}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_elsewhere_or_not_as_asked_for_is_not_taken_over() {
    for kind in ADOPTABLE {
        let of = kind.offering;
        let (vendor, id, marked) = crowded(&kind).await;
        let before = vendor.changes();
        let mut engine = engine(&vendor, &kind);
        let mut wanted = Value::Object(engine.discovery().object(&id).await.unwrap().unwrap().parameters);
        engine.instance.parameters = parameters(&wanted);
        let own = id.strip_prefix("test:").unwrap();
        for (strange, why, word) in [
            (marked.as_str(), Refusal::Conflict, "the mark of another instance"),
            (&format!("live:{own}"), Refusal::Unsupported, "there is no"),
            ("test:nobody_1", Refusal::Unsupported, "there is no"),
            (own, Refusal::Unsupported, "there is no"),
            ("test:../../v1/account", Refusal::Unsupported, "there is no"),
        ] {
            let ended = engine.adopt(strange).await;
            let (refused, told) = refusal(&ended).unwrap();
            assert!(refused == why && told.contains(word), "{of} {strange}: {told}");
        }
        engine.instance.plan_id = PlanId::from(kind.plans[1]);
        let ended = engine.adopt(&id).await;
        assert!(refusal(&ended).unwrap().1.contains("ask for the plan of that mode"), "{of}: {ended:?}");
        engine.instance.plan_id = PlanId::from(kind.plans[0]);
        wanted[kind.other.0] = json!(kind.other.1);
        engine.instance.parameters = parameters(&wanted);
        let ended = engine.adopt(&id).await;
        let (refused, told) = refusal(&ended).unwrap();
        let is_named = told.starts_with(&format!("{}: is ", kind.other.0));
        assert!(refused == Refusal::Unsupported && is_named, "{of}: {told}");
        let ended = engine.discovery().page(Some("live.9.")).await;
        assert!(ended.unwrap_err().to_string().contains("cursor"), "{of}");
        assert_eq!(vendor.changes(), before, "{of}: nothing was changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_once_or_cannot_be_told_is_listed_and_not_taken_over() {
    let vendor = Vendor::start().await;
    vendor.somebody("products.create", "", json!({ "id": "prod_pro", "name": "Pro" }));
    let price = json!({ "product": "prod_pro", "currency": "chf", "unit_amount": 100 });
    let price = vendor.somebody("prices.create", "", price);
    let items = json!([{ "price": price["id"], "quantity": 1 }]);
    vendor.somebody("payment_links.create", "", json!({ "line_items": items }));
    let endpoint = json!({ "url": "https://shop.example/hook", "enabled_events": ["*"] });
    vendor.somebody("webhook_endpoints.create", "", endpoint);
    let wanted = json!({ "url": "https://shop.example/hook", "enabled_events": ["charge.failed"] });
    for (offering, plan, why) in [
        (stripe::webhook_endpoint::NAME, stripe::webhook_endpoint::TEST, "shown once"),
        (stripe::payment_link::NAME, stripe::payment_link::TEST, "what a link sells"),
    ] {
        let mut engine = Engine::new(provider(&vendor.client(), offering), &wanted);
        if offering == stripe::payment_link::NAME {
            engine.instance.parameters = parameters(&json!({ "items": items }));
        }
        engine.instance.plan_id = PlanId::from(plan);
        let (found, _) = all(&engine).await;
        let [only] = &found[..] else { panic!("{offering}: {found:?}") };
        assert!(only.not_adoptable.as_ref().unwrap().contains(why), "{only:?}");
        let ended = engine.adopt(&only.id).await;
        assert!(refusal(&ended).unwrap().1.contains(why), "{ended:?}");
    }
}
