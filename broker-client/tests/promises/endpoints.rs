//! Each endpoint once: what is sent, and what comes back.

use serde_json::{Value, json};
use sutler_broker_client::{Authentication, CatalogAnswer, Client, ETag, FetchQuery};
use sutler_spec::{
    Asynchrony::{Allowed, Refused},
    Bound, Deprovisioned, LastOperationQuery, Operation, OperationState, OriginatingIdentity, Provisioned,
    RequestIdentity, Unbound, Updated,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, body_json, method, path, query_param, query_param_is_missing},
};

use crate::world::{
    bind_request, binding, client, deprovision_query, instance, provision_request, settings, unbind_query,
    update_request,
};

const INSTANCE: &str = "/v2/service_instances/i-1";
const BINDING: &str = "/v2/service_instances/i-1/service_bindings/b-1";

async fn broker(mock: wiremock::MockBuilder, status: u16, body: Value) -> (MockServer, Client) {
    let server = MockServer::start().await;
    mock.respond_with(ResponseTemplate::new(status).set_body_json(body)).expect(1).mount(&server).await;
    let client = client(&server.uri());
    (server, client)
}

#[tokio::test]
async fn a_catalog_is_fetched_once_and_then_only_asked_about() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v2/catalog"))
        .and(wiremock::matchers::header("if-none-match", "\"v1\""))
        .respond_with(ResponseTemplate::new(304).insert_header("etag", "\"v1\""))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/v2/catalog"))
        .respond_with(
            ResponseTemplate::new(200).insert_header("etag", "\"v1\"").set_body_json(json!({"services": []})),
        )
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let CatalogAnswer::Fresh { catalog, etag, bytes } = client.catalog(None).await.unwrap() else {
        panic!("the first catalog is fresh");
    };
    assert!(catalog.services.is_empty());
    assert_eq!(&bytes[..], b"{\"services\":[]}");
    assert_eq!(etag.as_ref().map(ETag::as_str), Some("\"v1\""));
    assert_eq!(client.catalog(etag.as_ref()).await.unwrap(), CatalogAnswer::NotModified);
}

#[tokio::test]
async fn an_instance_is_provisioned() {
    let mock = Mock::given(method("PUT"))
        .and(path(INSTANCE))
        .and(query_param("accepts_incomplete", "true"))
        .and(body_json(serde_json::to_value(provision_request()).unwrap()));
    let (_server, client) = broker(mock, 202, json!({"operation": "o-1", "x-unknown": 1})).await;
    let outcome = client.provision(&instance(), &provision_request(), Allowed).await.unwrap();
    assert!(matches!(outcome, Provisioned::Accepted(accepted)
        if accepted.operation == Some(Operation::new("o-1").unwrap())));
}

#[tokio::test]
async fn an_instance_is_fetched() {
    let mock = Mock::given(method("GET")).and(path(INSTANCE)).and(query_param("service_id", "s"));
    let (_server, client) = broker(mock, 200, json!({"plan_id": "p", "parameters": {"size": 1}})).await;
    let query = FetchQuery { service_id: Some("s".parse().unwrap()), plan_id: None };
    let fetched = client.fetch_instance(&instance(), &query).await.unwrap();
    assert_eq!(fetched.plan_id, Some("p".parse().unwrap()));
}

#[tokio::test]
async fn an_instance_is_updated() {
    let mock = Mock::given(method("PATCH"))
        .and(path(INSTANCE))
        .and(query_param_is_missing("accepts_incomplete"))
        .and(body_json(json!({"service_id": "s", "parameters": {"size": 2}})));
    let (_server, client) = broker(mock, 200, json!({})).await;
    let outcome = client.update(&instance(), &update_request(), Refused).await.unwrap();
    assert!(matches!(outcome, Updated::Applied(_)));
}

#[tokio::test]
async fn an_instance_is_deprovisioned_also_when_it_is_gone() {
    for (status, expected) in [(200, Deprovisioned::Deleted), (410, Deprovisioned::Gone)] {
        let mock = Mock::given(method("DELETE"))
            .and(path(INSTANCE))
            .and(query_param("service_id", "s"))
            .and(query_param("plan_id", "p"))
            .and(query_param("accepts_incomplete", "true"));
        let (_server, client) = broker(mock, status, json!({})).await;
        let outcome = client.deprovision(&instance(), &deprovision_query(), Allowed).await.unwrap();
        assert_eq!(outcome, expected);
    }
}

