//! Zones, and what lies in them: looked for zone by zone.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::cloudflare::{
    CustomHostname, DnsRecord, DomainRecord, WwwRedirect, Zone,
};
use sutler_broker_server::providers::{Observation, Provider, Refusal};

use super::{Hoard, Pages, all, goes_alone, is_found_and_taken_over, unlike_is_refused};
use crate::cloudflare::{ACCOUNT, Vendor, ZONE};
use crate::engine::{Engine, refusal};

#[tokio::test]
async fn zones() {
    let vendor = Vendor::start().await;
    for number in 0..51 {
        vendor.zone(&format!("stray-{number}.example"));
    }
    let provider: Arc<dyn Provider> = Arc::new(Zone::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (51, Pages::Several), "stray-50.example");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let hoard = |name| Hoard::of(provider, (50, Pages::One), name);
    let engine = is_found_and_taken_over(&vendor, hoard("stray-7.example")).await;
    unlike_is_refused(
        engine,
        &json!({ "name": "stray-8.example" }),
        "name: is stray-7.example at Cloudflare",
    )
    .await;
}

/// What is to wait for the registrar is not ready before the registrar is.
#[tokio::test]
async fn a_zone_that_is_pending_is_not_adopted_as_an_active_one() {
    let vendor = Vendor::start().await;
    vendor.zone("stray.example");
    let provider: Arc<dyn Provider> = Arc::new(Zone::new(&vendor.client()));
    let name = "stray.example";
    let hoard = Hoard::of(provider, (1, Pages::One), name);
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let waiting = json!({ "name": name, "wait_for_activation": true });
    unlike_is_refused(engine, &waiting, "waiting until the registrar").await;
}

