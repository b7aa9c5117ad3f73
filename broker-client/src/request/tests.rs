//! Every request as it goes over the wire, and identifiers that try to leave their segment.

use proptest::prelude::*;
use serde_json::json;
use sutler_spec::{Operation, decode_segment};

use super::*;

fn instance() -> InstanceId {
    InstanceId::new("i 1").unwrap()
}

fn binding() -> BindingId {
    BindingId::new("b?1").unwrap()
}

fn service() -> ServiceId {
    ServiceId::new("s&1").unwrap()
}

fn plan() -> PlanId {
    PlanId::new("p=1").unwrap()
}

fn fetch_query() -> FetchQuery {
    FetchQuery { service_id: Some(service()), plan_id: Some(plan()) }
}

fn last_operation_query() -> LastOperationQuery {
    LastOperationQuery {
        service_id: Some(service()),
        plan_id: Some(plan()),
        operation: Some(Operation::new("create/α").unwrap()),
    }
}

#[test]
fn every_endpoint_has_its_method_path_and_query() {
    let deprovision = DeprovisionQuery { service_id: service(), plan_id: plan() };
    let unbind = UnbindQuery { service_id: service(), plan_id: plan() };
    let (instance, binding) = (instance(), binding());
    let bare = LastOperationQuery::default();
    for (request, expected) in [
        (Request::catalog(None), "GET /v2/catalog"),
        (
            Request::fetch_instance(&instance, &fetch_query()),
            "GET /v2/service_instances/i%201?service_id=s%261&plan_id=p%3D1",
        ),
        (
            Request::deprovision(&instance, &deprovision, Asynchrony::Allowed),
            "DELETE /v2/service_instances/i%201?service_id=s%261&plan_id=p%3D1&accepts_incomplete=true",
        ),
        (
            Request::deprovision(&instance, &deprovision, Asynchrony::Refused),
            "DELETE /v2/service_instances/i%201?service_id=s%261&plan_id=p%3D1",
        ),
        (
            Request::fetch_binding(&instance, &binding, &FetchQuery::default()),
            "GET /v2/service_instances/i%201/service_bindings/b%3F1",
        ),
        (
            Request::unbind(&instance, &binding, &unbind, Asynchrony::Refused),
            "DELETE /v2/service_instances/i%201/service_bindings/b%3F1?service_id=s%261&plan_id=p%3D1",
        ),
        (
            Request::last_operation(&instance, None, &last_operation_query()),
            "GET /v2/service_instances/i%201/last_operation\
             ?service_id=s%261&plan_id=p%3D1&operation=create%2F%CE%B1",
        ),
        (
            Request::last_operation(&instance, Some(&binding), &bare),
            "GET /v2/service_instances/i%201/service_bindings/b%3F1/last_operation",
        ),
    ] {
        assert_eq!(format!("{} {}", request.method, request.path_and_query), expected);
        assert_eq!(request.headers["x-broker-api-version"], "2.17");
        assert_eq!(request.headers["accept"], "application/json");
        assert!(request.body.is_none() && !request.headers.contains_key("content-type"), "{expected}");
    }
}

#[test]
fn a_body_is_json_and_says_so() {
    let provision: ProvisionRequest = serde_json::from_value(json!({
        "service_id": "s", "plan_id": "p", "organization_guid": "o", "space_guid": "sp",
        "parameters": { "name": "db" }
    }))
    .unwrap();
    let update: UpdateRequest = serde_json::from_value(json!({ "service_id": "s" })).unwrap();
    let bind = BindRequest { service_id: Some(service()), ..BindRequest::default() };
    let (instance, binding) = (instance(), binding());
    for (request, expected, body) in [
        (
            Request::provision(&instance, &provision, Asynchrony::Allowed),
            "PUT /v2/service_instances/i%201?accepts_incomplete=true",
            json!({ "service_id": "s", "plan_id": "p", "organization_guid": "o", "space_guid": "sp",
                    "parameters": { "name": "db" } }),
        ),
        (
            Request::update(&instance, &update, Asynchrony::Refused),
            "PATCH /v2/service_instances/i%201",
            json!({ "service_id": "s" }),
        ),
        (
            Request::bind(&instance, &binding, &bind, Asynchrony::Allowed),
            "PUT /v2/service_instances/i%201/service_bindings/b%3F1?accepts_incomplete=true",
            json!({ "service_id": "s&1" }),
        ),
    ] {
        assert_eq!(format!("{} {}", request.method, request.path_and_query), expected);
        assert_eq!(request.headers["content-type"], "application/json");
        let sent: serde_json::Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        assert_eq!(sent, body);
    }
}

#[test]
fn a_known_catalog_is_asked_for_by_its_tag() {
    let etag = ETag::new("W/\"7\"").unwrap();
    assert_eq!(Request::catalog(Some(&etag)).headers["if-none-match"], "W/\"7\"");
}

#[test]
fn the_base_url_keeps_its_own_path() {
    for (base, expected) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v2/catalog"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v2/catalog"),
        ("https://broker.example/osb", "https://broker.example/osb/v2/catalog"),
        ("https://broker.example/a%2Fb/osb/", "https://broker.example/a%2Fb/osb/v2/catalog"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x/v2/catalog"),
    ] {
        let url = Request::catalog(None).url(&Url::parse(base).unwrap()).unwrap();
        assert_eq!(url.as_str(), expected);
    }
}

#[test]
fn a60_a_path_that_would_be_rewritten_is_refused() {
    let base = Url::parse("https://broker.example/osb").unwrap();
    for path in [
        "/v2/service_instances/..",
        "/v2/service_instances/%2e%2E/x",
        "/v2/a\tb",
        "/v2/./x",
        "/v2/x#y",
        "/v2/a b",
    ] {
        let request = Request::new(Method::GET, path.to_owned());
        assert_eq!(request.url(&base), Err(UrlError::Changed), "{path}");
    }
}

proptest! {
    #[test]
    fn every_identifier_arrives_as_it_was(
        instance in r"[^/\\\pC]{1,40}", binding in r"[%.a-f0-9?#&;=@: ]{1,40}", operation in any::<String>(),
        base in prop::sample::select(vec!["https://h.example", "http://127.0.0.1:8/deep/er/", "https://[::1]/%2F"]),
    ) {
        let (Ok(instance), Ok(binding), Ok(operation)) =
            (InstanceId::new(instance), BindingId::new(binding), Operation::new(operation))
        else {
            return Ok(());
        };
        let base = Url::parse(base).unwrap();
        let query = LastOperationQuery { operation: Some(operation.clone()), ..LastOperationQuery::default() };
        let request = Request::last_operation(&instance, Some(&binding), &query);
        let url = request.url(&base).unwrap();

        prop_assert_eq!(url.origin(), base.origin());
        let segments: Vec<_> = url.path_segments().unwrap().rev().take(6).map(decode_segment).collect();
        let segments: Vec<_> = segments.into_iter().rev().map(Result::unwrap).collect();
        prop_assert_eq!(
            segments,
            ["v2", "service_instances", instance.as_str(), "service_bindings", binding.as_str(), "last_operation"]
        );
        let sent: Vec<_> = url.query_pairs().collect();
        prop_assert_eq!(sent, vec![("operation".into(), operation.as_str().into())]);
    }
}
