//! Worker secrets as the brokers meet them.

use serde_json::{Value, json};

use crate::vendor::Vendor;

fn secret(name: &str, text: &str) -> Value {
    json!({"name": name, "text": text, "type": "secret_text"})
}

async fn with_script() -> Vendor {
    Vendor::with(|options| options.scripts = vec!["shop".to_owned()]).await
}

#[tokio::test]
async fn a_secret_can_be_set_but_not_read() {
    let vendor = with_script().await;
    let path = "/workers/scripts/shop/secrets";
    vendor.put(path, secret("KEY", "first")).await.result();
    vendor.put(path, secret("KEY", "second")).await.result();
    let listed = vendor.get(path).await;
    assert_eq!(listed.result(), json!([{"name": "KEY", "type": "secret_text"}]));
    let one = vendor.get(&format!("{path}/KEY?url_encoded=true")).await.result();
    assert_eq!(one, json!({"name": "KEY", "type": "secret_text"}));
    let script = &vendor.control().state().scripts[0];
    assert_eq!(script.secrets["KEY"], "second");
    assert_eq!(script.versions, 2);
    assert!(vendor.delete(&format!("{path}/KEY")).await.result().is_null());
    assert_eq!(vendor.delete(&format!("{path}/KEY")).await.refusal(), (404, 10056));
}

#[tokio::test]
async fn a_bulk_change_sets_removes_and_leaves_alone() {
    let vendor = with_script().await;
    for name in ["A", "B", "C"] {
        vendor.put("/workers/scripts/shop/secrets", secret(name, "old")).await.result();
    }
    let changes = json!({"secrets": {"A": secret("A", "new"), "B": null, "D": secret("D", "new")}});
    vendor.patch("/workers/scripts/shop/secrets-bulk", changes).await.result();
    let script = &vendor.control().state().scripts[0];
    let secrets: Vec<_> = script.secrets.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(secrets, ["A=new", "C=old", "D=new"]);
    assert_eq!(script.versions, 4);
    let entry = vendor.control().ledger().pop().unwrap();
    assert_eq!(entry.outcome.len(), 3);
}

#[tokio::test]
async fn a_script_must_exist_and_be_deployed() {
    let vendor = with_script().await;
    let path = "/workers/scripts/shop/secrets";
    assert_eq!(vendor.get("/workers/scripts/nowhere/secrets").await.refusal(), (404, 10007));
    vendor.control().declare_undeployed_script("shop");
    assert_eq!(vendor.put(path, secret("A", "x")).await.refusal(), (400, 10215));
    assert!(vendor.control().remove_script("shop"));
    assert_eq!(vendor.put(path, secret("A", "x")).await.refusal(), (404, 10007));
}
