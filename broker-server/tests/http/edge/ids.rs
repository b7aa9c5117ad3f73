//! Ids are opaque: what is sent comes back, and two different ones never meet (S-19).

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use sutler_spec::{BindingId, InstanceId, instance_path};

use super::raw::{Raw, credentials};
use crate::world::{World, wanted};

/// Ids of all kinds, no two the same.
fn ids(count: usize) -> Vec<InstanceId> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let strategy = prop_oneof![any::<String>(), "[aA%2.+ ~é]{1,6}", "[ -~]{1,40}"];
    let mut ids: Vec<InstanceId> =
        ["a", "A", "a ", "%61", "a%2f", "é", "e\u{301}", "a+b", "a b", "...", "a.", "?", "#"]
            .into_iter()
            .filter_map(|id| InstanceId::new(id).ok())
            .collect();
    while ids.len() < count {
        let text = strategy.new_tree(&mut runner).unwrap().current();
        if let Ok(id) = InstanceId::new(text)
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn s_19_ids_come_back_as_they_were_sent_and_never_meet() {
    let world = World::start().await;
    let mut raw = Raw::open(world.handle().address()).await;
    let ids = ids(80);
    for (number, id) in ids.iter().enumerate() {
        let body = wanted(json!({ "note": number.to_string() })).to_string();
        let (path, length) = (instance_path(id), body.len());
        raw.send(format!("PUT {path} HTTP/1.1\r\n{}Content-Length: {length}\r\n\r\n{body}", credentials()))
            .await;
        assert_eq!(raw.status().await, 201, "{id:?} is another one's");
    }
    for (number, id) in ids.iter().enumerate() {
        raw.send(format!("GET {} HTTP/1.1\r\n{}\r\n", instance_path(id), credentials())).await;
        let answer = raw.answer().await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["parameters"]["note"], number.to_string(), "{id:?}");
        assert_eq!(body["dashboard_url"], format!("https://vendor.example/{id}"), "{id:?}");
    }
    assert_eq!(world.script.calls().len(), ids.len());
    let names: Vec<String> = world.script.calls().into_iter().map(|call| call.instance).collect();
    assert_eq!(names, ids.iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn s_19_what_cannot_be_an_id_is_400_and_reaches_nobody() {
    let world = World::start().await;
    let mut raw = Raw::open(world.handle().address()).await;
    for segment in [
        "..%2f..%2fcatalog",
        "%00",
        "%0d%0a",
        "%5c",
        "%ff",
        "%c3%28",
        "%2e",
        "%2e%2e",
        "..",
        "%",
        "%4",
        "%zz",
    ] {
        for path in [
            format!("/v2/service_instances/{segment}"),
            format!("/v2/service_instances/i/service_bindings/{segment}"),
        ] {
            let body = wanted(json!({})).to_string();
            let length = body.len();
            raw.send(format!(
                "PUT {path} HTTP/1.1\r\n{}Content-Length: {length}\r\n\r\n{body}",
                credentials()
            ))
            .await;
            let status = raw.status().await;
            assert_eq!(status, 400, "{path}");
            raw = Raw::open(world.handle().address()).await;
        }
    }
    assert_eq!(world.script.calls(), []);
    assert!(BindingId::new("..").is_err());
}
