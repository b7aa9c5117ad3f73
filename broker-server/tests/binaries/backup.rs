//! `sutler-broker backup`: a copy of the store while it is served.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::json;
use sutler_catalog::probe::Behaviour;

use crate::process::{Process, call, client, configure};

const PROBE: &str = "offerings: [sutler-probe]\nvendors: { probe: {} }\n";

fn broker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sutler-broker"))
}

fn backup(config: &Path, to: &Path, faults: &str) -> Output {
    let mut command = broker();
    command.args(["backup", "-c"]).arg(config).arg("--to").arg(to).env("SUTLER_FAULTS", faults);
    command.output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn partial(to: &Path) -> PathBuf {
    to.with_extension("db.partial")
}

/// Serves a store; the configuration's file.
fn serve(folder: &Path) -> (Process, PathBuf) {
    let config = configure(folder, PROBE);
    assert!(broker().args(["key", "new", "-c"]).arg(&config).status().unwrap().success());
    let mut command = broker();
    command.args(["serve", "-c"]).arg(&config);
    (Process::start(command), config)
}

async fn provision(process: &Process, id: &str) -> u16 {
    let plan = Behaviour::Instant;
    let body = json!({
        "service_id": plan.home().id().as_str(), "plan_id": plan.id().as_str(), "organization_guid": "o",
        "space_guid": "s", "parameters": { "secret": "canary-in-the-store" },
    });
    let url = format!("http://{}/v2/service_instances/{id}", process.address);
    call(client().put(url).json(&body)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_serving_is_a_store_that_is_whole_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let (process, config) = serve(folder.path());
    assert_eq!(provision(&process, "before").await, 201);
    let to = folder.path().join("copy.db");
    let made = backup(&config, &to, "");
    assert!(made.status.success(), "{}", errors(&made));
    assert_eq!(provision(&process, "after").await, 201, "nobody was disturbed");
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!partial(&to).exists());
    let bytes = fs::read(&to).unwrap();
    assert!(!bytes.windows(19).any(|window| window == b"canary-in-the-store"), "sealed stays sealed");

    let again = backup(&config, &to, "");
    assert_eq!(again.status.code(), Some(1), "{}", errors(&again));
    assert!(errors(&again).contains("is there already and is left alone"), "{}", errors(&again));
    assert_eq!(fs::read(&to).unwrap(), bytes);
    process.end();

    // another broker, with the copy and the keys
    let text = fs::read_to_string(&config).unwrap().replace("sqlite:broker.db", "sqlite:copy.db");
    fs::write(&config, text).unwrap();
    let verified = broker().args(["audit", "verify", "-c"]).arg(&config).output().unwrap();
    assert!(verified.status.success(), "{}", errors(&verified));
    let mut command = broker();
    command.args(["serve", "-c"]).arg(&config);
    let process = Process::start(command);
    assert_eq!(provision(&process, "before").await, 200, "it is in the copy");
    assert_eq!(provision(&process, "after").await, 201, "it is not in the copy");
    process.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn b25_a_copy_that_dies_half_made_has_no_name_and_is_taken_away_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (process, config) = serve(folder.path());
    assert_eq!(provision(&process, "i").await, 201);
    for point in 1..=4 {
        let to = folder.path().join(format!("copy-{point}.db"));
        let failed = backup(&config, &to, &format!("B25=error@{point}"));
        assert_eq!(failed.status.code(), Some(1), "{}", errors(&failed));
        assert!(!partial(&to).exists(), "a failure takes away what it made");
        // the last point is behind the naming: the copy is whole
        assert_eq!(to.exists(), point == 4);
        let _ = fs::remove_file(&to);
        let killed = backup(&config, &to, &format!("B25=kill@{point}"));
        assert!(killed.status.signal().is_some(), "{killed:?}");
        assert!(partial(&to).exists());
        assert_eq!(to.exists(), point == 4);
        let next = backup(&config, &to, "");
        assert_eq!(next.status.code(), Some(i32::from(point == 4)), "{}", errors(&next));
        assert!(to.exists() && !partial(&to).exists());
    }
    assert_eq!(provision(&process, "j").await, 201, "nobody was disturbed");
    process.end();
}

#[test]
fn a_store_in_a_database_is_copied_with_its_own_tools() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), PROBE);
    assert!(broker().args(["key", "new", "-c"]).arg(&config).status().unwrap().success());
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("sqlite:broker.db", "postgres://u@127.0.0.1/d")).unwrap();
    let refused = backup(&config, &folder.path().join("copy.db"), "");
    assert_eq!(refused.status.code(), Some(2), "{}", errors(&refused));
    assert!(errors(&refused).contains("pg_dump"), "{}", errors(&refused));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "configuration, password, keys");
}
