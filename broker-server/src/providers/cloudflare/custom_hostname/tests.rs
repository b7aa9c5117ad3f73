//! Every state of both machines, what people are told, and what is sent.

use serde_json::json;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path as of_path},
};

use super::{super::staging::*, *};
use crate::providers::{Observation, Provider, ProviderError, Refusal};

const ZONE: &str = "0a0b0c0d0e0f00112233445566778899";
const ID: &str = "0d89c70d-ad9f-4843-b99f-6cc0252067e9";
const NAME: &str = "shop.customer.example";

const HOSTNAME_STATES: [&str; 16] = [
    "active",
    "pending",
    "active_redeploying",
    "moved",
    "pending_deletion",
    "deleted",
    "pending_blocked",
    "pending_migration",
    "pending_provisioned",
    "test_pending",
    "test_active",
    "test_active_apex",
    "test_blocked",
    "test_failed",
    "provisioned",
    "blocked",
];
const CERTIFICATE_STATES: [&str; 21] = [
    "initializing",
    "pending_validation",
    "deleted",
    "pending_issuance",
    "pending_deployment",
    "pending_deletion",
    "pending_expiration",
    "expired",
    "active",
    "initializing_timed_out",
    "validation_timed_out",
    "issuance_timed_out",
    "deployment_timed_out",
    "deletion_timed_out",
    "pending_cleanup",
    "staging_deployment",
    "staging_active",
    "deactivating",
    "inactive",
    "backup_issued",
    "holding_deployment",
];

fn shown(status: &str, ssl: &str) -> Value {
    json!({
        "id": ID, "hostname": NAME, "status": status,
        "ownership_verification": { "type": "txt", "name": format!("_cf-custom-hostname.{NAME}"), "value": "own-1" },
        "ssl": {
            "status": ssl, "method": "txt", "type": "dv", "wildcard": false, "certificate_authority": "google",
            "settings": { "min_tls_version": "1.2" },
            "validation_records": [{ "txt_name": format!("_acme-challenge.{NAME}"), "txt_value": "cert-1" }],
        },
    })
}

fn wanted() -> Value {
    json!({ "zone_id": ZONE, "hostname": NAME, "method": "txt" })
}

fn next_of(found: Value, memory: Memory, asked: Value) -> Next<Change, Memory> {
    let known = Known { name: NAME.to_owned(), id: Some(ID.to_owned()), memory, adopted: false };
    let (found, asked) = (serde_json::from_value(found), serde_json::from_value(asked));
    Hostnames::next(&known, &found.unwrap(), &asked.unwrap())
}

fn next(status: &str, ssl: &str, memory: Memory) -> Next<Change, Memory> {
    next_of(shown(status, ssl), memory, wanted())
}

#[test]
fn every_state_of_the_host_name_is_mapped() {
    for status in HOSTNAME_STATES {
        let next = next(status, "active", Memory::default());
        match status {
            "active" => assert_eq!(next, Next::Done),
            "moved" | "blocked" | "pending_blocked" | "pending_deletion" | "deleted" => {
                assert!(matches!(next, Next::Failed(_)), "{status}")
            }
            test if test.starts_with("test_") => assert!(matches!(next, Next::Failed(_)), "{status}"),
            _ => assert!(matches!(next, Next::Wait(..)), "{status}"),
        }
        assert_ne!(states::of_hostname(Some(status)), Standing::Unknown, "{status}");
    }
}

#[test]
fn every_state_of_the_certificate_is_mapped() {
    for ssl in CERTIFICATE_STATES {
        let next = next("active", ssl, Memory::default());
        match ssl {
            "active" => assert_eq!(next, Next::Done),
            "expired" | "inactive" | "deactivating" | "pending_deletion" | "deleted" => {
                assert!(matches!(next, Next::Failed(_)), "{ssl}")
            }
            late if late.ends_with("_timed_out") => {
                assert!(matches!(next, Next::Change(Change::Restart, _)), "{ssl}");
            }
            _ => assert!(matches!(next, Next::Wait(..)), "{ssl}"),
        }
        assert_ne!(states::of_certificate(Some(ssl)), Standing::Unknown, "{ssl}");
    }
}

