//! R2's S3 interface as an S3 client that is not ours meets it: the one that the orchestrator keeps its state with.

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{Error, ObjectStore, RetryConfig};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sutler_tests::cloudflare::Entry;

use crate::vendor::{ACCOUNT, Vendor};

const BUCKET: [(&str, &str); 2] = [("jurisdiction", "eu"), ("bucket_name", "files")];

/// The permission group that lets a token read objects.
const READ: &str = "6a018a9f2fc74eb6b293b0c548f38b39";

fn key(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A token for a bucket: its id and its value.
fn token(vendor: &Vendor, bucket: &str) -> (String, String) {
    let resource = format!("com.cloudflare.edge.r2.bucket.{ACCOUNT}_{bucket}");
    let policy =
        json!({ "effect": "allow", "resources": { resource: "*" }, "permission_groups": [{ "id": READ }] });
    let made = vendor
        .control()
        .somebody("tokens.create", &[], json!({ "name": "t", "policies": [policy] }))
        .unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("value"))
}

fn client(vendor: &Vendor, jurisdiction: &str, id: &str, secret: &str) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(format!("{}/{ACCOUNT}/{jurisdiction}", vendor.fake.s3_base_url()))
        .with_allow_http(true)
        .with_region("auto")
        .with_bucket_name("files")
        .with_access_key_id(id)
        .with_secret_access_key(secret)
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .build()
        .unwrap()
}

async fn listed(client: &AmazonS3) -> Result<Vec<String>, Error> {
    let found: Vec<_> = client.list(None).try_collect().await?;
    Ok(found.into_iter().map(|object| object.location.to_string()).collect())
}

fn last(vendor: &Vendor) -> Entry {
    vendor.control().ledger().pop().unwrap()
}

#[tokio::test]
async fn the_key_of_a_token_opens_its_bucket_and_nothing_else() {
    let vendor = Vendor::start().await;
    for jurisdiction in ["eu", "default"] {
        let place = [("jurisdiction", jurisdiction)];
        vendor.control().somebody("r2.create", &place, json!({ "name": "files" })).unwrap();
    }
    for key in ["a.txt", "b/c.txt"] {
        let place = [BUCKET[0], BUCKET[1], ("object_key", key)];
        vendor.control().somebody("r2.put_object", &place, Value::Null).unwrap();
    }
    let (id, value) = token(&vendor, "eu_files");
    let good = client(&vendor, "eu", &id, &key(&value));
    assert_eq!(listed(&good).await.unwrap(), ["a.txt", "b/c.txt"]);
    let entry = last(&vendor);
    assert_eq!(entry.operation.as_deref(), Some("s3.list_objects"));
    assert_eq!(entry.authenticated_as, Some(format!("token:{id}")));
    assert!(entry.contract_violations.is_empty(), "{:?}", entry.contract_violations);

    let (other, others) = token(&vendor, "eu_others");
    for (bad, status) in [
        (client(&vendor, "eu", &id, &key("guess")), 403),
        (client(&vendor, "eu", &"f".repeat(32), &key(&value)), 401),
        // the same name is another bucket in another jurisdiction
        (client(&vendor, "default", &id, &key(&value)), 403),
        (client(&vendor, "eu", &other, &key(&others)), 403),
    ] {
        listed(&bad).await.unwrap_err();
        assert_eq!(last(&vendor).status, Some(status));
        assert_eq!(last(&vendor).authenticated_as, None);
    }
    vendor.control().somebody("tokens.delete", &[("token_id", &id)], Value::Null).unwrap();
    listed(&good).await.unwrap_err();
    assert_eq!(last(&vendor).status, Some(401), "revoked");
}

#[tokio::test]
async fn whoever_does_not_sign_is_refused_in_the_form_of_s3() {
    let vendor = Vendor::start().await;
    let path = format!("/s3/{ACCOUNT}/eu/files?list-type=2");
    for header in [None, Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential=a/b/c")] {
        let mut request = vendor.bare(Method::GET, &path);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
        assert_eq!(answer.headers()["content-type"], "application/xml");
        let text = answer.text().await.unwrap();
        assert!(text.contains("<Error><Code>Unauthorized</Code>"), "{text}");
    }
}
