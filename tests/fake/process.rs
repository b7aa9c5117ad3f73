//! The fake as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sutler_tests::cloudflare::{CloudflareFake, Options, StartError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::vendor::{ACCOUNT, MASTER, client, send};

const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    child: Child,
    folder: tempfile::TempDir,
    addresses: Value,
}

async fn start(more: &[&str]) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), format!("{MASTER}\n")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloudflare-fake"))
        .args(["--account", ACCOUNT, "--script", "shop", "--project", "site", "--pages-delay", "300ms"])
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
    Running { child, folder, addresses: serde_json::from_str(&line).unwrap() }
}

#[tokio::test]
async fn it_says_where_it_listens_and_ends_well_when_asked_to() {
    let mut running =
        start(&["--fault", r#"{"path":"*/tokens*","action":"drop_request"}"#, "--rate-limit", "9/2s"]).await;
    let base = running.addresses["base_url"].as_str().unwrap();
    assert_eq!(base, format!("{}/client/v4", running.addresses["listening"].as_str().unwrap()));
    let client = client();
    let path = |rest: &str| format!("{base}/accounts/{ACCOUNT}{rest}");
    assert!(client.get(path("/tokens")).bearer_auth(MASTER).send().await.is_err());
    let listed = send(client.get(path("/workers/scripts/shop/secrets")).bearer_auth(MASTER)).await;
    assert_eq!(listed.result(), Value::Array(Vec::new()));
    let ledger = std::fs::read_to_string(running.folder.path().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 2);

    let id = running.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let status = tokio::time::timeout(PATIENCE, running.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn it_ends_with_its_parent_when_told_to() {
    let mut running = start(&["--exit-with-parent"]).await;
    drop(running.child.stdin.take());
    let status = tokio::time::timeout(PATIENCE, running.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let mut options = Options::new(ACCOUNT, MASTER);
    options.listen = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(CloudflareFake::start(options).await, Err(StartError::Exposed(_))));
}

#[tokio::test]
async fn a_stopped_fake_leaves_its_port() {
    let fake = CloudflareFake::start(Options::new(ACCOUNT, MASTER)).await.unwrap();
    let url = format!("{}/__control/health", fake.origin());
    assert_eq!(send(client().get(&url)).await.status, 200);
    fake.stop().await;
    assert!(client().get(&url).send().await.is_err());
}
