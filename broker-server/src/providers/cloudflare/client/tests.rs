//! Tests of the client against canned answers, and against peers that answer nothing.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header, query_param},
};

use super::{super::staging::*, *};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/things" };
static MAKE: Endpoint = Endpoint { method: Method::POST, template: "/accounts/{account}/things" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/things/{thing}" };
static OUTSIDE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };

static THINGS: Product = Product {
    endpoints: &[&LIST, &MAKE, &READ],
    missing: &[7404],
    exists: &[7502],
    transient: &["please come back"],
    advice: &[(7400, "its form is wrong")],
};

async fn answered(answer: ResponseTemplate, call: Call<'_>) -> Result<Answer, CallError> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    client(&server.uri()).of(&THINGS).send(&call).await
}

async fn error(answer: ResponseTemplate, call: Call<'_>) -> CallError {
    let error = answered(answer, call).await.err().expect("an error");
    let shown = format!("{error} {error:?} {}", error.describe("do it"));
    assert!(!shown.contains(CANARY), "{shown}");
    error
}

fn read() -> Call<'static> {
    Call::new(&READ, &["thing"])
}

fn make() -> Call<'static> {
    Call::new(&MAKE, &[]).body(json!({ "name": "thing" }))
}

fn unavailable(unclear: Unclear, sent: Sent) -> CallError {
    CallError::Unavailable { unclear, retry_after: None, sent }
}

#[tokio::test]
async fn each_call_carries_the_token_of_the_broker_or_the_one_it_is_given() {
    let server = MockServer::start().await;
    for (token, result) in [("Bearer master-token", 1), ("Bearer other-token", 2)] {
        on("GET", "/things/thing")
            .and(header("authorization", token))
            .respond_with(ok(result))
            .mount(&server)
            .await;
    }
    let api = client(&server.uri()).of(&THINGS);
    assert_eq!(api.send(&read()).await.unwrap().result, json!(1));
    let other = "other-token".into();
    assert_eq!(api.send(&read().with_token(&other)).await.unwrap().result, json!(2));
}

#[tokio::test]
async fn a_result_may_be_anything() {
    for result in [json!(null), json!({}), json!([1]), json!("text"), json!(true)] {
        assert_eq!(answered(ok(result.clone()), read()).await.unwrap().result, result);
    }
    assert_eq!(answered(ResponseTemplate::new(204), read()).await.unwrap().result, json!(null));
}

#[tokio::test]
async fn a_refusal_is_told_by_code_not_by_status() {
    for status in [200, 400, 404, 409] {
        assert_eq!(error(refusal(status, 7404), read()).await, CallError::Missing { code: 7404 });
        assert_eq!(error(refusal(status, 7502), make()).await, CallError::Exists { code: 7502 });
    }
    let told = |status, code, advice| CallError::Refused { status, code, advice, limit: false };
    assert_eq!(error(refusal(200, 7400), make()).await, told(200, Some(7400), Some("its form is wrong")));
    assert_eq!(error(refusal(400, 12345), make()).await, told(400, Some(12345), None));
    // a product that nobody has subscribed to is no matter of the token
    assert_eq!(error(refusal(403, 7400), make()).await, told(403, Some(7400), Some("its form is wrong")));
    assert_eq!(error(refusal(404, 12345), read()).await, told(404, Some(12345), None));
    let silent = ResponseTemplate::new(400).set_body_json(json!({ "success": false, "errors": [] }));
    assert_eq!(error(silent, make()).await, told(400, None, None));
}

#[tokio::test]
async fn a_limit_is_recognised_and_not_quoted() {
    let full = ResponseTemplate::new(400).set_body_json(json!({
        "success": false, "errors": [{ "code": 7406, "message": format!("{CANARY}: Limit of databases reached") }],
    }));
    let error = error(full, make()).await;
    assert!(matches!(error, CallError::Refused { limit: true, .. }), "{error:?}");
    assert!(error.describe("do it").contains("a limit of the Cloudflare account"));
}

#[tokio::test]
async fn the_brokers_own_credentials_and_a_wrong_account_are_told_apart_from_the_thing() {
    for (status, code) in [(401, 10000), (403, 9109), (403, 55555), (400, 9106), (400, 10000)] {
        let error = error(refusal(status, code), read()).await;
        assert_eq!(error, CallError::Credentials { status, code: Some(code) });
    }
    let chained = ResponseTemplate::new(400).set_body_json(json!({
        "success": false,
        "errors": [{ "code": 1, "message": "x", "error_chain": [{ "code": 6111, "message": CANARY }] }],
    }));
    assert_eq!(error(chained, read()).await, CallError::Credentials { status: 400, code: Some(1) });
    for code in [7000, 7003] {
        let error = error(refusal(404, code), read()).await;
        assert_eq!(error, CallError::Misrouted { code });
        assert!(!error.is_gone());
    }
}

#[tokio::test]
async fn a_limit_of_calls_is_waited_for_as_long_as_asked() {
    let limited = |retry_after: Option<&str>| {
        let answer = refusal(429, 971);
        retry_after.map_or(answer.clone(), |value| answer.insert_header("retry-after", value))
    };
    for (header, seconds) in
        [(None, None), (Some("7"), Some(7)), (Some("86400"), Some(300)), (Some("soon"), None)]
    {
        let retry_after = seconds.map(Duration::from_secs);
        assert_eq!(error(limited(header), make()).await, CallError::RateLimited { retry_after });
    }
    assert_eq!(error(html(429), make()).await, CallError::RateLimited { retry_after: None });
    assert_eq!(error(refusal(400, 971), make()).await, CallError::RateLimited { retry_after: None });
}

