//! A broker that does at once what it is asked, or slowly.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// What no output may show.
pub(crate) const SECRET: &str = "c4n4ry-0f-cr3d3nt14ls";

/// A broker that offers a database and a cache.
pub(crate) async fn start() -> MockServer {
    let server = MockServer::start().await;
    let plan = json!({ "id": "plan-1", "name": "standard", "description": "it", "free": true });
    let service = json!({
        "id": "service-1", "name": "database", "description": "it", "bindable": true, "plan_updateable": true,
        "plans": [plan],
    });
    let other_plan = json!({ "id": "plan-2", "name": "standard", "description": "it", "free": true });
    let other = json!({
        "id": "service-2", "name": "cache", "description": "it", "bindable": true, "plans": [other_plan],
    });
    let catalog = ResponseTemplate::new(200).set_body_json(json!({ "services": [service, other] }));
    Mock::given(method("GET")).and(path("/v2/catalog")).respond_with(catalog).mount(&server).await;
    let credentials = json!({ "credentials": { "url": "db://here", "password": SECRET } });
    let bound = ResponseTemplate::new(201).set_body_json(credentials);
    Mock::given(method("PUT")).and(path_regex("/service_bindings/")).respond_with(bound).mount(&server).await;
    let made = ResponseTemplate::new(201).set_body_json(json!({}));
    Mock::given(method("PUT")).respond_with(made).with_priority(9).mount(&server).await;
    let done = || ResponseTemplate::new(200).set_body_json(json!({}));
    for verb in ["PATCH", "DELETE"] {
        Mock::given(method(verb)).respond_with(done()).mount(&server).await;
    }
    server
}

/// Every binding has a password of its own from now on, and nothing is answered before this time.
pub(crate) async fn renew(server: &MockServer, after: Duration) {
    let made = AtomicU64::new(0);
    let bound = move |_: &wiremock::Request| {
        let password = format!("{SECRET}-{}", made.fetch_add(1, Ordering::Relaxed));
        let credentials = json!({ "credentials": { "url": "db://here", "password": password } });
        ResponseTemplate::new(201).set_body_json(credentials).set_delay(after)
    };
    let bindings = Mock::given(method("PUT")).and(path_regex("/service_bindings/"));
    bindings.respond_with(bound).with_priority(1).mount(server).await;
    for verb in ["PATCH", "DELETE"] {
        let done = ResponseTemplate::new(200).set_body_json(json!({})).set_delay(after);
        Mock::given(method(verb)).respond_with(done).with_priority(1).mount(server).await;
    }
}

/// From now on, changes of instances take this long.
pub(crate) async fn slow_down(server: &MockServer, by: Duration) {
    let slow = ResponseTemplate::new(200).set_body_json(json!({})).set_delay(by);
    Mock::given(method("PATCH")).respond_with(slow).with_priority(1).mount(server).await;
}
