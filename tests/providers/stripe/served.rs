//! Stripe behind a real broker over HTTP.

use serde_json::{Value, json};
use sutler_broker_server::config::StripeAccount;
use sutler_broker_server::providers::built_in;
use sutler_broker_server::{Builder, Config, Server};

use super::{ACCOUNT, TEST_KEY, Vendor};

const PASSWORD: &str = "a-password-of-some-length-0001";
const WEBHOOK: &str = "b74558ff-1dfe-457e-a580-f3f9ad7f94c3";
const TEST: &str = "ec3dccb2-9948-420b-b85c-57c6fca459e9";

/// Asks the broker.
async fn ask(method: reqwest::Method, url: String, body: Value) -> (u16, Value) {
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build().unwrap();
    let request = client.request(method, url).basic_auth("platform", Some(PASSWORD));
    let answer = request.header("x-broker-api-version", "2.17").json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_made_bound_and_changed_and_what_is_fixed_is_refused_with_422() {
    let vendor = Vendor::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::on_loopback(folder.path(), "platform", PASSWORD.into());
    config.vendors.stripe = Some(StripeAccount {
        base_url: vendor.config().base_url,
        account_id: ACCOUNT.to_owned(),
        test_key: Some(TEST_KEY.into()),
        live_key: None,
        calls_per_second: None,
    });
    let providers = built_in(&config.vendors, &config.tuning).unwrap().into_iter();
    let server = providers.fold(Server::builder(config), Builder::shared_provider).build().unwrap();
    let handle = server.start().await.unwrap();
    let instance = format!("http://{}/v2/service_instances/i", handle.address());
    let about = |more: Value| {
        let mut body = json!({ "service_id": WEBHOOK, "plan_id": TEST });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let wanted = json!({ "url": "https://shop.example/stripe", "enabled_events": ["invoice.paid"] });
    let organization = json!({ "organization_guid": "o", "space_guid": "s", "parameters": wanted });
    let (status, made) = ask(reqwest::Method::PUT, instance.clone(), about(organization)).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["metadata"]["attributes"]["status"], "enabled");

    let binding = format!("{instance}/service_bindings/b");
    let (status, bound) = ask(reqwest::Method::PUT, binding, about(json!({}))).await;
    assert_eq!(status, 201, "{bound}");
    assert_eq!(bound["credentials"]["signing_secret"], vendor.control().objects()[0]["secret"]);

    let change = about(json!({ "parameters": { "disabled": true } }));
    let (status, changed) = ask(reqwest::Method::PATCH, instance.clone(), change).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(vendor.control().objects()[0]["status"], "disabled");

    let calls = vendor.control().ledger().len();
    let fixed = about(json!({ "parameters": { "api_version": "2026-10-28.endive" } }));
    let (status, refused) = ask(reqwest::Method::PATCH, instance.clone(), fixed).await;
    assert_eq!(status, 422, "{refused}");
    assert!(refused["description"].as_str().unwrap().contains("api_version"), "{refused}");
    let unknown = about(json!({ "parameters": { "colour": "red" } }));
    assert_eq!(
        ask(reqwest::Method::PATCH, instance.clone(), unknown).await.0,
        400,
        "a mistake of form stays one"
    );
    assert_eq!(vendor.control().ledger().len(), calls, "nothing was asked of Stripe");

    let query = format!("{instance}?service_id={WEBHOOK}&plan_id={TEST}");
    assert_eq!(ask(reqwest::Method::DELETE, query, json!({})).await.0, 200);
    assert!(vendor.control().objects().is_empty());
    handle.stop().await.unwrap();
}
