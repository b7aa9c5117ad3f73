//! What nobody tracks is found on all pages, and one object of it is taken over: nothing is changed by that, what was
//! asked for is as it is, and from then on it is an instance like any other.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::providers::cloudflare::{
    CustomHostname, DnsRecord, DomainRecord, Hyperdrive, Kv, Queue, R2, Turnstile, Vectorize, WorkerDomain,
    WwwRedirect, Zone,
};
use sutler_broker_server::providers::dnsimple as at_dnsimple;
use sutler_broker_server::providers::{Observation, Provider, Refusal, VendorThing};

use crate::cloudflare::{ACCOUNT, SCRIPT, Vendor, ZONE};
use crate::dnsimple;
use crate::engine::{Engine, parameters, refusal};

/// A name as an instance of another installation would have it.
const FOREIGN: &str = "their-0123456789abcdef01234567";

/// Everything on all pages, and how many pages there were.
pub(crate) async fn all(engine: &Engine) -> (Vec<VendorThing>, usize) {
    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = engine.discovery().page(cursor.as_deref()).await.unwrap();
        found.extend(page.objects);
        pages += 1;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (found, pages),
        }
    }
}

/// A fake whose changes and objects can be counted.
trait Watched {
    fn changes(&self) -> u64;
    fn count(&self) -> usize;
}

impl Watched for Vendor {
    fn changes(&self) -> u64 {
        self.changes()
    }

    fn count(&self) -> usize {
        self.objects().len()
    }
}

impl Watched for dnsimple::Vendor {
    fn changes(&self) -> u64 {
        self.changes()
    }

    fn count(&self) -> usize {
        self.objects().len()
    }
}

/// What there is to be found, and how the one to be taken over is told.
struct Hoard {
    provider: Arc<dyn Provider>,
    objects: usize,
    is_on_several_pages: bool,
    name: &'static str,
    /// What no look tells, such as a password.
    more: Value,
}

/// Finds all, and takes one over. Gives what was adopted.
async fn is_found_and_taken_over(vendor: &impl Watched, hoard: Hoard) -> Engine {
    let mut engine = Engine::new(hoard.provider, &json!({}));
    let before = vendor.changes();
    let (found, pages) = all(&engine).await;
    assert_eq!(found.len(), hoard.objects);
    assert_eq!(pages > 1, hoard.is_on_several_pages, "{pages} pages");
    let picked = found.iter().find(|thing| thing.name == hoard.name).unwrap();
    assert_eq!((&picked.mark, &picked.not_adoptable), (&None, &None));
    let described = engine.discovery().object(&picked.id).await.unwrap().unwrap();
    let mut wanted = Value::Object(described.parameters);
    for (name, value) in hoard.more.as_object().unwrap() {
        match value.as_object() {
            Some(inner) => inner.iter().for_each(|(inner, value)| wanted[name][inner] = value.clone()),
            None => wanted[name] = value.clone(),
        }
    }
    engine.instance.parameters = parameters(&wanted);
    engine.adopt(&picked.id).await.unwrap();
    assert_eq!(engine.discovery().object_of(&engine.instance).as_ref(), Some(&picked.id));
    let Observation::Found { drift, .. } = engine.fetch().await else { panic!("it is there") };
    assert_eq!(drift, []);
    // a plan without changes
    engine.update(&wanted).await;
    assert_eq!(vendor.changes(), before, "nothing was changed");
    engine
}

/// It is an instance now: deleting it deletes it, and nothing else.
async fn goes_alone(vendor: &impl Watched, engine: &Engine) {
    let before = vendor.count();
    engine.deprovision().await.unwrap();
    assert_eq!(engine.fetch().await, Observation::Gone);
    assert_eq!(vendor.count(), before - 1);
}

