//! The fake of Stripe as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sutler_tests::stripe::Contract;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::vendor::{client, send};

const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "sk_test_ofTheseTests";

/// A call as Stripe wants it.
async fn get(url: String, key: &str) -> Result<reqwest::Response, reqwest::Error> {
    let version = Contract::stripe().unwrap().version().to_owned();
    client().get(url).bearer_auth(key).header("stripe-version", version).send().await
}

struct Running {
    child: Child,
    folder: tempfile::TempDir,
    base: String,
}

async fn start(more: &[&str]) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stripe-fake"))
        .arg("--test-key-file")
        .arg(folder.path().join("key"))
        .arg("--ledger")
        .arg(folder.path().join("ledger.jsonl"))
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, output.read_line(&mut line)).await.unwrap().unwrap();
    let addresses: Value = serde_json::from_str(&line).unwrap();
    let base = addresses["base_url"].as_str().unwrap().to_owned();
    Running { child, folder, base }
}

#[tokio::test]
async fn it_serves_test_mode_writes_its_ledger_and_ends_well_when_asked_to() {
    let mut running = start(&["--account", "acct_1Mine", "--rate-limit", "9/2s"]).await;
    let (client, base) = (client(), running.base.clone());
    let account: Value = get(format!("{base}/v1/account"), KEY).await.unwrap().json().await.unwrap();
    assert_eq!(account["id"], "acct_1Mine");
    for stranger in ["", "sk_live_anything"] {
        let refused = get(format!("{base}/v1/account"), stranger).await.unwrap();
        assert_eq!(refused.status(), 401, "{stranger:?}: nobody gets into live mode");
    }
    let wanted = json!({ "operation": "products.create", "body": { "name": "Tea" } });
    let made = send(client.post(format!("{base}/__control/somebody")).json(&wanted)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let state = send(client.get(format!("{base}/__control/state"))).await;
    assert_eq!((&state.body["test"][0]["name"], &state.body["live"]), (&json!("Tea"), &json!([])));
    let unknown = send(client.get(format!("{base}/__control/nothing"))).await;
    assert_eq!(unknown.status, 404);

    let ledger = std::fs::read_to_string(running.folder.path().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 3, "calls of the control interface are none of Stripe's");
    assert!(!ledger.contains(KEY), "keys are not written down");
    let told = send(client.get(format!("{base}/__control/ledger?after=2"))).await;
    assert_eq!(told.body["entries"].as_array().unwrap().len(), 1);

    let id = running.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let status = tokio::time::timeout(PATIENCE, running.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_fault_told_over_http_strikes_and_can_be_taken_back() {
    let running = start(&["--exit-with-parent"]).await;
    let (client, base) = (client(), running.base.clone());
    let fault = json!({ "path": "/v1/products*", "action": "drop_request" });
    assert_eq!(send(client.post(format!("{base}/__control/faults")).json(&fault)).await.status, 200);
    assert!(get(format!("{base}/v1/products"), KEY).await.is_err());
    assert_eq!(send(client.delete(format!("{base}/__control/faults"))).await.status, 200);
    assert_eq!(get(format!("{base}/v1/products"), KEY).await.unwrap().status(), 200);

    let mut child = running.child;
    drop(child.stdin.take());
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "it ends with its parent when told to");
}
