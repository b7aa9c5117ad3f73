//! Brokers that answer, do not, or answer something else.

use std::sync::Arc;

use serde_json::{Value, json};
use wiremock::matchers::{any, header_exists};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::{Format, Source};

fn catalog(service: &str) -> Value {
    json!({ "services": [{
        "id": service, "name": "thing", "description": "a thing", "bindable": true,
        "plans": [{ "id": format!("{service}-plan"), "name": "small", "description": "small", "free": true }],
    }] })
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn config(brokers: &str) -> Config {
    let text = format!("stack: shop\nstate: 'memory:'\nbrokers:\n{brokers}\n");
    let source = Source { path: "sutler.yaml".into(), text: Arc::from(text), format: Format::Yaml };
    crate::config::parse(&source).unwrap_or_else(|problems| panic!("{problems}"))
}

async fn connect(brokers: &str) -> Result<BrokerSet, BrokerErrors> {
    BrokerSet::connect(&config(brokers), &Connecting::default(), |_| true).await
}

async fn why(answer: ResponseTemplate) -> (Why, String) {
    let server = answering(answer).await;
    let mut errors = connect(&format!("  edge: {{ url: '{}' }}", server.uri())).await.unwrap_err();
    let error = errors.0.remove(0);
    let text = error.to_string();
    assert!(text.starts_with(&format!("broker 'edge' ({}", server.uri())), "{text}");
    (*error.why, text)
}

#[tokio::test]
async fn a_broker_with_a_sound_catalog_is_connected() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(catalog("s-1"));
    Mock::given(header_exists("x-broker-api-version")).respond_with(answer).mount(&server).await;
    let brokers = connect(&format!("  edge: {{ url: '{}', parallelism: 3 }}", server.uri())).await.unwrap();
    let edge = brokers.get(&BrokerName::new("edge").unwrap()).unwrap();
    assert_eq!(edge.limit.available_permits(), 3);
    assert!(edge.index.offering("thing").is_some());
    assert!(brokers.warnings().is_empty() && brokers.catalogs().len() == 1);
}

#[tokio::test]
async fn each_trouble_is_told_for_what_it_is() {
    let (reason, text) = why(ResponseTemplate::new(401)).await;
    assert!(matches!(reason, Why::Unauthorized(401)) && text.contains("password"), "{text}");
    let html = ResponseTemplate::new(200).set_body_raw("<html>login</html>", "text/html");
    let (reason, text) = why(html).await;
    assert!(matches!(reason, Why::Garbage(_)) && text.contains("check the URL"), "{text}");
    let (reason, _) = why(ResponseTemplate::new(404)).await;
    assert!(matches!(reason, Why::Garbage(_)));
    let (reason, _) = why(ResponseTemplate::new(302).insert_header("location", "http://elsewhere/")).await;
    assert!(matches!(reason, Why::Garbage(_)));
    let broken = ResponseTemplate::new(500).set_body_json(json!({ "description": "no database" }));
    let (reason, text) = why(broken).await;
    assert!(matches!(reason, Why::Rejected(_)) && text.contains("no database"), "{text}");
    let twice = json!({ "services": [catalog("s")["services"][0], catalog("s")["services"][0]] });
    let (reason, text) = why(ResponseTemplate::new(200).set_body_json(twice)).await;
    assert!(matches!(reason, Why::Catalog(_)) && text.contains("offering"), "{text}");
}

#[tokio::test]
async fn every_brokers_trouble_is_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = answering(ResponseTemplate::new(401)).await;
    let text = format!(
        "  one: {{ url: 'http://{closed}' }}\n  two: {{ url: '{}' }}\n  three: {{ url: 'http://{closed}', \
         auth: {{ basic: {{ username: u, password: {{ env: SUTLER_TEST_NOT_SET }} }} }} }}",
        refusing.uri()
    );
    let errors = connect(&text).await.unwrap_err();
    assert!(!errors.is_configuration());
    let names: Vec<_> = errors.0.iter().map(|error| error.broker.as_str()).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert!(matches!(*errors.0[0].why, Why::Unreachable(_)), "{errors}");
    assert!(errors.0[2].to_string().contains("SUTLER_TEST_NOT_SET"), "{errors}");
    assert_eq!(errors.to_string().lines().count(), 3);
}

#[tokio::test]
async fn a_secret_file_loses_one_line_break_and_may_not_be_empty() {
    let folder = tempfile::tempdir().unwrap();
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(catalog("s-1"));
    let expected = wiremock::matchers::basic_auth("platform", "hunter2 ");
    Mock::given(expected).respond_with(answer).mount(&server).await;
    let path = folder.path().join("password");
    let text = format!(
        "  edge: {{ url: '{}', auth: {{ basic: {{ username: platform, password: {{ file: '{}' }} }} }} }}",
        server.uri(),
        path.display()
    );
    std::fs::write(&path, "hunter2 \n").unwrap();
    connect(&text).await.unwrap();
    std::fs::write(&path, "\n").unwrap();
    let errors = connect(&text).await.unwrap_err();
    assert!(errors.is_configuration() && errors.to_string().contains("it is empty"), "{errors}");
    std::fs::remove_file(&path).unwrap();
    assert!(connect(&text).await.unwrap_err().is_configuration());
}

#[tokio::test]
async fn one_id_at_two_brokers_is_worth_a_warning() {
    let answer = || ResponseTemplate::new(200).set_body_json(catalog("s-1"));
    let (one, other) = (answering(answer()).await, answering(answer()).await);
    let text = format!("  one: {{ url: '{}' }}\n  other: {{ url: '{}' }}", one.uri(), other.uri());
    let brokers = connect(&text).await.unwrap();
    assert!(brokers.warnings()[0].contains("other/thing"), "{:?}", brokers.warnings());
    let only =
        BrokerSet::connect(&config(&text), &Connecting::default(), |name| name.as_str() == "one").await;
    assert_eq!(only.unwrap().iter().len(), 1);
}