/// What carries a mark, what is not there and what is of another form is not taken over.
async fn others_are_refused(provider: Arc<dyn Provider>, wanted: &Value, nobody: &str) {
    let mut engine = Engine::new(provider, wanted);
    let (found, _) = all(&engine).await;
    let marked = found.iter().find(|thing| thing.name == FOREIGN).unwrap();
    assert_eq!(marked.mark.as_deref(), FOREIGN.strip_prefix("their-"));
    let ended = engine.adopt(&marked.id).await;
    assert_eq!(refusal(&ended).unwrap().0, Refusal::Conflict);
    for absent in [nobody, "../../tokens", ""] {
        assert_eq!(engine.discovery().object(absent).await.unwrap(), None, "{absent}");
        let ended = engine.adopt(absent).await;
        let (why, told) = refusal(&ended).unwrap();
        assert!(why == Refusal::Unsupported && told.contains("there is no"), "{absent}: {told}");
    }
}

/// What is asked for differs from what is there: refused by name.
async fn unlike_is_refused(engine: Engine, wanted: &Value, field: &str) {
    let id = engine.discovery().object_of(&engine.instance).unwrap();
    let mut engine = engine;
    (engine.instance.parameters, engine.instance.record) = (parameters(wanted), None);
    let ended = engine.adopt(&id).await;
    let (why, told) = refusal(&ended).unwrap();
    assert!(why == Refusal::Unsupported && told.contains(field), "{told}");
}

const NOBODY: &str = "ffffffffffffffffffffffffffffffff";

