//! Keys are tried at the S3 interface before anybody gets them.

use sutler_secrets::SecretString;
use wiremock::{
    Mock,
    matchers::{header_regex, method, path, query_param},
};

use super::{super::super::minting, *};

const TOKEN_ID: &str = "11111111111111111111111111111111";
const VALUE: &str = "value-shown-once";
const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>canary-7b1f</Message></Error>";
const EMPTY: &str = "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>";

fn xml(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/xml")
}

/// The list of the bucket, as the S3 interface of its jurisdiction is asked for it.
fn listing(stage: &Stage<'_>) -> wiremock::MockBuilder {
    let signed = format!(
        "^AWS4-HMAC-SHA256 Credential={TOKEN_ID}/[0-9]{{8}}/auto/s3/aws4_request,\
         SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=[0-9a-f]{{64}}$"
    );
    Mock::given(method("GET"))
        .and(path(format!("/s3/{ACCOUNT}/eu/{}", name(stage))))
        .and(query_param("list-type", "2"))
        .and(query_param("max-keys", "1"))
        .and(header_regex("authorization", &signed))
}

/// A bucket, and an account in which a token can be made for it.
async fn minting(server: &MockServer, stage: &Stage<'_>) {
    bucket(server, stage, json!([])).await;
    let group = |name: &str| {
        let scope = "com.cloudflare.edge.r2.bucket";
        json!({ "id": format!("id of {name}"), "name": name, "scopes": [scope] })
    };
    let groups = ["Read", "Write"].map(|verb| group(&format!("Workers R2 Storage Bucket Item {verb}")));
    on("GET", "/tokens/permission_groups").respond_with(ok(json!(groups))).mount(server).await;
    on("GET", "/tokens").respond_with(page(json!([]), 0)).mount(server).await;
    let minted = json!({ "id": TOKEN_ID, "name": "n", "status": "active", "policies": [], "value": VALUE });
    on("POST", "/tokens").respond_with(ok(minted)).expect(1).mount(server).await;
    let shown = json!({ "id": TOKEN_ID, "name": "n", "status": "active", "policies": [] });
    let token = format!("/tokens/{TOKEN_ID}");
    on("GET", &token).respond_with(ok(shown)).mount(server).await;
    on("GET", "/tokens/verify").respond_with(ok(json!({ "status": "active" }))).mount(server).await;
    on("DELETE", &token).respond_with(ok(json!({ "id": TOKEN_ID }))).mount(server).await;
}

#[tokio::test]
async fn a_fresh_key_is_given_time_and_handed_out_once_it_opens_the_bucket() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({ "jurisdiction": "eu" })), &[]);
    let unknown = xml(401, "<Error><Code>Unauthorized</Code><Message>canary-7b1f</Message></Error>");
    listing(&stage).respond_with(unknown).up_to_n_times(1).mount(&server).await;
    listing(&stage).respond_with(xml(403, DENIED)).up_to_n_times(1).mount(&server).await;
    listing(&stage).respond_with(xml(200, EMPTY)).mount(&server).await;
    minting(&server, &stage).await;
    let driven = stage.bind().await;
    assert_eq!(driven.waits.len(), 2, "{:?}", driven.waits);
    let body = driven.done().body;
    let credentials = body.credentials.unwrap();
    let credentials = credentials.expose();
    assert_eq!(credentials["access_key_id"], TOKEN_ID);
    assert_eq!(credentials["endpoint"], format!("{}/s3/{ACCOUNT}/eu", server.uri()));
    let key = signature::hex(&sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(VALUE)));
    assert_eq!(credentials["secret_access_key"], key);
    assert_eq!(changes(&server).await, ["POST /tokens"]);
}

#[tokio::test]
async fn a_key_that_never_opens_the_bucket_is_deleted_again() {
    let server = MockServer::start().await;
    let provider = R2::new(&client(&server.uri()));
    let stage = recorded(Stage::new(&provider, &server, json!({ "jurisdiction": "eu" })), &[]);
    listing(&stage).respond_with(xml(403, DENIED)).mount(&server).await;
    minting(&server, &stage).await;
    let driven = stage.bind().await;
    assert!((3..=30).contains(&driven.waits.len()), "{}", driven.waits.len());
    let error = driven.error();
    assert!(error.to_string().contains("the new token was deleted again"), "{error}");
    assert_eq!(changes(&server).await, ["POST /tokens".to_owned(), format!("DELETE /tokens/{TOKEN_ID}")]);
}

#[tokio::test]
async fn what_does_not_speak_s3_says_nothing_about_a_key() {
    for answer in [html(200), html(502), ok(json!({})), xml(503, "")] {
        let server = MockServer::start().await;
        let provider = R2::new(&client(&server.uri()));
        let stage = recorded(Stage::new(&provider, &server, json!({ "jurisdiction": "eu" })), &[]);
        listing(&stage).respond_with(answer).mount(&server).await;
        minting(&server, &stage).await;
        let driven = stage.bind().await;
        assert_eq!(driven.last.step, minting::VERIFY);
        let error = driven.error();
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{error:?}");
        assert_eq!(changes(&server).await, ["POST /tokens"], "it is tried again, and kept for that");
    }
}

#[test]
fn a_key_goes_to_the_interface_of_its_jurisdiction() {
    let config = super::super::super::CloudflareConfig {
        base_url: super::super::super::CloudflareConfig::DEFAULT_BASE_URL.to_owned(),
        s3_base_url: None,
        account_id: ACCOUNT.to_owned(),
        api_token: SecretString::from("t"),
        call_timeout: std::time::Duration::from_secs(1),
        calls_per_five_minutes: super::super::super::CloudflareConfig::DEFAULT_CALLS,
    };
    let client = Client::new(&config).unwrap();
    for (jurisdiction, host) in [
        (None, "r2.cloudflarestorage.com"),
        (Some(Jurisdiction::Eu), "eu.r2.cloudflarestorage.com"),
        (Some(Jurisdiction::Fedramp), "fedramp.r2.cloudflarestorage.com"),
    ] {
        let expected = format!("https://{ACCOUNT}.{host}");
        assert_eq!(client.s3_endpoint(calls::word(jurisdiction)), expected);
    }
}
