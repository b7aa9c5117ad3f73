//! The states of a zone, and the tokens of its bindings.

use serde_json::json;
use wiremock::{
    Mock, MockServer,
    matchers::{header, method, path as of_path},
};

use super::{
    super::{
        minting::{DISCARD, MINT, VERIFY},
        staging::*,
    },
    *,
};
use crate::providers::{BEGIN, Provider};

fn next(status: &str, looks: u32, wait: bool) -> Next<(), Memory> {
    let memory = Memory { looks, unknown: looks.min(MAX_UNKNOWN) };
    let known = Known { name: "example.com".to_owned(), id: Some("i".to_owned()), memory };
    let found =
        json!({ "id": "i", "name": "example.com", "status": status, "name_servers": ["a.ns", "b.ns"] });
    let wanted = json!({ "name": "example.com", "wait_for_activation": wait });
    let (found, wanted) = (serde_json::from_value(found), serde_json::from_value(wanted));
    Zones::next(&known, &found.unwrap(), &wanted.unwrap())
}

#[test]
fn every_state_is_mapped_and_none_is_waited_for_endlessly() {
    for status in ["active", "pending", "moved", "initializing", "whatever"] {
        assert_eq!(next(status, 0, false), Next::Done, "{status}");
    }
    assert_eq!(next("active", 3, true), Next::Done);
    for status in ["pending", "initializing", "whatever"] {
        assert!(matches!(next(status, 0, true), Next::Wait(..)), "{status}");
        assert!(matches!(next(status, MAX_LOOKS, true), Next::Failed(_)), "{status}");
    }
    assert!(matches!(next("whatever", MAX_UNKNOWN, true), Next::Failed(_)));
    let Next::Failed(told) = next("moved", 0, true) else { panic!("it moved") };
    assert!(told.contains("a.ns and b.ns"), "{told}");
}

const ID: &str = "0a0b0c0d0e0f00112233445566778899";
const TOKEN_ID: &str = "11111111111111111111111111111111";
const VALUE: &str = "value-shown-once";

/// An account in which a token can be made; what the zone's records answer to it.
async fn minting(answer: wiremock::ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let group = |name: &str, scope: &str| json!({ "id": format!("{name} in {scope}"), "name": name, "scopes": [scope] });
    let (zone, account) = ("com.cloudflare.api.account.zone", "com.cloudflare.api.account");
    let groups = json!([
        group("DNS Write", zone),
        group("DNS Read", zone),
        group("Zone Read", zone),
        group("Zone Read", account),
    ]);
    on("GET", "/tokens/permission_groups").respond_with(ok(groups)).mount(&server).await;
    on("GET", "/tokens").respond_with(page(json!([]), 0)).mount(&server).await;
    let minted = json!({ "id": TOKEN_ID, "name": "n", "status": "active", "policies": [], "value": VALUE });
    on("POST", "/tokens").respond_with(ok(minted)).expect(1).mount(&server).await;
    let shown = json!({ "id": TOKEN_ID, "name": "n", "status": "active", "policies": [] });
    on("GET", &format!("/tokens/{TOKEN_ID}")).respond_with(ok(shown)).mount(&server).await;
    on("GET", "/tokens/verify").respond_with(ok(json!({ "status": "active" }))).mount(&server).await;
    on("DELETE", &format!("/tokens/{TOKEN_ID}"))
        .respond_with(ok(json!({ "id": TOKEN_ID })))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(of_path(format!("/zones/{ID}/dns_records")))
        .and(header("authorization", format!("Bearer {VALUE}").as_str()))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn ready<'a>(provider: &'a dyn Provider, server: &'a MockServer) -> Stage<'a> {
    let stage = Stage::new(provider, server, json!({ "name": "example.com" }));
    stage.with_record(json!({ "name": "example.com", "id": ID, "memory": {} }))
}

#[tokio::test]
async fn a_binding_gives_a_token_for_this_zone_that_was_tried_on_it() {
    let server = minting(page(json!([]), 0)).await;
    let provider = Zone::new(&client(&server.uri()));
    let stage = ready(&provider, &server);
    let driven = stage.bind().await;
    assert_eq!(driven.steps, [BEGIN, MINT, VERIFY]);
    let credentials = driven.done().body.credentials.unwrap();
    assert_eq!(
        Value::Object(credentials.expose().clone()),
        json!({ "zone_id": ID, "name": "example.com", "token": VALUE, "token_id": TOKEN_ID })
    );
    let sent = &bodies(&server, "POST", "/tokens").await[0];
    assert_eq!(sent["name"], format!("shop-zone-{}", stage.binding_marker().hex(24)));
    let zone = "com.cloudflare.api.account.zone";
    assert_eq!(
        sent["policies"],
        json!([{
            "effect": "allow", "resources": { format!("{zone}.{ID}"): "*" },
            "permission_groups": [{ "id": format!("DNS Write in {zone}") }, { "id": format!("Zone Read in {zone}") }],
        }])
    );
}

#[tokio::test]
async fn a_token_that_the_zone_does_not_accept_is_deleted_again() {
    let server = minting(refusal(403, 10000)).await;
    let provider = Zone::new(&client(&server.uri()));
    let driven = ready(&provider, &server).bind().await;
    assert_eq!(driven.steps.last().map(String::as_str), Some(DISCARD));
    driven.error();
    let expected = ["POST /tokens".to_owned(), format!("DELETE /tokens/{TOKEN_ID}")];
    assert_eq!(changes(&server).await, expected);
}

#[tokio::test]
async fn a_zone_that_the_account_does_not_let_tokens_reach_makes_none() {
    let server = MockServer::start().await;
    on("GET", "/tokens").respond_with(page(json!([]), 0)).mount(&server).await;
    let group = json!({ "id": "i", "name": "DNS Write", "scopes": ["com.cloudflare.api.account.zone"] });
    on("GET", "/tokens/permission_groups").respond_with(ok(json!([group]))).mount(&server).await;
    let provider = Zone::new(&client(&server.uri()));
    let error = ready(&provider, &server).bind().await.error();
    assert!(error.to_string().contains("no permission group named Zone Read"), "{error}");
    assert!(changes(&server).await.is_empty());
}

#[tokio::test]
async fn only_tokens_of_zones_are_listed_as_marked() {
    let server = MockServer::start().await;
    let digits = "0123456789abcdef01234567";
    let named = |id: &str, name: String| json!({ "id": id.repeat(32), "name": name });
    let rows = json!([
        named("a", format!("shop-zone-{digits}")),
        named("b", format!("zone-0123456789ab-{digits}")),
        named("c", format!("shop-r2-{digits}")),
        named("d", "shop-zone".to_owned()),
        named("e", format!("ozone-{digits}")),
    ]);
    on("GET", "/tokens").respond_with(page(rows, 5)).mount(&server).await;
    let Listing::Objects { bearers, objects } = Zone::new(&client(&server.uri())).marked().await.unwrap()
    else {
        panic!("no list")
    };
    assert_eq!(bearers, Bearers::Bindings);
    assert_eq!(objects.iter().map(|object| object.id.as_str()).collect::<Vec<_>>(), ["a".repeat(32)]);
}
