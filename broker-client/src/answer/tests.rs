//! Answers of every kind, decoded without a network.

use sutler_spec::{
    BindingBody, Bound, Deprovisioned, FetchedInstance, InstanceBody, InstanceId, ObjectOwner,
    OperationState, Provisioned,
};

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn with_header(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers.insert(name, value.parse().unwrap());
    answer
}

fn provisioned(status: u16, body: &str) -> Result<Provisioned, ClientError> {
    answer(status, body).outcome::<Provisioned, InstanceBody>()
}

#[test]
fn each_status_is_its_outcome() {
    assert!(matches!(provisioned(201, "{}"), Ok(Provisioned::Created(_))));
    assert!(matches!(provisioned(200, "{}"), Ok(Provisioned::Unchanged(_))));
    assert!(matches!(provisioned(202, "{\"operation\":\"o\"}"), Ok(Provisioned::Accepted(_))));
    let gone = answer(410, "").outcome::<Deprovisioned, Map<String, Value>>();
    assert!(matches!(gone, Ok(Deprovisioned::Gone)));
}

#[test]
fn a_success_with_the_wrong_body_is_malformed() {
    for (status, body, expected) in [
        (200, "", "the body is empty; a JSON object is expected"),
        (201, "<html></html>", "the body is not a JSON object"),
        (
            201,
            "{\"dashboard_url\": 5}",
            "dashboard_url: invalid type: integer …, expected a string (line 1, column 19)",
        ),
        (202, "{\"operation\": \"\"}", "operation: the operation is empty (line 1, column 17)"),
        (206, "{}", "this request has no such answer"),
        (304, "", "this request has no such answer"),
    ] {
        match provisioned(status, body) {
            Err(ClientError::Malformed { status: malformed, what }) => {
                assert_eq!((malformed, what.as_str()), (status, expected));
            }
            other => panic!("{status} {body}: {other:?}"),
        }
    }
}

#[test]
fn a_malformed_binding_does_not_show_its_credentials() {
    let error =
        answer(201, "{\"credentials\":\"c4n4ry\"}").outcome::<Bound, BindingBody>().expect_err("malformed");
    let printed = format!("{error} {error:?}");
    assert!(printed.contains("credentials") && !printed.contains("c4n4ry"), "{printed}");
}

#[test]
fn an_error_body_is_read_as_far_as_it_can_be() {
    let body =
        "{\"error\": \"Con\\u001bcurrency\", \"description\": \"wait\\u202e\", \"instance_usable\": false,
                 \"update_repeatable\": \"no\", \"x-vendor\": []}";
    match provisioned(422, body) {
        Err(ClientError::Rejected { status: 422, body, .. }) => {
            assert_eq!(body.error.unwrap().as_str(), "Con\\u{1b}currency");
            assert_eq!(body.description.as_deref(), Some("wait\\u{202e}"));
            assert_eq!((body.instance_usable, body.update_repeatable), (Some(false), None));
        }
        other => panic!("{other:?}"),
    }
    let error = provisioned(422, "{\"error\": \"ConcurrencyError\", \"description\": 5}").unwrap_err();
    assert!(error.is_concurrency_error());
    let busy = with_header(answer(503, "{}"), "retry-after", "20");
    let error = busy.outcome::<Provisioned, InstanceBody>().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
}

#[test]
fn an_error_page_keeps_its_status() {
    for status in [400, 404, 408, 500, 502, 599, 999] {
        let error = provisioned(status, "<html>Bad Gateway</html>").unwrap_err();
        assert!(matches!(error, ClientError::Malformed { .. }), "{error}");
        assert_eq!(error.status(), Some(status));
        assert!(!error.is_authentic_absence());
    }
    assert!(matches!(provisioned(401, "<html>"), Err(ClientError::Unauthorized)));
}