#[test]
fn no_state_is_waited_for_endlessly() {
    let late = || Memory { looks: MAX_LOOKS, ..Memory::default() };
    for (status, ssl) in
        [("pending", "active"), ("active", "pending_validation"), ("pending", "initializing")]
    {
        let Next::Failed(told) = next(status, ssl, late()) else { panic!("{status} {ssl}") };
        assert!(told.contains("seven days"), "{told}");
    }
    let strange = Memory { unknown: MAX_UNKNOWN, ..Memory::default() };
    for (status, ssl) in [("whatever", "active"), ("active", "whatever"), ("whatever", "whatever")] {
        let Next::Wait(memory, told) = next(status, ssl, Memory::default()) else { panic!("{status} {ssl}") };
        assert_eq!(memory.unknown, 1);
        assert!(told.contains("does not know"), "{told}");
        assert!(matches!(next(status, ssl, strange.clone()), Next::Failed(_)), "{status} {ssl}");
    }
    let Next::Wait(memory, _) = next("pending", "active", strange) else { panic!("it is known again") };
    assert_eq!(memory.unknown, 0);
}

#[test]
fn a_check_that_timed_out_is_begun_again_at_growing_intervals_and_not_for_ever() {
    let (mut memory, mut waits, mut looks) = (Memory::default(), Vec::new(), 0);
    let told = loop {
        match next("active", "validation_timed_out", memory) {
            Next::Change(Change::Restart, after) => {
                waits.push(looks);
                (memory, looks) = (after, 0);
            }
            Next::Wait(after, told) => {
                assert!(told.contains("_acme-challenge.shop.customer.example = cert-1"), "{told}");
                memory = after;
                looks += 1;
            }
            Next::Failed(told) => break told,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64]);
    assert!(told.contains("8 times over"), "{told}");
}

#[test]
fn people_are_told_what_to_publish_until_it_is_seen() {
    let Next::Wait(_, told) = next("pending", "pending_validation", Memory::default()) else {
        panic!("it waits")
    };
    assert!(told.contains("TXT _cf-custom-hostname.shop.customer.example = own-1"), "{told}");
    assert!(told.contains("TXT _acme-challenge.shop.customer.example = cert-1"), "{told}");
    let Next::Wait(_, told) = next("active", "pending_validation", Memory::default()) else {
        panic!("it waits")
    };
    assert!(!told.contains("own-1") && told.contains("cert-1"), "{told}");
    let mut by_file = shown("active", "pending_validation");
    by_file["ssl"]["validation_records"] = json!([{ "http_url": "http://a/b.txt", "http_body": "cert-2" }]);
    let Next::Wait(_, told) = next_of(by_file, Memory::default(), wanted()) else { panic!("it waits") };
    assert!(told.contains("http://a/b.txt has to answer cert-2"), "{told}");
}

#[test]
fn who_does_not_wait_is_done_when_it_is_known_what_to_publish() {
    let mut asked = wanted();
    asked["wait_for_activation"] = json!(false);
    let mut unexplained = shown("pending", "initializing");
    unexplained["ssl"]["validation_records"] = json!([]);
    assert!(matches!(next_of(unexplained, Memory::default(), asked.clone()), Next::Wait(..)));
    let explained = shown("pending", "pending_validation");
    assert_eq!(next_of(explained, Memory::default(), asked.clone()), Next::Done);
    assert!(matches!(next_of(shown("moved", "active"), Memory::default(), asked), Next::Failed(_)));
}

