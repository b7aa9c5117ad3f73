//! Tests of the client against canned answers.

use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header, method, path, query_param},
};

use super::{error::Cause, *};

const CANARY: &str = "hunter2";

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/{account}/things" };
static MAKE: Endpoint = Endpoint { method: Method::POST, template: "/{account}/things" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/{account}/things/{thing}" };
static OUTSIDE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };

static THINGS: Table = Table {
    endpoints: &[&LIST, &MAKE, &READ],
    exists: &["already been taken"],
    in_use: &["currently in use"],
    advice: &[(406, "somebody has to prove something")],
};

fn api(server: &MockServer) -> Api {
    let config = DnsimpleConfig {
        base_url: server.uri(),
        account_id: "1010".to_owned(),
        token: CANARY.into(),
        call_timeout: Duration::from_secs(5),
        calls_per_hour: DnsimpleConfig::DEFAULT_CALLS,
    };
    Client::new(&config).unwrap().of(&THINGS)
}

/// DNSimple, whose token is of this account.
async fn vendor(account: Value) -> MockServer {
    let server = MockServer::start().await;
    let whoami = json!({ "data": { "user": null, "account": account } });
    Mock::given(path("/whoami"))
        .respond_with(ResponseTemplate::new(200).set_body_json(whoami))
        .with_priority(1)
        .mount(&server)
        .await;
    server
}

async fn answered(answer: ResponseTemplate, call: Call<'_>) -> Result<Value, CallError> {
    let server = vendor(json!({ "id": 1010 })).await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    api(&server).send(&call).await
}

async fn error(status: u16, body: Value, call: Call<'_>) -> CallError {
    let answer = ResponseTemplate::new(status).set_body_json(body);
    let error = answered(answer, call).await.expect_err("an error");
    let shown = format!("{error} {error:?} {}", error.describe("do it"));
    assert!(!shown.contains(CANARY), "{shown}");
    error
}

fn said(message: &str) -> Value {
    json!({ "message": format!("{CANARY}: {message}") })
}

fn read() -> Call<'static> {
    Call::new(&READ, &["thing"])
}

fn make() -> Call<'static> {
    Call::new(&MAKE, &[]).body(json!({ "name": "thing" }))
}

#[tokio::test]
async fn nothing_is_asked_of_another_account_or_with_the_token_of_a_user() {
    for account in [json!({ "id": 1011 }), Value::Null] {
        let server = vendor(account).await;
        Mock::given(any()).respond_with(ResponseTemplate::new(500)).expect(0).mount(&server).await;
        assert_eq!(api(&server).send(&make()).await.unwrap_err(), CallError::WrongAccount);
    }
}