#[test]
fn a_redirect_names_its_status_and_where_to_without_the_query() {
    let answer = with_header(answer(307, ""), "location", "https://evil.example/v2?token=c4n4ry");
    let error = answer.outcome::<Provisioned, InstanceBody>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the broker answered with a redirect (status 307 to https://evil.example/v2); redirects are not followed"
    );
}

#[test]
fn a_catalog_is_fresh_or_not_modified() {
    let etag = ETag::new("\"1\"").unwrap();
    let fresh = with_header(answer(200, "{\"services\":[]}"), "etag", "\"2\"").catalog(Some(&etag)).unwrap();
    match fresh {
        CatalogAnswer::Fresh { catalog, etag, bytes } => {
            assert!(catalog.services.is_empty());
            assert_eq!(etag, ETag::new("\"2\""));
            assert_eq!(&bytes[..], b"{\"services\":[]}");
        }
        CatalogAnswer::NotModified => panic!("it was modified"),
    }
    assert_eq!(answer(304, "").catalog(Some(&etag)).unwrap(), CatalogAnswer::NotModified);
    assert!(matches!(answer(304, "").catalog(None), Err(ClientError::Malformed { status: 304, .. })));
}

#[test]
fn a_fetch_knows_absence_from_silence() {
    let fetched = |status, body| answer(status, body).fetched::<FetchedInstance>();
    assert!(fetched(200, "{\"plan_id\":\"p\"}").is_ok());
    assert!(fetched(404, "{}").unwrap_err().is_authentic_absence());
    for (status, body) in [(404, "404 page not found"), (404, ""), (200, ""), (201, "{}"), (503, "{}")] {
        assert!(!fetched(status, body).unwrap_err().is_authentic_absence(), "{status} {body}");
    }
}

#[test]
fn a_poll_says_how_far_and_when_to_come_back() {
    let body = "{\"state\": \"in progress\", \"description\": \"50 %\\r\\u001b[2K\"}";
    let polled = with_header(answer(200, body), "retry-after", "12").last_operation(Timestamp::UNIX_EPOCH);
    let polled = polled.unwrap();
    assert_eq!(polled.operation.state, OperationState::InProgress);
    assert_eq!(polled.operation.description.as_deref(), Some("50 %\\r\\u{1b}[2K"));
    assert_eq!(polled.retry_after, Some(Duration::from_secs(12)));
}

#[test]
fn a_page_of_a_vendors_objects_is_one_that_can_be_gone_on_with() {
    let object =
        r#"{"id":"o-1","name":"n","owner":{"is":"instance","instance_id":"i"},"parameters":{"size":1}}"#;
    let page =
        answer(200, &format!(r#"{{"objects":[{object}],"next":"2-100"}}"#)).discovered().expect("a page");
    assert_eq!((page.objects.len(), page.next.as_deref()), (1, Some("2-100")));
    assert_eq!(page.objects[0].owner, ObjectOwner::Instance { instance_id: InstanceId::new("i").unwrap() });
    let long = "x".repeat(LONGEST_HANDLE + 1);
    for body in [
        "[]".to_owned(),
        "{}".to_owned(),
        "<html></html>".to_owned(),
        r#"{"objects":[{"id":"o-1","name":"n"}]}"#.to_owned(),
        r#"{"objects":[{"id":"o-1","name":"n","owner":{"is":"mine"}}]}"#.to_owned(),
        r#"{"objects":[{"id":"","name":"n","owner":{"is":"nobody"}}]}"#.to_owned(),
        format!(r#"{{"objects":[{{"id":"{long}","name":"n","owner":{{"is":"nobody"}}}}]}}"#),
        r#"{"objects":[],"next":"a\nb"}"#.to_owned(),
    ] {
        let page = answer(200, &body).discovered();
        assert!(matches!(page, Err(ClientError::Malformed { .. })), "{body}: {page:?}");
    }
    let gone = answer(404, r#"{"description":"It does not list."}"#).discovered();
    assert!(matches!(gone, Err(ClientError::Rejected { status: 404, .. })), "{gone:?}");
}