#[tokio::test]
async fn namespaces() {
    let vendor = Vendor::start().await;
    for number in 0..1_001 {
        vendor.somebody("kv.create", &[], json!({ "title": format!("stray-{number}") }));
    }
    vendor.somebody("kv.create", &[], json!({ "title": FOREIGN }));
    let provider: Arc<dyn Provider> = Arc::new(Kv::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 1_002,
        is_on_several_pages: true,
        name: "stray-1000",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({}), NOBODY).await;
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn a_namespace_whose_jurisdiction_nobody_can_tell_is_not_adopted_with_one() {
    let vendor = Vendor::start().await;
    vendor.somebody("kv.create", &[], json!({ "title": "stray" }));
    let provider: Arc<dyn Provider> = Arc::new(Kv::new(&vendor.client()));
    let hoard = Hoard { provider, objects: 1, is_on_several_pages: false, name: "stray", more: json!({}) };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    unlike_is_refused(engine, &json!({ "jurisdiction": "eu" }), "jurisdiction: ").await;
}

#[tokio::test]
async fn queues() {
    let vendor = Vendor::start().await;
    for number in 0..101 {
        vendor.somebody("queues.create", &[], json!({ "queue_name": format!("stray-{number}") }));
    }
    vendor.somebody("queues.create", &[], json!({ "queue_name": FOREIGN }));
    let provider: Arc<dyn Provider> = Arc::new(Queue::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 102,
        is_on_several_pages: true,
        name: "stray-100",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({}), NOBODY).await;
    goes_alone(&vendor, &engine).await;
    let hoard = Hoard {
        provider: Arc::new(Queue::new(&vendor.client())),
        objects: 101,
        is_on_several_pages: true,
        name: "stray-7",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    unlike_is_refused(engine, &json!({ "delivery_delay": 7 }), "delivery_delay: is 0 at Cloudflare, not 7")
        .await;
}

/// Names are not unique: what has the same name as an adopted one is somebody else's.
#[tokio::test]
async fn widgets() {
    let vendor = Vendor::start().await;
    let make = |name: &str| {
        let widget = json!({ "name": name, "domains": ["b.example", "a.example"], "mode": "invisible" });
        vendor.somebody("turnstile.create", &[], widget);
    };
    for number in 0..1_001 {
        make(&format!("stray-{number}"));
    }
    make("stray-1000");
    make(FOREIGN);
    let provider: Arc<dyn Provider> = Arc::new(Turnstile::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 1_003,
        is_on_several_pages: true,
        name: "stray-1000",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({ "domains": ["a.example"] }), "0x4nobody").await;
    goes_alone(&vendor, &engine).await;
}

/// The password is never shown: it is said, and believed.
#[tokio::test]
async fn hyperdrive_configurations() {
    let vendor = Vendor::start().await;
    let make = |name: &str| {
        let origin = json!({
            "scheme": "postgres", "host": "db.example.com", "port": 5433, "database": "shop", "user": "shop",
            "password": "theirs",
        });
        vendor.somebody("hyperdrive.create", &[], json!({ "name": name, "origin": origin }));
    };
    for number in 0..101 {
        make(&format!("stray-{number}"));
    }
    make(FOREIGN);
    let provider: Arc<dyn Provider> = Arc::new(Hyperdrive::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 102,
        is_on_several_pages: true,
        name: "stray-100",
        more: json!({ "origin": { "password": "theirs" } }),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let origin = json!({
        "scheme": "postgres", "host": "db.example.com", "database": "shop", "user": "shop", "password": "theirs",
    });
    others_are_refused(provider, &json!({ "origin": origin }), NOBODY).await;
    goes_alone(&vendor, &engine).await;
}

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
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 1_006,
        is_on_several_pages: true,
        name: "files",
        more: json!({}),
    };
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

#[tokio::test]
async fn vector_indexes() {
    let vendor = Vendor::start().await;
    for name in ["stray-1", "stray-2", FOREIGN] {
        let index = json!({ "name": name, "config": { "dimensions": 3, "metric": "cosine" } });
        vendor.somebody("vectorize.create", &[], index);
        let property = json!({ "propertyName": "year", "indexType": "number" });
        vendor.somebody("vectorize.add", &[("index_name", name)], property);
    }
    let provider: Arc<dyn Provider> = Arc::new(Vectorize::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 3,
        is_on_several_pages: false,
        name: "stray-2",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    others_are_refused(provider, &json!({ "dimensions": 3, "metric": "cosine" }), "nobody").await;
    goes_alone(&vendor, &engine).await;
}

#[tokio::test]
async fn zones() {
    let vendor = Vendor::start().await;
    for number in 0..51 {
        vendor.zone(&format!("stray-{number}.example"));
    }
    let provider: Arc<dyn Provider> = Arc::new(Zone::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 51,
        is_on_several_pages: true,
        name: "stray-50.example",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let hoard = |name| Hoard { provider, objects: 50, is_on_several_pages: false, name, more: json!({}) };
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
    let hoard = Hoard { provider, objects: 1, is_on_several_pages: false, name, more: json!({}) };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let waiting = json!({ "name": name, "wait_for_activation": true });
    unlike_is_refused(engine, &waiting, "waiting until the registrar").await;
}

#[tokio::test]
async fn domains_of_workers() {
    let vendor = Vendor::start().await;
    vendor.known_zone();
    for hostname in ["a.example.com", "b.example.com"] {
        let domain = json!({ "hostname": hostname, "service": SCRIPT, "zone_id": ZONE });
        vendor.somebody("worker_domains.put", &[], domain);
    }
    let provider: Arc<dyn Provider> = Arc::new(WorkerDomain::new(&vendor.client()));
    let name = "b.example.com";
    let hoard =
        Hoard { provider: provider.clone(), objects: 2, is_on_several_pages: false, name, more: json!({}) };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let hoard =
        Hoard { provider, objects: 1, is_on_several_pages: false, name: "a.example.com", more: json!({}) };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    let other = json!({ "hostname": "b.example.com", "script": SCRIPT, "zone_id": ZONE });
    unlike_is_refused(engine, &other, "hostname: is a.example.com at Cloudflare").await;
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
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 14,
        is_on_several_pages: true,
        name: "(http.host eq \"www.zone-6.example\")",
        more: json!({}),
    };
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
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 14,
        is_on_several_pages: true,
        name: "shop.customer-6.example",
        more: json!({}),
    };
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
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 22,
        is_on_several_pages: true,
        name: "www.example.com TXT",
        more: json!({}),
    };
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
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 22,
        is_on_several_pages: true,
        name: "www.example.com MX",
        more: json!({}),
    };
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

#[tokio::test]
async fn zones_at_dnsimple() {
    let vendor = dnsimple::Vendor::start().await;
    for number in 0..101 {
        vendor.domain(&format!("stray-{number}.example"));
    }
    let provider: Arc<dyn Provider> = Arc::new(at_dnsimple::DomainZone::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 101,
        is_on_several_pages: true,
        name: "stray-7.example",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let mut other = Engine::new(provider, &json!({ "name": "stray-8.example" }));
    let id = all(&other).await.0.iter().find(|thing| thing.name == "stray-9.example").unwrap().id.clone();
    let ended = other.adopt(&id).await;
    let (why, told) = refusal(&ended).unwrap();
    assert!(why == Refusal::Unsupported && told.contains("stray-9.example"), "{told}");
    for absent in ["999999", "stray-9.example", "../../whoami", ""] {
        assert_eq!(other.discovery().object(absent).await.unwrap(), None, "{absent}");
        assert_eq!(refusal(&other.adopt(absent).await).unwrap().0, Refusal::Unsupported, "{absent}");
    }
}

#[tokio::test]
async fn records_by_name_and_type_at_dnsimple() {
    let vendor = dnsimple::Vendor::start().await;
    let make = |zone: &str, record: Value| vendor.somebody("records.create", &[("zone", zone)], record);
    for number in 0..7 {
        let zone = format!("zone-{number}.example");
        vendor.domain(&zone);
        make(&zone, json!({ "name": "www", "type": "A", "content": "192.0.2.1", "ttl": 300 }));
        make(&zone, json!({ "name": "www", "type": "A", "content": "192.0.2.2", "ttl": 300 }));
        make(&zone, json!({ "name": "", "type": "URL", "content": "https://example.com" }));
        make(&zone, json!({ "name": "odd", "type": "TXT", "content": "one", "ttl": 60 }));
        make(&zone, json!({ "name": "odd", "type": "TXT", "content": "two", "ttl": 90 }));
    }
    make(
        "zone-6.example",
        json!({ "name": "", "type": "MX", "content": "mail.example.com", "priority": 10 }),
    );
    let provider: Arc<dyn Provider> = Arc::new(at_dnsimple::DomainRecord::new(&vendor.client()));
    let hoard = Hoard {
        provider: provider.clone(),
        objects: 22,
        is_on_several_pages: true,
        name: "zone-6.example MX",
        more: json!({}),
    };
    let engine = is_found_and_taken_over(&vendor, hoard).await;
    goes_alone(&vendor, &engine).await;
    let (found, _) = all(&Engine::new(provider.clone(), &json!({}))).await;
    assert_eq!(found.iter().filter(|thing| thing.not_adoptable.is_some()).count(), 14);
    let pair = found.iter().find(|thing| thing.name == "www.zone-3.example A").unwrap();
    assert_eq!(pair.parameters["values"], json!(["192.0.2.1", "192.0.2.2"]));
    let adopt = async |parameters: Value, id: &str| {
        let mut engine = Engine::new(provider.clone(), &parameters);
        engine.adopt(id).await
    };
    let mut wanted = Value::Object(pair.parameters.clone());
    for (field, value) in
        [("ttl", json!(60)), ("values", json!(["192.0.2.1"])), ("zone", json!("zone-4.example"))]
    {
        let mut unlike = wanted.clone();
        unlike[field] = value;
        let ended = adopt(unlike, &pair.id).await;
        assert_eq!(refusal(&ended).unwrap().0, Refusal::Unsupported, "{field}");
    }
    adopt(wanted.clone(), &pair.id).await.unwrap();
    let odd = found.iter().find(|thing| thing.name == "odd.zone-3.example TXT").unwrap();
    wanted["name"] = json!("odd.zone-3.example");
    assert!(refusal(&adopt(wanted.clone(), &odd.id).await).unwrap().1.contains("different times"));
    for absent in ["zone-3.example/nobody/A", "zone-9.example/www/A", "../../whoami", ""] {
        assert_eq!(
            refusal(&adopt(wanted.clone(), absent).await).unwrap().0,
            Refusal::Unsupported,
            "{absent}"
        );
    }
}