#[test]
fn only_what_was_asked_for_and_differs_is_sent() {
    let mut asked = wanted();
    assert_eq!(next_of(shown("active", "active"), Memory::default(), asked.clone()), Next::Done);
    asked["custom_origin_server"] = json!("origin.example.com");
    let sent = next_of(shown("active", "active"), Memory::default(), asked.clone());
    let Next::Change(Change::Settings(sent), _) = sent else { panic!("{sent:?}") };
    assert_eq!(sent, json!({ "custom_origin_server": "origin.example.com" }));
    asked["min_tls_version"] = json!("1.3");
    asked["custom_metadata"] = json!({ "tenant": "7" });
    let sent = next_of(shown("active", "active"), Memory::default(), asked);
    let Next::Change(Change::Settings(sent), _) = sent else { panic!("{sent:?}") };
    assert_eq!(sent["custom_metadata"], json!({ "tenant": "7" }));
    let ssl =
        json!({ "method": "txt", "type": "dv", "wildcard": false, "settings": { "min_tls_version": "1.3" } });
    assert_eq!(sent["ssl"], ssl);
}

#[test]
fn a_wildcard_needs_the_method_that_can_prove_it() {
    let asked =
        |method: &str| json!({ "zone_id": ZONE, "hostname": NAME, "method": method, "wildcard": true });
    let problems = |asked: Value| Hostnames::problems(&serde_json::from_value(asked).unwrap());
    assert_eq!(problems(asked("http")), ["wildcard: needs the method txt"]);
    assert!(problems(asked("txt")).is_empty());
}

fn of_zone(verb: &str, below: &str) -> wiremock::MockBuilder {
    Mock::given(method(verb)).and(of_path(format!("/zones/{ZONE}/custom_hostnames{below}")))
}

fn record() -> Value {
    json!({ "name": NAME, "id": ID, "memory": {} })
}

#[tokio::test]
async fn a_duplicate_and_a_limit_are_told_apart() {
    for (status, code, refusal, told) in [
        (409, 1406, Refusal::Conflict, "is left alone"),
        (403, 1404, Refusal::Unsupported, "as many custom hostnames as it may have"),
        (403, 1456, Refusal::Unsupported, "not switched on"),
        (400, 1407, Refusal::Unsupported, "hostname: "),
        (403, 10000, Refusal::Credentials, "operator"),
    ] {
        let server = MockServer::start().await;
        of_zone("GET", "").respond_with(page(json!([]), 0)).mount(&server).await;
        of_zone("POST", "").respond_with(super::super::staging::refusal(status, code)).mount(&server).await;
        let provider = CustomHostname::new(&client(&server.uri()));
        let error = Stage::new(&provider, &server, wanted()).provision().await.error();
        assert!(error.to_string().contains(told), "{code}: {error}");
        let ProviderError::Refused { refusal: found, .. } = error else { panic!("{code}: {error:?}") };
        assert_eq!(found, refusal, "{code}");
    }
}

#[tokio::test]
async fn what_was_there_before_is_refused_and_a_filter_that_finds_more_misleads_nobody() {
    for (hostname, is_there) in [(NAME, true), ("shop.customer.example.org", false)] {
        let server = MockServer::start().await;
        let mut other = shown("active", "active");
        other["hostname"] = json!(hostname);
        of_zone("GET", "").respond_with(page(json!([other]), 1)).mount(&server).await;
        of_zone("POST", "").respond_with(ok(shown("pending", "initializing"))).mount(&server).await;
        of_zone("GET", &format!("/{ID}")).respond_with(ok(shown("active", "active"))).mount(&server).await;
        let provider = CustomHostname::new(&client(&server.uri()));
        let driven = Stage::new(&provider, &server, wanted()).provision().await;
        assert_eq!(driven.outcome.is_err(), is_there, "{hostname}");
    }
}

