//! Answers that break the protocol, redirect, or are too much.

use std::time::{Duration, Instant};

use serde_json::json;
use sutler_broker_client::{
    Call, Client, ClientError, FetchQuery,
    Orphan::{self, Binding, Instance},
};
use sutler_spec::{Asynchrony::Allowed, LastOperationQuery};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::world::{
    Act, Script, bind_request, binding, client, deprovision_query, head, instance, orphans, provision,
};

/// A client of a broker that answers everything alike.
async fn answering(status: u16, body: &str) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(status).set_body_raw(body.as_bytes(), "application/json"))
        .mount(&server)
        .await;
    let client = client(&server.uri());
    (server, client)
}

async fn bind(client: &Client) -> ClientError {
    client.bind(&instance(), &binding(), &bind_request(), Allowed).await.expect_err("no outcome")
}

#[tokio::test]
async fn a_success_that_is_no_json_object_is_malformed() {
    let bomb = format!("{{\"a\":{}", "[".repeat(100_000));
    let bodies = [
        "",
        "<html>login</html>",
        "null",
        "[]",
        "\"ok\"",
        "{\"dashboard_url\":[]}",
        "{",
        "\u{feff}{}",
        &bomb,
    ];
    for (status, left) in [(200, [Orphan::None; 2]), (201, [Instance, Binding]), (202, [Instance, Binding])] {
        for body in bodies {
            // A dashboard of a wrong type is no concern of a finished bind: unknown fields are ignored.
            if body.contains("dashboard") && status != 202 {
                continue;
            }
            let (_server, client) = answering(status, body).await;
            for (error, call, left) in [
                (provision(&client).await, Call::Provision, left[0]),
                (bind(&client).await, Call::Bind, left[1]),
            ] {
                assert!(matches!(error, ClientError::Malformed { .. }), "{status} {body:.40}: {error:?}");
                assert_eq!(error.status(), Some(status));
                assert_eq!(orphans(call, &error), left, "{status} {body:.40}");
                assert!(error.outcome_is_unknown());
            }
        }
    }
}

#[tokio::test]
async fn fields_of_the_wrong_type_are_named_and_not_shown() {
    let (_server, client) = answering(200, "{\"state\": {\"c4n4ry\": 1}}").await;
    let query = LastOperationQuery::default();
    let error = client.last_operation_of_instance(&instance(), &query).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains("state: ") && !shown.contains("c4n4ry"), "{shown}");

    let (_server, client) = answering(200, "{\"services\": [{\"id\": \"a\", \"name\": 5}]}").await;
    let shown = client.catalog(None).await.unwrap_err().to_string();
    assert!(shown.contains("services[0].name: invalid type: integer …, expected a string"), "{shown}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_malformed() {
    let body = b"{\"dashboard_url\":\"\xff\xfe\"}";
    let head = head("201 Created", &format!("content-length: {}\r\n", body.len()));
    let script = Script::play(vec![head, Act::Say(body.to_vec())]).await;
    assert!(matches!(provision(&client(&script.url)).await, ClientError::Malformed { status: 201, .. }));
}

#[tokio::test]
async fn an_answer_that_says_it_is_too_long_is_not_read() {
    let script = Script::play(vec![head("200 OK", "content-length: 1073741824\r\n"), Act::Hang]).await;
    let begun = Instant::now();
    let error = provision(&client(&script.url)).await;
    assert!(matches!(error, ClientError::TooLarge { status: 200, limit: 1_048_576 }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut_at_its_limit() {
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b' '; 0x10000]);
    chunk.extend(b"\r\n");
    let endless = vec![head("200 OK", "transfer-encoding: chunked\r\n"), Act::Repeat(chunk, Duration::ZERO)];
    let script = Script::play(endless).await;
    let client = client(&script.url);
    let error = client.catalog(None).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { limit: 4_194_304, .. }), "{error:?}");
    let error = client.fetch_instance(&instance(), &FetchQuery::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { limit: 1_048_576, .. }), "{error:?}");
}

#[tokio::test]
async fn a_catalog_within_its_limit_is_read_whole() {
    let padding = "x".repeat(3 << 20);
    let (_server, client) = answering(200, &format!("{{\"services\":[],\"x\":\"{padding}\"}}")).await;
    assert!(client.catalog(None).await.is_ok());
    let error = client.fetch_instance(&instance(), &FetchQuery::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    let elsewhere = Script::play(vec![Act::Close]).await;
    for status in [301, 302, 303, 307, 308] {
        let server = MockServer::start().await;
        let location = format!("{}/v2/catalog?secret=c4n4ry", elsewhere.url);
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status).insert_header("location", location.as_str()))
            .mount(&server)
            .await;
        let client = client(&server.uri());
        for error in [client.catalog(None).await.unwrap_err(), provision(&client).await] {
            assert!(matches!(error, ClientError::Redirected { .. }), "{error:?}");
            let shown = error.to_string();
            assert!(shown.contains(&format!("status {status}")) && shown.contains("not followed"), "{shown}");
            assert!(!shown.contains("c4n4ry"), "{shown}");
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn compressed_answers_are_not_inflated() {
    let server = MockServer::start().await;
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0];
    let answer = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(gzip.to_vec(), "application/json");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let error = client(&server.uri()).catalog(None).await.unwrap_err();
    assert!(matches!(error, ClientError::Malformed { status: 200, .. }), "{error:?}");
}

#[tokio::test]
async fn every_refusal_keeps_its_status_and_its_words() {
    for (status, unknown) in
        [(400, false), (403, false), (408, false), (412, false), (429, false), (500, true), (599, true)]
    {
        let body =
            json!({"error": "Sorry", "description": "no\u{1b}[31m", "instance_usable": false}).to_string();
        let (_server, client) = answering(status, &body).await;
        let error =
            client.deprovision(&instance(), &deprovision_query(), Allowed).await.expect_err("no outcome");
        assert_eq!((error.status(), error.outcome_is_unknown()), (Some(status), unknown));
        assert_eq!(error.body().unwrap().instance_usable, Some(false));
        let expected =
            format!("the broker rejected the request with status {status} (Sorry): no\\u{{1b}}[31m");
        assert_eq!(error.to_string(), expected);
    }
    let (_server, client) = answering(401, "<html>").await;
    assert!(matches!(provision(&client).await, ClientError::Unauthorized));
}

#[tokio::test]
async fn reserved_codes_are_recognised() {
    let (_server, client) = answering(422, "{\"error\": \"ConcurrencyError\"}").await;
    let error = bind(&client).await;
    assert!(error.is_concurrency_error());
    assert_eq!(orphans(Call::Bind, &error), Orphan::None);
    let (_server, client) = answering(422, "{\"error\": \"AsyncRequired\"}").await;
    assert!(provision(&client).await.is_async_required());
}
