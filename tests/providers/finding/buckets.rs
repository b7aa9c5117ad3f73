//! Buckets, which are listed by jurisdiction.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::R2;

use super::{FOREIGN, Hoard, Pages, all, goes_alone, is_found_and_taken_over, others_are_refused};
use crate::cloudflare::{Vendor, ZONE};
use crate::engine::{Engine, parameters, refusal};

/// A bucket that has everything.
const FILES: [(&str, &str); 2] = [("jurisdiction", "eu"), ("bucket_name", "files")];

/// Gives it rules, an address below r2.dev, and two host names that work.
fn dress(vendor: &Vendor) {
    let cors = json!([{ "allowed": { "origins": ["https://a.example"], "methods": ["GET"] } }]);
    vendor.somebody("r2.set_cors", &FILES, json!({ "rules": cors }));
    let abort = json!({ "condition": { "type": "Age", "maxAge": 604_800 } });
    let old = json!({ "condition": { "type": "Date", "date": "2027-01-31T00:00:00Z" } });
    let all = json!({ "prefix": "" });
    let rule = |id: &str, what: &str, when: &Value| json!({ "id": id, "enabled": true, "conditions": all, what: when });
    let rules = json!([
        rule("default", "abortMultipartUploadsTransition", &abort),
        rule("old", "deleteObjectsTransition", &old)
    ]);
    vendor.somebody("r2.set_lifecycle", &FILES, json!({ "rules": rules }));
    vendor.somebody("r2.set_managed", &FILES, json!({ "enabled": true }));
    for name in ["files.example.com", "more.example.com"] {
        let attached = json!({ "domain": name, "zoneId": ZONE, "enabled": true });
        vendor.somebody("r2.attach", &FILES, attached);
        // whoever looks at it often enough sees it work
        for _ in 0..4 {
            vendor.somebody("r2.domains", &FILES, json!(null));
        }
    }
}

/// A list has those of one jurisdiction alone: all are gone through, and names are kept apart within each.
#[tokio::test]
async fn buckets_of_all_jurisdictions() {
    let vendor = Vendor::start().await;
    vendor.known_zone();
    let make = |jurisdiction: &str, name: &str| {
        vendor.somebody("r2.create", &[("jurisdiction", jurisdiction)], json!({ "name": name }));
    };
    for number in 0..1_001 {
        make("default", &format!("stray-{number}"));
    }
    make("default", FOREIGN);
    for jurisdiction in ["eu", "us", "fedramp"] {
        make(jurisdiction, "stray-7");
    }
    make("eu", "files");
    dress(&vendor);
    let provider: Arc<dyn Provider> = Arc::new(R2::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (1_006, Pages::Several), "files");
    let mut engine = is_found_and_taken_over(&vendor, hoard).await;
    assert_eq!(engine.discovery().object_of(&engine.instance).as_deref(), Some("eu/files"));
    let described = engine.discovery().object("eu/files").await.unwrap().unwrap().parameters;
    assert_eq!(described["lifecycle"][0]["delete_on"], "2027-01-31");
    assert_eq!(described["custom_domains"][1]["domain"], "more.example.com");
    let (found, _) = all(&engine).await;
    let twins: Vec<&str> =
        found.iter().filter(|thing| thing.name == "stray-7").map(|thing| thing.id.as_str()).collect();
    assert_eq!(twins, ["default/stray-7", "eu/stray-7", "us/stray-7", "fedramp/stray-7"]);
    others_are_refused(provider.clone(), &json!({}), "eu/nobody").await;
    // both host names are ours now: one that is not wanted any more goes
    let mut fewer = Value::Object(described);
    fewer["custom_domains"].as_array_mut().unwrap().pop();
    engine.update(&fewer).await;
    let left = vendor.somebody("r2.domains", &FILES, json!(null));
    assert_eq!(left["domains"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left["domains"][0]["domain"], "files.example.com");
    goes_alone(&vendor, &engine).await;

    let mut engine = Engine::new(provider, &json!({ "jurisdiction": "us" }));
    let ended = engine.adopt("eu/stray-7").await;
    assert!(refusal(&ended).unwrap().1.contains("lies elsewhere"), "{ended:?}");
    engine.instance.parameters = parameters(&json!({ "jurisdiction": "eu", "r2_dev": true }));
    let ended = engine.adopt("eu/stray-7").await;
    assert!(refusal(&ended).unwrap().1.contains("r2_dev: is false at Cloudflare, not true"), "{ended:?}");
}
