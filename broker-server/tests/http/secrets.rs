//! A canary goes through everything and comes out nowhere but in the answers that must hold it.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use serde_json::json;
use sutler_broker_server::{
    Config,
    config::StoreLocation,
    operation::Work,
    providers::{
        Checkpoint,
        scripted::{Answer, SERVICE, STANDARD},
    },
    testing::postgres::Cluster,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{PASSWORD, World, ids, wanted};

const I: &str = "/v2/service_instances/i";
const CANARY: &str = "c4n4ry-5ecret-0123456789";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// One server for this test, which ends with it.
static CLUSTER: Mutex<Option<Arc<Cluster>>> = Mutex::new(None);

fn in_postgresql(config: &mut Config) {
    let cluster = CLUSTER.lock().unwrap().clone().expect("a server");
    config.store = StoreLocation::Postgres(cluster.address("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s_38_no_secret_is_in_clear_in_logs_at_trace_nor_in_either_database() {
    let captured = Captured::default();
    let lines =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(captured.clone());
    tracing::subscriber::set_global_default(lines.finish()).unwrap();

    let world = World::start().await;
    let files = |world: &World| below(world.database(), SystemTime::UNIX_EPOCH);
    everything_but_the_end(&world).await;
    let written = files(&world);
    assert!(
        written.iter().any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty()),
        "the log is searched"
    );
    search(&captured, &written);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 200);
    search(&captured, &files(&world));
    drop(world);

    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
    // what the server was made of is of no interest; clocks of files are coarse
    let began = SystemTime::now() - Duration::from_secs(2);
    *CLUSTER.lock().unwrap() = Some(Arc::new(cluster));
    let world = World::with(in_postgresql).await;
    everything_but_the_end(&world).await;
    let cluster = CLUSTER.lock().unwrap().take().expect("a server");
    checkpoint(&cluster).await;
    let written = below(&cluster.data(), began);
    let holds =
        |text: &[u8]| written.iter().any(|(_, bytes)| bytes.windows(text.len()).any(|window| window == text));
    assert!(written.iter().any(|(name, _)| name.contains("pg_wal")), "the log is searched");
    assert!(
        holds(b"the-organization-of-the-canary"),
        "what is not secret is there: the right files are searched"
    );
    search(&captured, &written);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 200);
    checkpoint(&cluster).await;
    search(&captured, &below(&cluster.data(), began));
}

/// The canary goes wherever a secret can be told, and everything that answers with it is asked.
async fn everything_but_the_end(world: &World) {
    let half = Checkpoint::at("half", json!({ "token": CANARY }));
    world.script.on(Work::Provision, [Answer::Next(half)]);
    let mut request = wanted(json!({ "secret": CANARY, "size": 1 }));
    request["organization_guid"] = json!("the-organization-of-the-canary");
    request["context"] = json!({ "platform": "test", "instance_name": CANARY });
    assert_eq!(world.put(I, &request).await.status, 201);
    let change = json!({ "service_id": SERVICE, "parameters": { "secret": format!("{CANARY}-2") } });
    assert_eq!(world.patch(I, &change).await.status, 200);
    let path = format!("{I}/service_bindings/b");
    let bind = json!({ "service_id": SERVICE, "plan_id": STANDARD, "parameters": { "token": CANARY } });
    assert_eq!(world.put(&path, &bind).await.body["credentials"]["token"], CANARY);
    let wrong = json!({ "service_id": SERVICE, "parameters": { "size": CANARY } });
    assert!(!world.patch(I, &wrong).await.body.to_string().contains(CANARY));
    assert!(!world.get(I).await.body.to_string().contains(CANARY));
}

/// Has the server write everything that it holds in memory.
async fn checkpoint(cluster: &Cluster) {
    let (user, password) = ("broker", cluster.password());
    let address =
        format!("host=127.0.0.1 port={} user={user} dbname=postgres password={password}", cluster.port());
    let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    client.batch_execute("CHECKPOINT").await.unwrap();
    drop(client);
    task.await.unwrap().unwrap();
}

/// The files below a folder that were written since then.
fn below(folder: &Path, since: SystemTime) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(below(&path, since));
        } else if path.metadata().is_ok_and(|about| about.is_file() && about.modified().unwrap() >= since)
            && let Ok(bytes) = std::fs::read(&path)
        {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

/// Every form of the secrets, in every place.
fn search(captured: &Captured, files: &[(String, Vec<u8>)]) {
    let logs = captured.0.lock().unwrap().clone();
    assert!(!logs.is_empty());
    let secrets = [("the canary", CANARY), ("the password", PASSWORD)];
    for (name, bytes) in files.iter().chain([&("the logs".to_owned(), logs)]) {
        let leaks = sutler_secrets::find_leaks(bytes, &secrets);
        assert!(leaks.is_empty(), "{name}: {leaks:?}");
    }
}