/// This one call is answered outside of Cloudflare's form.
#[tokio::test]
async fn a_deletion_that_is_answered_with_the_bare_id_is_looked_up() {
    for (after, is_done) in [
        (refusal(404, 1436), true),
        (ok(shown("pending_deletion", "pending_deletion")), true),
        (ok(shown("active", "active")), false),
        (html(502), false),
    ] {
        let server = MockServer::start().await;
        let one = format!("/{ID}");
        of_zone("GET", &one)
            .respond_with(ok(shown("active", "active")))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        of_zone("GET", &one).respond_with(after).mount(&server).await;
        let bare = ResponseTemplate::new(200).set_body_json(json!({ "id": ID }));
        of_zone("DELETE", &one).respond_with(bare).mount(&server).await;
        let provider = CustomHostname::new(&client(&server.uri()));
        let stage = Stage::new(&provider, &server, wanted()).with_record(record());
        assert_eq!(stage.deprovision().await.outcome.is_ok(), is_done);
    }
}

#[tokio::test]
async fn gone_is_what_cloudflare_says_is_gone_and_the_zone_takes_its_host_names_along() {
    let zones = |rows: Value| Mock::given(method("GET")).and(of_path("/zones")).respond_with(page(rows, 1));
    for (answer, zone, gone) in [
        (refusal(404, 1436), json!([]), Some(true)),
        (refusal(404, 7003), json!([]), Some(true)),
        (refusal(404, 7003), json!([{ "id": ZONE, "name": "example.com" }]), None),
        (refusal(403, 10000), json!([]), None),
        (html(502), json!([]), None),
        (ok(shown("moved", "active")), json!([]), Some(false)),
    ] {
        let server = MockServer::start().await;
        of_zone("GET", &format!("/{ID}")).respond_with(answer).mount(&server).await;
        zones(zone).mount(&server).await;
        let provider = CustomHostname::new(&client(&server.uri()));
        let stage = Stage::new(&provider, &server, wanted()).with_record(record());
        match (gone, provider.fetch(&stage.instance, &stage.marker).await) {
            (Some(true), Ok(Observation::Gone)) | (None, Err(ProviderError::Unavailable { .. })) => {}
            (Some(false), Ok(Observation::Found { drift, attributes })) => {
                assert_eq!((drift[0].field.as_str(), &drift[0].found), ("status", &json!("moved")));
                assert_eq!(attributes["records"][0]["purpose"], "ownership");
            }
            (_, observed) => panic!("{gone:?}: {observed:?}"),
        }
    }
}

#[tokio::test]
async fn an_update_waits_for_itself_however_long_the_creation_took() {
    let server = MockServer::start().await;
    let one = format!("/{ID}");
    let mut changed = shown("active", "pending_deployment");
    changed["custom_origin_server"] = json!("origin.example.com");
    let mut done = changed.clone();
    done["ssl"]["status"] = json!("active");
    of_zone("GET", &one).respond_with(ok(shown("active", "active"))).up_to_n_times(1).mount(&server).await;
    of_zone("GET", &one).respond_with(ok(changed.clone())).up_to_n_times(2).mount(&server).await;
    of_zone("GET", &one).respond_with(ok(done)).mount(&server).await;
    of_zone("PATCH", &one).respond_with(ok(changed)).expect(1).mount(&server).await;
    let provider = CustomHostname::new(&client(&server.uri()));
    let waited = json!({ "name": NAME, "id": ID, "memory": { "looks": MAX_LOOKS } });
    let stage = Stage::new(&provider, &server, wanted()).with_record(waited);
    let mut asked = wanted();
    asked["custom_origin_server"] = json!("origin.example.com");
    stage.update(asked).await.done();
    let requests: Vec<Request> = server.received_requests().await.unwrap();
    let patched = requests.iter().find(|request| request.method.as_str() == "PATCH").unwrap();
    let body: Value = serde_json::from_slice(&patched.body).unwrap();
    assert_eq!(body, json!({ "custom_origin_server": "origin.example.com" }));
}