/// Seven zones: more than one page of those that are asked one by one.
fn seven_zones(vendor: &Vendor) -> Vec<String> {
    (0..7)
        .map(|number| {
            let name = format!("zone-{number}.example");
            let zone = json!({ "name": name, "account": { "id": ACCOUNT } });
            vendor.somebody("zones.create", &[], zone)["id"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn redirects_and_none_of_the_rules_of_other_forms() {
    let vendor = Vendor::start().await;
    let zones = seven_zones(&vendor);
    let rule = |host: &str, target: Value| {
        json!({
            "ref": format!("by-hand-{host}"), "expression": format!("(http.host eq \"{host}\")"), "action": "redirect",
            "action_parameters": { "from_value": { "status_code": 302, "target_url": target } },
        })
    };
    for (number, zone) in zones.iter().enumerate() {
        let simple = rule(&format!("www.zone-{number}.example"), json!({ "value": "https://shop.example/" }));
        let odd = rule("odd.example", json!({ "value": "https://shop.example/somewhere/else" }));
        let rules = json!([simple, odd]);
        let ruleset = json!({
            "name": "default", "kind": "zone", "phase": "http_request_dynamic_redirect", "rules": rules,
        });
        vendor.somebody("redirects.create", &[("zone_id", zone)], ruleset);
    }
    let provider: Arc<dyn Provider> = Arc::new(WwwRedirect::new(&vendor.client()));
    let name = "(http.host eq \"www.zone-6.example\")";
    let hoard = Hoard::of(provider.clone(), (14, Pages::Several), name);
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let (found, _) = all(&Engine::new(provider, &json!({}))).await;
    assert_eq!(found.iter().filter(|thing| thing.not_adoptable.is_some()).count(), 7);
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn custom_hostnames_that_are_active() {
    let vendor = Vendor::start().await;
    for (number, zone) in seven_zones(&vendor).iter().enumerate() {
        for (hostname, state) in [("shop", "active"), ("late", "pending_validation")] {
            let hostname = format!("{hostname}.customer-{number}.example");
            let ssl = json!({ "method": "txt", "type": "dv", "settings": { "min_tls_version": "1.2" } });
            let made =
                json!({ "hostname": hostname, "ssl": ssl, "custom_origin_server": "origin.example.com" });
            let made = vendor.somebody("custom_hostnames.create", &[("zone_id", zone)], made);
            let place = [("zone_id", zone.as_str()), ("custom_hostname_id", made["id"].as_str().unwrap())];
            vendor.somebody("custom_hostnames.settle", &place, json!({ "status": "active", "ssl": state }));
        }
    }
    let provider: Arc<dyn Provider> = Arc::new(CustomHostname::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (14, Pages::Several), "shop.customer-6.example");
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let (found, _) = all(&Engine::new(provider, &json!({}))).await;
    assert_eq!(found.iter().filter(|thing| thing.not_adoptable.is_some()).count(), 7);
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn dns_records_and_none_of_the_types_that_are_not_offered() {
    let vendor = Vendor::start().await;
    for zone in seven_zones(&vendor) {
        for (of, content, comment) in [
            ("A", "192.0.2.1", "by hand"),
            ("CAA", "0 issue ca.example", "by hand"),
            ("TXT", "hello", "osb:0123456789abcdef0123456789abcdef"),
        ] {
            let name = format!("{}.example", &zone[..8]);
            let record =
                json!({ "name": name, "type": of, "content": content, "ttl": 300, "comment": comment });
            vendor.somebody("records.create", &[("zone_id", &zone)], record);
        }
    }
    vendor.known_zone();
    let record = json!({ "name": "www.example.com", "type": "TXT", "content": "hello", "comment": "mine" });
    vendor.somebody("records.create", &[("zone_id", ZONE)], record);
    let provider: Arc<dyn Provider> = Arc::new(DnsRecord::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (22, Pages::Several), "www.example.com TXT");
    let mut engine = is_found_and_taken_over(&vendor, hoard).await;
    let (found, _) = all(&Engine::new(provider.clone(), &json!({}))).await;
    assert_eq!(found.iter().filter(|thing| thing.not_adoptable.is_some()).count(), 7);
    assert_eq!(found.iter().filter(|thing| thing.mark.is_some()).count(), 7);
    let other = json!([{ "name": "www.example.com", "type": "TXT", "content": "goodbye" }]);
    let other = json!({ "zone_id": ZONE, "records": other });
    // from now on it can be changed, and is found by its mark too
    engine.update(&other).await;
    let Observation::Found { drift, .. } = engine.fetch().await else { panic!("it is there") };
    assert_eq!(drift, []);
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn records_by_name_and_type_at_cloudflare() {
    let vendor = Vendor::start().await;
    for zone in seven_zones(&vendor) {
        for (of, content, comment) in [
            ("A", "192.0.2.1", "by hand"),
            ("CAA", "0 issue ca.example", "by hand"),
            ("TXT", "hello", "osb-record:0123456789abcdef0123456789abcdef"),
        ] {
            let record = json!({ "name": "a.example", "type": of, "content": content, "ttl": 300, "comment": comment });
            vendor.somebody("records.create", &[("zone_id", &zone)], record);
        }
    }
    vendor.known_zone();
    let record = json!({
        "name": "www.example.com", "type": "MX", "content": "mail.example.com", "priority": 10, "comment": "mine",
    });
    vendor.somebody("records.create", &[("zone_id", ZONE)], record);
    let provider: Arc<dyn Provider> = Arc::new(DomainRecord::new(&vendor.client()));
    let hoard = Hoard::of(provider.clone(), (22, Pages::Several), "www.example.com MX");
    let mut engine = is_found_and_taken_over(&vendor, hoard).await;
    let (found, _) = all(&Engine::new(provider.clone(), &json!({}))).await;
    assert_eq!(found.iter().filter(|thing| thing.mark.is_some()).count(), 7);
    let marked = found.iter().find(|thing| thing.mark.is_some()).unwrap();
    let wanted = |values: Value| json!({ "zone": "example.com", "name": "www.example.com", "type": "MX", "values": values });
    let mut other = Engine::new(provider.clone(), &wanted(json!(["10 mail.example.com"])));
    let ended = other.adopt(&marked.id).await;
    let (why, told) = refusal(&ended).unwrap();
    assert!(why == Refusal::Unsupported && told.starts_with("zone: "), "{told}");
    let id = engine.discovery().object_of(&engine.instance).unwrap();
    let mut unlike = Engine::new(provider, &wanted(json!(["20 mail.example.com"])));
    let ended = unlike.adopt(&id).await;
    assert!(refusal(&ended).unwrap().1.contains("10 mail.example.com"), "{ended:?}");
    // from now on it can be changed, and is found by its mark too
    engine.update(&wanted(json!(["5 mail.example.com"]))).await;
    let Observation::Found { drift, .. } = engine.fetch().await else { panic!("it is there") };
    assert_eq!(drift, []);
    goes_alone(&vendor, &engine).await;
}