#[tokio::test]
async fn whose_the_token_is_is_asked_once() {
    let server = MockServer::start().await;
    let whoami = ResponseTemplate::new(200).set_body_json(json!({ "data": { "account": { "id": 1010 } } }));
    Mock::given(path("/whoami")).respond_with(whoami).expect(1).mount(&server).await;
    Mock::given(method("GET"))
        .and(path("/1010/things/thing"))
        .and(header("authorization", "Bearer hunter2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "id": 7 } })))
        .expect(2)
        .mount(&server)
        .await;
    let api = api(&server);
    for _ in 0..2 {
        assert_eq!(api.send(&read()).await.unwrap(), json!({ "id": 7 }));
    }
    assert_eq!(api.client().budgeted().calls(), 3, "each call counts");
}

#[tokio::test]
async fn a_clear_refusal_is_told_by_status_and_the_words_we_know() {
    assert_eq!(error(404, said("Thing `x` not found"), read()).await, CallError::Missing);
    for status in [401, 403] {
        assert_eq!(error(status, said("no"), read()).await, CallError::Credentials(status));
    }
    assert_eq!(error(402, said("pay"), make()).await, CallError::Unpaid);
    let taken = json!({ "message": "Validation failed", "errors": { "name": ["has already been taken"] } });
    assert_eq!(error(400, taken, make()).await, CallError::Exists);
    let used = error(400, said("it is currently in use"), make()).await;
    assert!(matches!(used, CallError::Refused(ref reason) if reason.cause == Cause::InUse), "{used:?}");
    let early = error(412, said("not yet"), make()).await;
    assert!(matches!(early, CallError::Refused(ref reason) if reason.cause == Cause::TooEarly), "{early:?}");
    let advised = error(406, said("prove it"), make()).await;
    assert!(advised.describe("do it").contains("somebody has to prove something"));
}

#[tokio::test]
async fn the_fields_of_a_refusal_are_told_and_what_they_hold_is_not() {
    let wrong = json!({ "message": CANARY, "errors": {
        "email": ["can't be blank"], "x-id-number": "invalid", "Hunter2 Field": [CANARY],
    } });
    let told = error(400, wrong, make()).await.describe("make it");
    assert!(told.contains("email") && told.contains("x-id-number") && !told.contains("Field"), "{told}");
}

#[tokio::test]
async fn what_is_not_the_interface_says_nothing() {
    let unknown = |error: &CallError| matches!(error, CallError::Unavailable { sent: Sent::Perhaps, .. });
    for status in [500, 502, 503, 504, 408] {
        assert!(unknown(&error(status, said("oops"), make()).await), "{status}");
    }
    for (status, body) in [(200, json!({ "id": 1 })), (404, json!({ "errors": [] })), (302, said("there"))] {
        assert!(unknown(&error(status, body.clone(), make()).await), "{status} {body}");
    }
    let html = ResponseTemplate::new(404).set_body_raw("<html>", "text/html");
    assert!(unknown(&answered(html, make()).await.unwrap_err()));
    let gone = answered(ResponseTemplate::new(204), make()).await;
    assert_eq!(gone.unwrap(), Value::Null);
}

#[tokio::test]
async fn after_too_many_calls_it_waits_as_long_as_it_is_told() {
    let limited = |name: &'static str, value: u64| {
        ResponseTemplate::new(429)
            .insert_header(name, value.to_string().as_str())
            .set_body_json(json!({ "message": "quota exceeded" }))
    };
    let waits = |error| match error {
        CallError::RateLimited { retry_after } => retry_after,
        other => panic!("{other:?}"),
    };
    let told = waits(answered(limited("retry-after", 7), make()).await.unwrap_err());
    assert_eq!(told, Some(Duration::from_secs(7)));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let told = waits(answered(limited("x-ratelimit-reset", now + 100), make()).await.unwrap_err()).unwrap();
    assert!((Duration::from_secs(90)..=Duration::from_secs(100)).contains(&told), "{told:?}");
    for far in [0, now + 999_999] {
        let told = waits(answered(limited("x-ratelimit-reset", far), make()).await.unwrap_err()).unwrap();
        assert!((Duration::from_secs(1)..=Duration::from_secs(3_600)).contains(&told), "{told:?}");
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let server = vendor(json!({ "id": 1010 })).await;
    for (page, rows) in [("1", json!([1, 2])), ("2", json!([3]))] {
        let pages = json!({ "current_page": 1, "per_page": 2, "total_entries": 3, "total_pages": 2 });
        let body = json!({ "data": rows, "pagination": pages });
        Mock::given(path("/1010/things"))
            .and(query_param("page", page))
            .and(query_param("per_page", "100"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .expect(1)
            .mount(&server)
            .await;
    }
    let all = api(&server).all(|| Call::new(&LIST, &[])).await.unwrap();
    assert_eq!(all, [json!(1), json!(2), json!(3)]);
}

#[tokio::test]
async fn a_call_outside_the_table_is_not_sent() {
    let server = vendor(json!({ "id": 1010 })).await;
    let call = Call::new(&OUTSIDE, &["thing"]);
    assert_eq!(api(&server).send(&call).await.unwrap_err(), CallError::NotAllowed);
    assert!(server.received_requests().await.unwrap().is_empty());
}
