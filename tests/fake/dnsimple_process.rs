//! The fake of DNSimple as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::vendor::{client, send};

const PATIENCE: Duration = Duration::from_secs(20);
const TOKEN: &str = "token-of-these-tests";

struct Running {
    child: Child,
    folder: tempfile::TempDir,
    origin: String,
    base: String,
}

async fn start(more: &[&str]) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dnsimple-fake"))
        .arg("--token-file")
        .arg(folder.path().join("token"))
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
    let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
    Running { child, folder, origin: address("listening"), base: address("base_url") }
}

#[tokio::test]
async fn it_serves_its_account_writes_its_ledger_and_ends_well_when_asked_to() {
    let mut running = start(&["--account", "77", "--rate-limit", "9/2s"]).await;
    let (client, origin, base) = (client(), running.origin.clone(), running.base.clone());
    let whoami = send(client.get(format!("{base}/whoami")).bearer_auth(TOKEN)).await;
    assert_eq!(whoami.body["data"]["account"]["id"], 77);
    let stranger = send(client.get(format!("{base}/whoami")).bearer_auth("another")).await;
    assert_eq!(stranger.status, 401);

    let domain = json!({ "name": "tea.example" });
    let made = send(client.post(format!("{base}/77/domains")).bearer_auth(TOKEN).json(&domain)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let wanted = json!({ "operation": "domains.create", "body": { "name": "milk.example" } });
    let made = send(client.post(format!("{origin}/__control/somebody")).json(&wanted)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let state = send(client.get(format!("{origin}/__control/state"))).await;
    let things = state.body["things"].as_array().unwrap();
    let names: Vec<&Value> = things.iter().map(|thing| &thing["name"]).collect();
    assert_eq!(json!(names), json!(["tea.example", "milk.example"]));
    assert_eq!(state.body["charges"], json!([]));
    let unknown = send(client.get(format!("{origin}/__control/nothing"))).await;
    assert_eq!(unknown.status, 404);

    let ledger = std::fs::read_to_string(running.folder.path().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 3, "calls of the control interface are none of DNSimple's");
    assert!(!ledger.contains(TOKEN), "tokens are not written down");
    assert!(
        ledger.lines().all(|line| line.contains(r#""request_body":null"#)),
        "nor is what was sent: {ledger}"
    );
    let told = send(client.get(format!("{origin}/__control/ledger?after=2"))).await;
    assert_eq!(told.body["entries"].as_array().unwrap().len(), 1);

    let id = running.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let status = tokio::time::timeout(PATIENCE, running.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_fault_is_told_at_the_start_or_over_http_and_can_be_taken_back() {
    let fault = json!({ "path": "/whoami", "action": "drop_request" });
    let running = start(&["--exit-with-parent", "--fault", &fault.to_string()]).await;
    let (client, origin, base) = (client(), running.origin.clone(), running.base.clone());
    let whoami = || client.get(format!("{base}/whoami")).bearer_auth(TOKEN).send();
    for _ in 0..2 {
        assert!(whoami().await.is_err());
        assert_eq!(send(client.delete(format!("{origin}/__control/faults"))).await.status, 200);
        assert_eq!(whoami().await.unwrap().status(), 200);
        assert_eq!(send(client.post(format!("{origin}/__control/faults")).json(&fault)).await.status, 200);
    }

    let mut child = running.child;
    drop(child.stdin.take());
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "it ends with its parent when told to");
}