#[tokio::test]
async fn a_binding_is_created_and_its_credentials_are_not_printed() {
    let mock = Mock::given(method("PUT")).and(path(BINDING)).and(query_param("accepts_incomplete", "true"));
    let (_server, client) = broker(mock, 201, json!({"credentials": {"token": "c4n4ry"}})).await;
    let outcome = client.bind(&instance(), &binding(), &bind_request(), Allowed).await.unwrap();
    assert!(!format!("{outcome:?}").contains("c4n4ry"));
    let Bound::Created(body) = outcome else { panic!("it was created") };
    assert_eq!(body.credentials.unwrap().expose()["token"], "c4n4ry");
}

#[tokio::test]
async fn a_binding_is_fetched() {
    let mock = Mock::given(method("GET")).and(path(BINDING));
    let (_server, client) = broker(mock, 200, json!({"credentials": {"token": "c4n4ry"}})).await;
    let fetched = client.fetch_binding(&instance(), &binding(), &FetchQuery::default()).await.unwrap();
    assert_eq!(fetched.binding.credentials.unwrap().expose()["token"], "c4n4ry");
}

#[tokio::test]
async fn a_binding_is_deleted() {
    let mock = Mock::given(method("DELETE")).and(path(BINDING)).and(query_param("plan_id", "p"));
    let (_server, client) = broker(mock, 202, json!({})).await;
    let outcome = client.unbind(&instance(), &binding(), &unbind_query(), Allowed).await.unwrap();
    assert!(matches!(outcome, Unbound::Accepted(accepted) if accepted.operation.is_none()));
}

#[tokio::test]
async fn the_last_operation_is_asked_for_with_the_operation_as_it_came() {
    let operation = "create #1/ä & more?";
    let query = LastOperationQuery {
        operation: Some(Operation::new(operation).unwrap()),
        ..LastOperationQuery::default()
    };
    for (resource, of_binding) in [(INSTANCE, false), (BINDING, true)] {
        let mock = Mock::given(method("GET"))
            .and(path(format!("{resource}/last_operation")))
            .and(query_param("operation", operation));
        let (_server, client) = broker(mock, 200, json!({"state": "in progress"})).await;
        let polled = match of_binding {
            false => client.last_operation_of_instance(&instance(), &query).await,
            true => client.last_operation_of_binding(&instance(), &binding(), &query).await,
        };
        let polled = polled.unwrap();
        assert_eq!((polled.operation.state, polled.retry_after), (OperationState::InProgress, None));
    }
}

#[tokio::test]
async fn every_request_says_who_asks_for_whom_and_in_which_version() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"services": []})))
        .mount(&server)
        .await;
    let identity = OriginatingIdentity {
        platform: "sutler".to_owned(),
        value: serde_json::from_value(json!({"user": "ada"})).unwrap(),
    };
    let mut settings = settings(&format!("{}/prefix/", server.uri()));
    settings.authentication =
        Authentication::Basic { username: "platform".to_owned(), password: "p:ä ss".into() };
    settings.originating_identity = Some(identity.clone());
    let client = Client::new(settings).unwrap();
    for _ in 0..2 {
        client.catalog(None).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let mut identities = Vec::new();
    for request in &requests {
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        assert_eq!(request.url.path(), "/prefix/v2/catalog");
        assert_eq!(header("x-broker-api-version"), "2.17");
        assert_eq!(header("accept"), "application/json");
        assert_eq!(header("authorization"), "Basic cGxhdGZvcm06cDrDpCBzcw==");
        assert_eq!(header("user-agent"), concat!("sutler/", env!("CARGO_PKG_VERSION")));
        let sent = OriginatingIdentity::from_header(&header("x-broker-api-originating-identity")).unwrap();
        assert_eq!(sent, identity);
        assert!(!request.headers.contains_key("accept-encoding"));
        identities.push(RequestIdentity::new(header("x-broker-api-request-identity")).unwrap());
    }
    assert_eq!(identities.len(), 2);
    assert_ne!(identities[0], identities[1]);
}

#[tokio::test]
async fn a_bearer_token_is_sent_and_never_printed() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::bearer_token("c4n4ry"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"services": []})))
        .expect(1)
        .mount(&server)
        .await;
    let mut settings = settings(&server.uri());
    settings.authentication = Authentication::Bearer { token: "c4n4ry".into() };
    assert!(!format!("{settings:?}").contains("c4n4ry"));
    let client = Client::new(settings).unwrap();
    client.catalog(None).await.unwrap();
    assert!(!format!("{client:?}").contains("c4n4ry"));
}
