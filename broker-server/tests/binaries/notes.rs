//! The broker in one file of the documentation works.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::process::{Process, call, client, configure};

const SERVICE: &str = "0f5d6a52-8a4f-4f0e-9c39-6f0f2a3b7c01";
const PLAN: &str = "0f5d6a52-8a4f-4f0e-9c39-6f0f2a3b7c02";

/// The example's program, beside ours: `cargo test` has built it; when only some tests are run, it is built here.
fn example() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_sutler-broker")).parent().expect("programs are in a folder");
    let path = folder.join("examples/notes-broker");
    if !path.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "sutler-broker-server", "--example", "notes-broker"]);
        // what cargo told this test about itself would make it build everything anew
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_"))
        {
            if name != "CARGO_HOME" && name != "CARGO_TARGET_DIR" {
                build.env_remove(name);
            }
        }
        assert!(build.status().expect("cargo runs").success());
    }
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_of_the_document_serves_a_whole_life() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    std::fs::create_dir(&notes).unwrap();
    let mut command = Command::new(example());
    command.arg(configure(folder.path(), "")).arg(&notes);
    let process = Process::start(command);
    let client = client();
    let instance = format!("http://{}/v2/service_instances/note", process.address);
    let binding = format!("{instance}/service_bindings/reader");
    let ids = format!("service_id={SERVICE}&plan_id={PLAN}");

    let note = |text: &str| {
        json!({
            "service_id": SERVICE, "plan_id": PLAN, "organization_guid": "o", "space_guid": "s",
            "parameters": { "text": text },
        })
    };
    assert_eq!(call(client.put(&instance).json(&note("hello"))).await.0, 201);
    let bind = json!({ "service_id": SERVICE, "plan_id": PLAN });
    let (status, bound) = call(client.put(&binding).json(&bind)).await;
    assert_eq!(status, 201);
    let path = bound["credentials"]["path"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello");
    let change = json!({ "service_id": SERVICE, "parameters": { "text": "hello again" } });
    assert_eq!(call(client.patch(&instance).json(&change)).await.0, 200);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello again");
    let (status, fetched) = call(client.get(&instance)).await;
    assert_eq!((status, &fetched["metadata"]["attributes"]["length"]), (200, &json!(11)));
    assert_eq!(call(client.delete(format!("{binding}?{ids}"))).await.0, 200);
    assert_eq!(call(client.delete(format!("{instance}?{ids}"))).await.0, 200);
    assert_eq!(call(client.delete(format!("{instance}?{ids}"))).await.0, 410);
    assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 0, "nothing is left");
    assert!(process.end().0.success());
}