#[tokio::test]
async fn what_is_not_the_interface_says_nothing() {
    for status in [500, 502, 503, 504, 520, 530] {
        assert_eq!(error(html(status), read()).await, unavailable(Unclear::Failing(status), Sent::No));
        assert_eq!(
            error(refusal(status, 7404), make()).await,
            unavailable(Unclear::Failing(status), Sent::Perhaps)
        );
    }
    for (status, body) in
        [(200, "<html>"), (404, "not found"), (200, "[]"), (200, "{}"), (404, "{\"code\":7404}")]
    {
        let answer = ResponseTemplate::new(status).set_body_string(body);
        assert_eq!(error(answer, read()).await, unavailable(Unclear::Foreign(status), Sent::No), "{body}");
    }
    let mute = ResponseTemplate::new(200).set_body_json(json!({ "success": false, "errors": [] }));
    assert_eq!(error(mute, make()).await, unavailable(Unclear::Failing(200), Sent::Perhaps));
    let soon = ResponseTemplate::new(400).set_body_json(
        json!({ "success": false, "errors": [{ "code": 7500, "message": "Please come back" }] }),
    );
    assert_eq!(error(soon, make()).await, unavailable(Unclear::Failing(400), Sent::Perhaps));
    let redirect = ResponseTemplate::new(302).insert_header("location", "/elsewhere");
    assert_eq!(error(redirect, read()).await, unavailable(Unclear::Foreign(302), Sent::No));
}

#[tokio::test]
async fn a_result_of_another_form_is_no_answer() {
    let call = answered(ok(json!({ "name": 1 })), make()).await.unwrap();
    assert_eq!(call.into::<String>(), Err(unavailable(Unclear::Incomplete, Sent::Perhaps)));
    let call = answered(ok(json!(1)), read()).await.unwrap();
    assert_eq!(call.into::<String>(), Err(unavailable(Unclear::Incomplete, Sent::No)));
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let long = ResponseTemplate::new(200).set_body_bytes(vec![b' '; MAX_ANSWER + 1]);
    assert_eq!(error(long, read()).await, unavailable(Unclear::TooLong, Sent::No));
    let endless = peer(async |mut stream| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let mut sent = stream.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            sent = stream.write_all(chunk.as_bytes()).await;
        }
    })
    .await;
    assert_eq!(endless, unavailable(Unclear::TooLong, Sent::Perhaps));
}

#[tokio::test]
async fn a_lost_answer_leaves_a_doubt_and_a_lost_connection_does_not() {
    let slow = ok(1).set_delay(Duration::from_secs(5));
    assert_eq!(error(slow, make()).await, unavailable(Unclear::Lost, Sent::Perhaps));
    assert_eq!(peer(async |stream| drop(stream)).await, unavailable(Unclear::Lost, Sent::Perhaps));
    let cut = peer(async |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"succ").await.unwrap();
    });
    assert_eq!(cut.await, unavailable(Unclear::Lost, Sent::Perhaps));

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client(&format!("http://{closed}")).of(&THINGS).send(&make()).await.err().unwrap();
    assert_eq!(error, unavailable(Unclear::Unreachable, Sent::No));
}

/// What becomes of a call to a peer that reads the request and then does this.
async fn peer<F: Future<Output = ()> + Send + 'static>(
    answer: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> CallError {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        answer(stream).await;
    });
    client(&format!("http://{address}")).of(&THINGS).send(&make()).await.err().expect("an error")
}

#[tokio::test]
async fn a_call_outside_the_table_is_not_sent() {
    let server = MockServer::start().await;
    let api = client(&server.uri()).of(&THINGS);
    assert_eq!(api.send(&Call::new(&OUTSIDE, &["thing"])).await.err(), Some(CallError::NotAllowed));
    assert_eq!(api.send(&Call::new(&READ, &[".."])).await.err(), Some(CallError::Unaddressable));
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn a59_a_list_is_read_to_its_last_page() {
    let server = MockServer::start().await;
    let on_page = |number: &str| {
        on("GET", "/things").and(query_param("page", number)).and(query_param("per_page", "2"))
    };
    on_page("1").respond_with(page(json!([1, 2]), 3)).mount(&server).await;
    on_page("2").respond_with(page(json!([3]), 3)).expect(1).mount(&server).await;
    let api = client(&server.uri()).of(&THINGS);
    assert_eq!(api.all(|| Call::new(&LIST, &[]), 2).await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn a_list_that_does_not_say_how_long_it_is_ends_at_an_empty_page() {
    let server = MockServer::start().await;
    for (number, rows) in [("1", json!([1])), ("2", json!([2])), ("3", json!([]))] {
        on("GET", "/things").and(query_param("page", number)).respond_with(ok(rows)).mount(&server).await;
    }
    let api = client(&server.uri()).of(&THINGS);
    assert_eq!(api.all(|| Call::new(&LIST, &[]), 50).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn half_a_list_is_no_list() {
    let server = MockServer::start().await;
    on("GET", "/things").and(query_param("page", "1")).respond_with(page(json!([1]), 2)).mount(&server).await;
    on("GET", "/things").and(query_param("page", "2")).respond_with(html(502)).mount(&server).await;
    let api = client(&server.uri()).of(&THINGS);
    let error = api.all(|| Call::new(&LIST, &[]), 1).await.unwrap_err();
    assert_eq!(error, unavailable(Unclear::Failing(502), Sent::No));
}
