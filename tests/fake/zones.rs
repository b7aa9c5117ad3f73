//! Zones and what lies in them, as the brokers meet them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::vendor::{ACCOUNT, Answer, MASTER, Vendor, send};

const ZONE: &str = "0a0b0c0d0e0f00112233445566778899";

async fn ask(vendor: &Vendor, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = vendor.bare(method, &format!("/client/v4{path}")).bearer_auth(MASTER);
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn records(vendor: &Vendor) -> Value {
    ask(vendor, Method::GET, &format!("/zones/{ZONE}/dns_records"), None).await.result()
}

async fn batch(vendor: &Vendor, body: Value) -> Answer {
    ask(vendor, Method::POST, &format!("/zones/{ZONE}/dns_records/batch"), Some(body)).await
}

fn record(name: &str, of: &str, content: &str) -> Value {
    json!({"name": name, "type": of, "content": content, "ttl": 1, "comment": "osb:mark"})
}

#[tokio::test]
async fn a_zone_is_pending_until_it_is_delegated_and_takes_its_records_along() {
    let vendor = Vendor::start().await;
    let wanted = json!({"name": "example.org", "account": {"id": ACCOUNT}});
    let made = ask(&vendor, Method::POST, "/zones", Some(wanted.clone())).await.result();
    assert_eq!((&made["status"], made["name_servers"].as_array().unwrap().len()), (&json!("pending"), 2));
    assert_eq!(ask(&vendor, Method::POST, "/zones", Some(wanted)).await.refusal(), (400, 1061));
    let id = made["id"].as_str().unwrap();
    vendor.control().somebody("zones.delegate", &[("zone_id", id)], json!({"status": "active"})).unwrap();
    let query = format!("/zones?name=example.org&account.id={ACCOUNT}");
    let listed = ask(&vendor, Method::GET, &query, None).await.result();
    assert_eq!(listed[0]["status"], "active");
    assert_eq!(ask(&vendor, Method::GET, "/zones?account.id=other", None).await.result(), json!([]));
    vendor
        .control()
        .somebody("records.create", &[("zone_id", id)], record("example.org", "A", "192.0.2.1"))
        .unwrap();
    assert_eq!(ask(&vendor, Method::DELETE, &format!("/zones/{id}"), None).await.result()["id"], id);
    assert_eq!(ask(&vendor, Method::DELETE, &format!("/zones/{id}"), None).await.refusal(), (404, 7003));
    assert!(vendor.control().state().things.is_empty());
}

#[tokio::test]
async fn of_a_batch_all_or_nothing_is_done() {
    let vendor = Vendor::start().await;
    vendor.control().declare_zone(ZONE, "example.com");
    let made = batch(&vendor, json!({"posts": [record("a.example.com", "A", "192.0.2.1")]})).await.result();
    let id = made["posts"][0]["id"].clone();
    // the second post stands beside a CNAME, so the deletion is not done either
    let posts = [record("b.example.com", "CNAME", "c.example.com"), record("b.example.com", "TXT", "x")];
    let refused = batch(&vendor, json!({"deletes": [{"id": id}], "posts": posts})).await;
    assert_eq!(refused.refusal(), (400, 81_053));
    assert_eq!(records(&vendor).await.as_array().unwrap().len(), 1);
    let twin = batch(&vendor, json!({"posts": [record("A.example.com", "A", "192.0.2.1")]})).await;
    assert_eq!(twin.refusal(), (400, 81_058));
    let mut patch = record("a.example.com", "A", "192.0.2.2");
    patch["id"] = id;
    batch(&vendor, json!({"patches": [patch], "posts": [record("t.example.com", "TXT", "x y")]}))
        .await
        .result();
    let shown = records(&vendor).await;
    assert_eq!((&shown[0]["content"], &shown[1]["content"]), (&json!("192.0.2.2"), &json!("\"x y\"")));
}

#[tokio::test]
async fn records_are_found_by_their_comment() {
    let vendor = Vendor::start().await;
    vendor.control().declare_zone(ZONE, "example.com");
    let mut other = record("b.example.com", "A", "192.0.2.1");
    other["comment"] = json!("somebody's");
    batch(&vendor, json!({"posts": [record("a.example.com", "A", "192.0.2.1"), other]})).await.result();
    for (query, count) in [("comment.exact=osb:mark", 1), ("comment.startswith=osb:", 1), ("per_page=1", 1)] {
        let path = format!("/zones/{ZONE}/dns_records?{query}");
        let found = ask(&vendor, Method::GET, &path, None).await.result();
        assert_eq!(found.as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_rule_stands_among_the_rules_of_others() {
    let vendor = Vendor::start().await;
    vendor.control().declare_zone(ZONE, "example.com");
    let entry = format!("/zones/{ZONE}/rulesets/phases/http_request_dynamic_redirect/entrypoint");
    assert_eq!(ask(&vendor, Method::GET, &entry, None).await.refusal(), (404, 10_003));
    let rule = |reference: &str| {
        json!({"ref": reference, "expression": "true", "action": "redirect", "action_parameters": {
            "from_value": {"target_url": {"value": "https://example.org/"}},
        }})
    };
    let begin = json!({
        "name": "default", "kind": "zone", "phase": "http_request_dynamic_redirect", "rules": [rule("a")],
    });
    let rulesets = format!("/zones/{ZONE}/rulesets");
    let made = ask(&vendor, Method::POST, &rulesets, Some(begin.clone())).await.result();
    assert_eq!(ask(&vendor, Method::POST, &rulesets, Some(begin)).await.refusal(), (400, 20_217));
    let rules = format!("{rulesets}/{}/rules", made["id"].as_str().unwrap());
    let both = ask(&vendor, Method::POST, &rules, Some(rule("b"))).await.result();
    assert_eq!(both["rules"].as_array().unwrap().len(), 2);
    assert_eq!(ask(&vendor, Method::POST, &rules, Some(rule("b"))).await.refusal(), (400, 20_021));
    let path = format!("{rules}/{}", both["rules"][1]["id"].as_str().unwrap());
    ask(&vendor, Method::DELETE, &path, None).await.result();
    assert_eq!(ask(&vendor, Method::GET, &entry, None).await.result()["rules"][0]["ref"], "a");
    assert_eq!(ask(&vendor, Method::DELETE, &path, None).await.refusal(), (404, 10_003));
}

#[tokio::test]
async fn a_host_name_belongs_to_one_worker_unless_it_is_overridden() {
    let vendor = Vendor::with(|options| options.scripts = vec!["a".to_owned(), "b".to_owned()]).await;
    vendor.control().declare_zone(ZONE, "example.com");
    let domain = |service: &str| json!({"hostname": "x.example.com", "service": service, "zone_id": ZONE});
    assert_eq!(vendor.put("/workers/domains", domain("c")).await.refusal(), (404, 10007));
    let made = vendor.put("/workers/domains", domain("a")).await.result();
    assert_eq!(vendor.put("/workers/domains", domain("b")).await.refusal(), (409, 100_116));
    let mut forced = domain("b");
    forced["override_existing_origin"] = json!(true);
    assert_eq!(vendor.put("/workers/domains", forced).await.result()["id"], made["id"]);
    let path = format!("/workers/domains/{}", made["id"].as_str().unwrap());
    assert_eq!(vendor.get(&path).await.result()["service"], "b");
    vendor.delete(&path).await.result();
    assert_eq!(vendor.get(&path).await.refusal(), (404, 100_114));
}

#[tokio::test]
async fn a_token_for_one_zone_reaches_no_other() {
    let vendor = Vendor::start().await;
    let other = "1".repeat(32);
    vendor.control().declare_zone(ZONE, "example.com");
    vendor.control().declare_zone(&other, "example.org");
    let groups = vendor.get("/tokens/permission_groups?name=DNS%20Write").await.result();
    let policy = json!({
        "effect": "allow", "resources": {format!("com.cloudflare.api.account.zone.{ZONE}"): "*"},
        "permission_groups": [{"id": groups[0]["id"]}],
    });
    let minted = vendor.post("/tokens", json!({"name": "t", "policies": [policy]})).await.result();
    let look = async |zone: &str| {
        let path = format!("/client/v4/zones/{zone}/dns_records");
        send(vendor.bare(Method::GET, &path).bearer_auth(minted["value"].as_str().unwrap())).await
    };
    assert_eq!(look(ZONE).await.result(), json!([]));
    assert_eq!(look(&other).await.refusal(), (403, 10_000));
}

#[tokio::test]
async fn a_custom_hostname_gets_on_with_every_look_unless_it_is_held() {
    let vendor = Vendor::start().await;
    vendor.control().declare_zone(ZONE, "example.com");
    let all = format!("/zones/{ZONE}/custom_hostnames");
    let ssl = json!({"method": "txt", "type": "dv"});
    let asked = |hostname: &str| json!({"hostname": hostname, "ssl": ssl});
    let make = async |hostname: &str| ask(&vendor, Method::POST, &all, Some(asked(hostname))).await;
    let made = make("a.customer.example").await.result();
    assert!(made["ssl"].get("validation_records").is_none(), "{made}");
    assert_eq!(make("a.customer.example").await.refusal(), (409, 1406));
    assert_eq!(make("a.unsold.example").await.refusal(), (403, 1404));
    assert_eq!(make("a.closed.example").await.refusal(), (403, 1456));
    let id = made["id"].as_str().unwrap();
    let one = format!("{all}/{id}");
    let look = async || ask(&vendor, Method::GET, &one, None).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let shown = look().await.result();
        seen.push(format!(
            "{} {}",
            shown["status"].as_str().unwrap(),
            shown["ssl"]["status"].as_str().unwrap()
        ));
    }
    let expected =
        ["pending initializing", "pending pending_validation", "active pending_deployment", "active active"];
    assert_eq!(seen, expected);
    let held = json!({"status": "active", "ssl": "validation_timed_out", "recovers": true});
    let place = [("zone_id", ZONE), ("custom_hostname_id", id)];
    vendor.control().somebody("custom_hostnames.settle", &place, held).unwrap();
    for _ in 0..3 {
        assert_eq!(look().await.result()["ssl"]["status"], "validation_timed_out");
    }
    ask(&vendor, Method::PATCH, &one, Some(json!({"ssl": ssl}))).await.result();
    assert_eq!(look().await.result()["ssl"]["status"], "initializing");
    // the vendor describes this answer without its envelope
    let gone = ask(&vendor, Method::DELETE, &one, None).await;
    assert_eq!((gone.status, gone.body), (200, json!({"id": id})));
    assert_eq!(look().await.refusal(), (404, 1436));
}
