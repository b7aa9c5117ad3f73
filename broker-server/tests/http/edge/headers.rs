//! What a platform says in headers is looked at before it is used or said back (S-24).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::raw::{Raw, RawAnswer, credentials};
use crate::world::World;

async fn answered(world: &World, header: &[u8]) -> RawAnswer {
    let mut raw = Raw::open(world.handle().address()).await;
    let path = "/v2/service_instances/nobodys/last_operation";
    let request = format!("GET {path} HTTP/1.1\r\n{}", credentials()).into_bytes();
    raw.send([&request, header, b"\r\n\r\n"].concat()).await;
    raw.answer().await.expect("an answer")
}

/// The request identity of an answer.
fn identity(answer: &RawAnswer) -> &str {
    let line = answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("x-broker-api-request-identity").then_some(value)
    });
    line.expect("every answer has a request identity")
}

#[tokio::test(flavor = "multi_thread")]
async fn s_24_a_request_identity_is_said_back_only_where_a_header_can_carry_it() {
    let world = World::start().await;
    let longest = "x".repeat(1_024);
    for good in ["a", "683ea748-3092-4ff4-b656-39cacc4d5360", "<odd> ;,\"{}\" %0d%0a", &longest] {
        let answer = answered(&world, format!("X-Broker-API-Request-Identity: {good}").as_bytes()).await;
        assert_eq!((answer.status, identity(&answer)), (404, good));
    }
    let too_long = "x".repeat(1_025);
    for bad in [&b""[..], b"a\tb", b"k\xe4se", b"\xff\xfe", "kä".as_bytes(), too_long.as_bytes()] {
        let answer = answered(&world, &[b"X-Broker-API-Request-Identity: ", bad].concat()).await;
        // the request is served under a name of our own
        assert_eq!(answer.status, 404, "{bad:?}");
        assert!(
            uuid::Uuid::parse_str(identity(&answer)).is_ok(),
            "{bad:?} came back as {}",
            identity(&answer)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_24_an_originating_identity_that_cannot_be_read_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    for (bad, what) in [
        ("cloudfoundry".to_owned(), "no value"),
        (" e30=".to_owned(), "no platform"),
        ("cloudfoundry ***".to_owned(), "no base64"),
        (format!("cloudfoundry {}", STANDARD.encode("[1]")), "no object"),
        (format!("cloudfoundry {}", STANDARD.encode("{")), "no JSON"),
        (format!("cloudfoundry {}", STANDARD.encode(deep)), "too deep"),
    ] {
        let mut raw = Raw::open(world.handle().address()).await;
        let body = r#"{"service_id":"s","plan_id":"p","organization_guid":"o","space_guid":"s"}"#;
        let head = format!(
            "PUT /v2/service_instances/claimed HTTP/1.1\r\n{}X-Broker-API-Originating-Identity: {bad}\r\n\
             Content-Length: {}\r\nContent-Type: application/json\r\n\r\n{body}",
            credentials(),
            body.len()
        );
        raw.send(head).await;
        assert_eq!(raw.status().await, 400, "{what}");
    }
    assert_eq!(world.script.calls(), []);
}
