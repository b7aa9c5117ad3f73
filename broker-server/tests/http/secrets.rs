//! A canary goes through everything and comes out nowhere but in the answers that must hold it.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::json;
use sutler_broker_server::{
    operation::Work,
    providers::{
        Checkpoint,
        scripted::{Answer, SERVICE, STANDARD},
    },
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

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_in_the_clear() {
    let captured = Captured::default();
    let lines =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(captured.clone());
    tracing::subscriber::set_global_default(lines.finish()).unwrap();
    let world = World::start().await;
    let half = Checkpoint::at("half", json!({ "token": CANARY }));
    world.script.on(Work::Provision, [Answer::Next(half)]);
    let mut request = wanted(json!({ "secret": CANARY, "size": 1 }));
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
    search(&world, &captured);
    assert_eq!(world.delete(&format!("{I}?{}", ids())).await.status, 200);
    search(&world, &captured);
}

fn search(world: &World, captured: &Captured) {
    let logs = captured.0.lock().unwrap().clone();
    assert!(!logs.is_empty());
    let files = std::fs::read_dir(world.database()).unwrap().map(|entry| entry.unwrap().path());
    let mut places: Vec<(String, Vec<u8>)> =
        files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect();
    assert!(
        places.iter().any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty()),
        "the log is searched too"
    );
    places.push(("the logs".to_owned(), logs));
    for (name, bytes) in places {
        for secret in [CANARY, PASSWORD] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{name} holds {secret}");
        }
    }
}
