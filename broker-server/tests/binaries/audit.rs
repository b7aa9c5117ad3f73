//! `sutler-broker audit verify`: what was told is followed to its end, and whoever touches it is noticed (S-63).

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rusqlite::Connection;
use serde_json::json;
use sutler_broker_server::testing::postgres::Cluster;
use sutler_catalog::probe::Behaviour;

use crate::process::{Process, call, client, configure};

const PROBE: &str = "vendors: { probe: {} }\n";

pub(crate) fn start(config: &Path) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sutler-broker"));
    command.args(["serve", "-c"]).arg(config);
    Process::start(command)
}

pub(crate) fn run(arguments: &[&str], config: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sutler-broker")).args(arguments).arg("-c").arg(config).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Makes an instance that is there at once; two events.
pub(crate) async fn provision(process: &Process, name: &str) {
    let behaviour = Behaviour::Instant;
    let body = json!({
        "service_id": behaviour.home().id().as_str(), "plan_id": behaviour.id().as_str(),
        "organization_guid": "o", "space_guid": "s", "parameters": { "secret": "of this instance" },
    });
    let url = format!("http://{}/v2/service_instances/{name}", process.address);
    assert_eq!(call(client().put(url).json(&body)).await.0, 201, "{name}");
}

/// Exit code and what was said.
fn verify(config: &Path) -> (Option<i32>, String) {
    let output = run(&["audit", "verify"], config);
    (output.status.code(), said(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn s_63_a_chain_is_whole_until_somebody_touches_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), PROBE);
    let process = start(&config);
    for name in ["one", "two", "three"] {
        provision(&process, name).await;
    }
    let (code, text) = verify(&config);
    assert_eq!(code, Some(0), "while it serves: {text}");
    assert!(text.contains("6 rows are as they were written; the last digest is "), "{text}");
    assert!(process.end().0.success());

    let database = folder.path().join("broker.db");
    let whole = verify(&config);
    assert_eq!(whole, (Some(0), text));
    let untouched = fs::read(&database).unwrap();
    for (how, expected) in [
        (
            "UPDATE events SET credential = 'somebody' WHERE sequence = 2",
            "event 2, row 2 of the chain, is not what was written",
        ),
        ("DELETE FROM events WHERE sequence = 3", "event 3, row 3 of the chain, is missing"),
        ("DELETE FROM events WHERE sequence = 6", "event 6, row 6 of the chain, is missing"),
        (
            "DELETE FROM events WHERE sequence = 6; DELETE FROM audit_chain WHERE position = 6",
            "row 6 of the chain is missing",
        ),
        ("DELETE FROM meta WHERE name = 'audit_head'", "the record of the chain's end is missing"),
        (
            "INSERT INTO events (at, kind, instance) VALUES (0, 'provision.accepted', 'never')",
            "1 events are not in the chain",
        ),
    ] {
        tamper(&database, how);
        let (code, text) = verify(&config);
        assert_eq!(code, Some(3), "{how}: {text}");
        assert!(text.contains("the audit chain is broken: ") && text.contains(expected), "{how}: {text}");
        fs::write(&database, &untouched).unwrap();
    }
    assert_eq!(verify(&config), whole);
}

/// Past all triggers, with nothing left beside the file.
fn tamper(database: &Path, how: &str) {
    let connection = Connection::open(database).unwrap();
    let triggers = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted;
                    DROP TRIGGER audit_chain_is_never_changed; DROP TRIGGER audit_chain_is_never_cut;";
    connection.execute_batch(&format!("{triggers} {how}; PRAGMA wal_checkpoint(TRUNCATE);")).unwrap();
}

/// A configuration on the shared server.
fn on_postgres(folder: &Path, cluster: &Cluster) -> PathBuf {
    let config = configure(folder, PROBE);
    write_private(&folder.join("database.password"), cluster.password());
    let store = format!(
        "store: {{ url: \"{}\", schema: audited, password: {{ file: database.password }} }}",
        cluster.url()
    );
    let text = fs::read_to_string(&config).unwrap().replace("store: sqlite:broker.db", &store);
    fs::write(&config, text).unwrap();
    config
}

pub(crate) fn write_private(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s_63_the_newest_event_is_missed_in_its_first_second_too() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = on_postgres(folder.path(), &cluster);
    let process = start(&config);
    provision(&process, "one").await;
    // whatever was told last is not chained yet, or it is: nobody is there any more to do so
    process.signal("KILL");
    process.ended();
    assert_eq!(verify(&config).0, Some(0));
    let url = format!(
        "host=127.0.0.1 port={} user=broker dbname=postgres password={} options='-c search_path=audited'",
        cluster.port(),
        cluster.password()
    );
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let newest = "ALTER TABLE events DISABLE TRIGGER USER;
                  DELETE FROM events WHERE sequence = (SELECT max(sequence) FROM events)";
    client.batch_execute(newest).await.unwrap();
    let (code, text) = verify(&config);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("the audit chain is broken: "), "{text}");
}
